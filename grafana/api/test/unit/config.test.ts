import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ConfigError, envTableMarkdown } from '@holdfast/kit';
import { ENV, controlSettings, deviceName, readConfig } from '../../src/config.ts';
import { openApi, routesMarkdown } from '../../src/core/contract/index.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

test('without variables the service looks, and switches nothing', () => {
  const config = readConfig({});
  assert.equal(config.DASHBOARD_PORT, 8_080);
  assert.equal(config.DASHBOARD_CONTROL, false);
  assert.equal(deviceName(config), '');
});

test('the user that switches is another one than the user that looks', () => {
  const config = readConfig({
    REDIS_HOST: 'h',
    REDIS_USERNAME: 'grafana',
    REDIS_PASSWORD_FILE: '/g',
    DASHBOARD_REDIS_PASSWORD_FILE: '/d',
  });
  const { host, username, passwordFile, password } = controlSettings(config);
  assert.deepEqual([host, username, passwordFile, password], ['h', 'dashboard', '/d', undefined]);
});

test('bad values are refused, all in one message', () => {
  const faulty = {
    DASHBOARD_PORT: '0',
    DASHBOARD_CONTROL: 'maybe',
    DASHBOARD_REQUESTS_PER_SECOND: '-1',
  };
  assert.throws(
    () => readConfig(faulty),
    (error) =>
      error instanceof ConfigError &&
      Object.keys(faulty).every((name) => error.message.includes(name)),
  );
});

test('the device is called by its fleet and its name, or the begin of its id', () => {
  const uuid = '6076a30b1f0e4d6c9a52c1d7e3f80b94';
  const named = { BALENA_APP_NAME: 'greenhouse', BALENA_DEVICE_UUID: uuid };
  assert.equal(deviceName(readConfig(named)), 'greenhouse / 6076a30');
  const full = { ...named, BALENA_DEVICE_NAME_AT_INIT: 'old-oak' };
  assert.equal(deviceName(readConfig(full)), 'greenhouse / old-oak');
});

test('the README has the tables of variables and routes as they are', () => {
  assert.ok(README.includes(envTableMarkdown(ENV)), envTableMarkdown(ENV));
  assert.ok(README.includes(routesMarkdown()), 'run routesMarkdown() and paste its output');
});

test('the document names the switch only where there is one', () => {
  const paths = (control: boolean) =>
    Object.keys((openApi('1', control) as { paths: object }).paths);
  assert.ok(!paths(false).includes('/api/measuring'));
  assert.ok(paths(true).includes('/api/measuring'));
});
