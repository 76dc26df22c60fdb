/** The service as it runs on the device: the bundle, a real Redis, nothing but environment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freePort, service, startRedis, until } from '@holdfast/lab/servers';
import { KEYS, fieldOf } from '@holdfast/redis';
import { checkStream } from '../fakes/stream-check.ts';
import { startBench } from './service.ts';

describe('measuring', () => {
  it('stores readings of this machine with all that identifies them', async () => {
    await using bench = await startBench({ INTERVAL_SECONDS: '0.05' });
    await bench.more(3);
    const [entry] = await bench.server.client.xrange(KEYS.values.key, '-', '+');
    const fields = entry?.[1] ?? [];
    assert.equal(fieldOf(fields, '_sensor'), 'host');
    assert.equal(fieldOf(fields, '_seq'), '1');
    assert.match(fieldOf(fields, '_epoch') ?? '', /^[0-9a-f]{12}$/);
    assert.match(fieldOf(fields, '_boot') ?? '', /^[0-9a-f]{12}$/);
    assert.match(fieldOf(fields, '_uptime_ms') ?? '', /^\d+$/);
    assert.equal(fieldOf(fields, '_quality'), undefined);
    for (const name of ['load_1m', 'memory_free_bytes', 'disk_free_bytes']) {
      assert.match(fieldOf(fields, name) ?? '', /^\d+(\.\d+)?$/, name);
    }
  });

  it('tells its start and its state', async () => {
    await using bench = await startBench({ INTERVAL_SECONDS: '3600' });
    const started = await bench.event('service_started');
    assert.equal(fieldOf(started, 'sensors'), 'host');
    await bench.event('sensor_found');
    await until('the status', async () => (await bench.status('sensor:host')) === 'ok');
    assert.equal(await bench.status('state'), 'measuring');
    assert.equal(await bench.status('interval_seconds'), '3600');
    assert.equal(await bench.status('readings'), '1');
  });

  it('begins while Redis is not there yet and hands over what it has', async () => {
    const port = await freePort();
    const sensor = service('sensor', {
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(port),
      SENSORS: 'host',
      INTERVAL_SECONDS: '0.05',
    });
    sensor.start();
    try {
      await sensor.untilLine(/"sensor_found"/);
      await using server = await startRedis({ port });
      await until('readings', async () => (await server.client.xlen(KEYS.values.key)) > 20);
      const check = await checkStream(server.client);
      assert.deepEqual([check.missing, check.repeated], [[], []]);
    } finally {
      await sensor.kill();
    }
  });
});

describe('settings in Redis', () => {
  it('a new interval counts at once although the old one is an hour', async () => {
    await using bench = await startBench({ INTERVAL_SECONDS: '3600' });
    await bench.more(1);
    await bench.server.client.set(KEYS.interval.key, '0.05');
    await bench.more(10);
    assert.equal(await bench.status('interval_seconds'), '0.05');
    await bench.server.client.del(KEYS.interval.key);
    await until('the default', async () => (await bench.status('interval_seconds')) === '3600');
  });

  it('measuring is paused and goes on, each an event', async () => {
    await using bench = await startBench({ INTERVAL_SECONDS: '0.02' });
    await bench.more(5);
    await bench.server.client.set(KEYS.enabled.key, '0');
    await bench.event('measuring_paused');
    await until('pause', async () => (await bench.status('state')) === 'paused');
    const before = await bench.length();
    assert.equal(await bench.length(), before);
    await bench.server.client.set(KEYS.enabled.key, '1');
    await bench.event('measuring_resumed');
    await bench.more(5);
  });

  it('nonsense as interval changes nothing and is an event', async () => {
    await using bench = await startBench({ INTERVAL_SECONDS: '3600' });
    await bench.server.client.set(KEYS.interval.key, '0.05');
    await bench.more(3);
    await bench.server.client.set(KEYS.interval.key, 'often');
    const refused = await bench.event('interval_refused');
    assert.equal(fieldOf(refused, 'value'), 'often');
    assert.equal(fieldOf(refused, 'kept_seconds'), '0.05');
    await bench.more(5);
  });

  it('a pause set before the start is kept', async () => {
    await using server = await startRedis();
    await server.client.set(KEYS.enabled.key, '0');
    const sensor = service('sensor', { ...server.env, SENSORS: 'host', INTERVAL_SECONDS: '0.01' });
    sensor.start();
    try {
      await sensor.untilLine(/"measuring_paused"/);
      assert.equal(await server.client.xlen(KEYS.values.key), 0);
    } finally {
      await sensor.kill();
    }
  });
});

describe('the end', () => {
  it('comes with SIGTERM, exit code 0 and nothing left behind in memory', async () => {
    await using bench = await startBench({ INTERVAL_SECONDS: '0.01' });
    await bench.more(50);
    assert.equal(await bench.sensor.stop(), 0);
    const check = await checkStream(bench.server.client);
    assert.deepEqual([check.missing, check.repeated], [[], []]);
    assert.equal(await bench.status('state'), 'stopped');
    assert.equal(await bench.status('readings'), String(check.readings));
    assert.equal(await bench.status('pending'), '0');
  });

  it('comes with SIGTERM while Redis is away', async () => {
    await using bench = await startBench({ INTERVAL_SECONDS: '0.01' });
    await bench.more(5);
    await bench.server.process.kill();
    await bench.sensor.untilLine(/"redis_lost"/);
    assert.equal(await bench.sensor.stop(), 0);
  });

  it('comes with SIGTERM while Redis hangs', async () => {
    await using bench = await startBench({ INTERVAL_SECONDS: '0.01' });
    await bench.more(5);
    bench.server.process.freeze();
    assert.equal(await bench.sensor.stop(), 0);
  });

  it('comes with exit code 78 and one line that names every fault', async () => {
    const sensor = service('sensor', {
      INTERVAL_SECONDS: '0',
      SENSORS: 'bme999@1:0x76',
      REDIS_PORT: 'x',
    });
    sensor.start();
    assert.equal(await sensor.exited(), 78);
    const line = await sensor.untilLine(/^sensor: /);
    assert.match(line, /REDIS_PORT is "x", allowed: a whole number from 1 to 65535/);
    assert.match(line, /INTERVAL_SECONDS is "0", allowed: a number from 0.01 to 86400/);
    assert.match(line, /SENSORS is "bme999@1:0x76", allowed: auto, or a list such as/);
    assert.equal(sensor.lines.length, 1);
  });
});
