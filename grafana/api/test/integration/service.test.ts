/** The service as a process: with its real users, without Redis, with a faulty configuration. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freePort, service, startRedis, until } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import { Container } from '../../../../redis/test/integration/container.ts';
import { TABLE_NAMES } from '../../src/app.ts';
import { reading } from '../fakes/knowledge.ts';
import { Api } from './bed.ts';

describe('with the users of the device', () => {
  let container: Container;
  let api: Api;
  before(async () => {
    container = await Container.create();
    await container.start();
    api = await Api.start({
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(container.port),
      REDIS_USERNAME: 'grafana',
      REDIS_PASSWORD_FILE: container.passwordFile('grafana'),
      DASHBOARD_CONTROL: 'true',
      DASHBOARD_REDIS_PASSWORD_FILE: container.passwordFile('dashboard'),
    });
    await api.untilReady();
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
    await container[Symbol.asyncDispose]();
  });

  test('every route may read what it shows', async () => {
    const admin = await container.connect('redis');
    const [id, fields] = reading(Date.now(), 's', { temperature_celsius: 20 });
    await admin.xadd(KEYS.values.key, id, ...fields);
    await admin.hset('hub:assignment', { host: 'h.example', device_id: 'd' });
    await admin.hset('hub:credentials', { sas_token: 'secret-token' });
    await admin.hset('provisioning:state', { state: 'assigned' });
    await until('the assignment is shown', async () => {
      const [row] = await api.rows('provisioning');
      return row?.['hub_host'] === 'h.example';
    });
    for (const name of TABLE_NAMES) await api.rows(name);
    const { body } = await api.ask('/api/overview');
    assert.ok(!JSON.stringify(body).includes('secret-token'));
    assert.equal((await api.rows('series')).length, 1);
  });

  test('measuring is switched by the page, and by nobody else', async () => {
    const admin = await container.connect('redis');
    const post = async (body: unknown, headers: Record<string, string>) =>
      api.ask('/api/measuring', { method: 'POST', body: JSON.stringify(body), headers });
    const own = { 'Content-Type': 'application/json', 'X-Holdfast-Control': '1', Origin: api.url };
    const { Origin: _, ...noOrigin } = own;
    const foreign = { ...own, Origin: 'http://evil.example' };
    const simple = { Origin: api.url, 'Content-Type': 'text/plain' };
    for (const headers of [noOrigin, foreign, simple]) {
      assert.equal((await post({ measuring: false }, headers)).status, 403);
    }
    assert.equal(await admin.get(KEYS.enabled.key), null);
    assert.deepEqual((await post({ measuring: false }, own)).body, { measuring: false });
    assert.equal(await admin.get(KEYS.enabled.key), '0');
    assert.deepEqual((await post({ measuring: true }, own)).body, { measuring: true });
    assert.equal(await admin.get(KEYS.enabled.key), '1');
    for (const body of [{}, [], 'true', { measuring: 'yes' }, { measuring: 'x'.repeat(5_000) }]) {
      const { status } = await post(body, own);
      assert.ok(
        status === 400 || status === 413,
        `${JSON.stringify(body).slice(0, 20)}: ${status}`,
      );
    }
    assert.equal(await admin.get(KEYS.enabled.key), '1');
  });
});

test('Redis that comes late, goes and comes back is waited for and told', async () => {
  const port = await freePort();
  await using api = await Api.start({ REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port) });
  const away = await api.ask<{ error: { code: string } }>('/api/status');
  assert.deepEqual([away.status, away.body.error.code], [503, 'redis_unreachable']);
  assert.equal((await api.ask<{ redis: string }>('/healthz')).body.redis, 'unreachable');
  await using redis = await startRedis({ port });
  const status = async () => (await api.ask('/api/status')).status;
  await until('it is back', async () => (await status()) === 200);
  await redis.process.kill();
  await until('it has gone', async () => (await status()) === 503);
  await redis.restart();
  await until('it is back again', async () => (await status()) === 200);
  assert.equal(await api.process.stop(), 0);
});

test('a frozen Redis stops no other answer: the page and the document are still given', async () => {
  await using redis = await startRedis();
  await using api = await Api.start(redis.env);
  await api.untilReady();
  redis.process.freeze();
  try {
    const page = await fetch(`${api.url}/`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal((await fetch(`${api.url}/healthz`)).status, 200);
  } finally {
    redis.process.thaw();
  }
});

test('files of the page are small, kept by the browser, compressed on the way', async () => {
  await using redis = await startRedis();
  await using api = await Api.start(redis.env);
  let bytes = 0;
  for (const path of ['/', '/page.js', '/page.css', '/icon.svg']) {
    const response = await fetch(api.url + path);
    bytes += (await response.arrayBuffer()).byteLength;
    const etag = response.headers.get('etag') ?? '';
    const again = await fetch(api.url + path, { headers: { 'If-None-Match': etag } });
    assert.equal(again.status, 304, path);
    const type = response.headers.get('content-type') ?? '';
    assert.match(type, /text\/html|javascript|text\/css|svg/);
  }
  assert.ok(bytes < 100_000, `${bytes} bytes`);
  const script = await fetch(`${api.url}/page.js`, { headers: { 'Accept-Encoding': 'gzip' } });
  assert.equal(script.headers.get('content-encoding'), 'gzip');
  for (const path of ['/../package.json', '/main.js', '/page.ts']) {
    assert.equal((await fetch(api.url + path)).status, 404, path);
  }
});

test('unusable configuration ends the service with one line', async () => {
  const faulty = service('grafana/api', { DASHBOARD_PORT: 'http' });
  faulty.start();
  assert.equal(await faulty.exited(), 78);
  assert.match(faulty.lines.join('\n'), /DASHBOARD_PORT is "http"/);
  await using redis = await startRedis();
  const taken = service('grafana/api', {
    ...redis.env,
    DASHBOARD_PORT: String(redis.port),
    DASHBOARD_BIND: '127.0.0.1',
  });
  taken.start();
  assert.equal(await taken.exited(), 78);
  assert.match(taken.lines.join('\n'), /EADDRINUSE/);
});
