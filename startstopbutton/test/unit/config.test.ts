import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ConfigError, envTableMarkdown } from '@holdfast/kit';
import { ENV, readConfig } from '../../src/config.ts';

test('without variables the button is on GPIO 2, pulled up, and falls when pressed', () => {
  const config = readConfig({});
  assert.equal(config.BUTTON_PIN, 2);
  assert.equal(config.BUTTON_PULL_UP_DOWN, 'UP');
  assert.equal(config.BUTTON_EVENT, 'FALLING');
  assert.equal(config.BUTTON_BOUNCE_MILLIS, 20);
  assert.equal(config.BUTTON_LONG_PRESS_SECONDS, 5);
  assert.equal(config.LED_PIN, undefined);
  assert.equal(config.GPIO_BACKEND, 'auto');
  assert.equal(config.GPIO_BASE, undefined);
  assert.equal(config.HARDWARE_SIMULATOR, undefined);
});

test('words are taken in any case, with the spellings fleets have', () => {
  assert.equal(readConfig({ BUTTON_EVENT: 'RAISING' }).BUTTON_EVENT, 'RISING');
  assert.equal(readConfig({ BUTTON_EVENT: 'rising' }).BUTTON_EVENT, 'RISING');
  assert.equal(readConfig({ BUTTON_EVENT: 'Both' }).BUTTON_EVENT, 'BOTH');
  assert.equal(readConfig({ BUTTON_PULL_UP_DOWN: 'off' }).BUTTON_PULL_UP_DOWN, 'NONE');
  assert.equal(readConfig({ BUTTON_PULL_UP_DOWN: 'DOWN' }).BUTTON_PULL_UP_DOWN, 'DOWN');
});

test('bad values are refused, all in one message', () => {
  const faulty = {
    BUTTON_PIN: '54',
    BUTTON_PULL_UP_DOWN: 'constructor',
    BUTTON_EVENT: 'toString',
    BUTTON_BOUNCE_MILLIS: '0',
    BUTTON_LONG_PRESS_SECONDS: '61',
    LED_PIN: 'GPIO17',
    GPIO_BACKEND: 'pigpio',
    GPIO_BASE: '-1',
  };
  assert.throws(
    () => readConfig(faulty),
    (error) => {
      assert.ok(error instanceof ConfigError);
      for (const [name, value] of Object.entries(faulty)) {
        assert.match(error.message, new RegExp(`${name} is "${value}", allowed: `));
      }
      return true;
    },
  );
});

test('the README has the table of the variables as they are', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(envTableMarkdown(ENV)), envTableMarkdown(ENV));
});
