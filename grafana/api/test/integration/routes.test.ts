/** Every route on the fixtures a device can come up with. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KEYS } from '@holdfast/redis';
import { LIMITS } from '../../src/core/contract/index.ts';
import type { TableName } from '../../src/core/contract/index.ts';
import { TABLE_NAMES } from '../../src/app.ts';
import { reading } from '../fakes/knowledge.ts';
import { startBed, store } from './bed.ts';
import type { Bed } from './bed.ts';

const EMPTY: readonly TableName[] = [
  'latest',
  'sensors',
  'quantities',
  'series',
  'readings',
  'events',
  'gaps',
];

describe('the routes', () => {
  let bed: Bed;
  before(async () => {
    bed = await startBed();
  });
  after(async () => {
    await bed[Symbol.asyncDispose]();
  });
  const fresh = async () => bed.redis.client.flushall();
  /**
   * After the last write of a test: longer than an answer about the present is given again. The
   * service also asks for itself every 10 s, so this cannot be known to be over before the writes.
   */
  const settled = async () => new Promise((resolve) => setTimeout(resolve, 1_500));

  test('answer on an empty Redis, with no rows or with what is not known', async () => {
    for (const name of TABLE_NAMES) {
      const rows = await bed.api.rows(name);
      assert.equal(
        rows.length === 0,
        EMPTY.includes(name) || (name === 'history' && rows.length === 0),
        name,
      );
    }
    await bed.api.ask('/api/overview');
    await bed.api.ask('/api/curves');
    const [status] = await bed.api.rows('status');
    assert.equal(status?.['last_reading'], null);
    assert.equal(status['forecast'], 'not known yet');
  });

  test('answer on missing fields, a failed sensor and texts that are no numbers', async () => {
    await fresh();
    const nowMs = Date.now();
    await store(bed.redis, [
      reading(nowMs - 3_000, 'bme280-1-76', { temperature_celsius: 20, humidity_percent: 40 }),
      reading(nowMs - 2_000, 'bme280-1-76', { temperature_celsius: 21, humidity_percent: 41 }),
      reading(nowMs - 1_500, 'x', { temperature_celsius: 'NaN', door: 'open', odd: '' }),
      reading(nowMs - 1_000, 'bme280-1-76', { humidity_percent: 42 }, { _quality: 'out_of_range' }),
      [
        `${nowMs}-0`,
        ['_epoch', 'e', '_gap', '{"from_seq":1,"to_seq":2,"count":2,"reason":"removed"}'],
      ],
      [`${nowMs}-1`, ['rain_mm', '1.5']],
    ]);
    await bed.redis.client.hset(KEYS.sensorStatus.key, {
      state: 'measuring',
      interval_seconds: '1',
      'sensor:bme280-1-76': 'ok',
      'sensor:sht31-1-44': 'lost: ENXIO no answer',
    });
    await settled();
    const latest = await bed.api.rows('latest');
    const value = (sensor: string, quantity: string) =>
      latest.find((row) => row['sensor'] === sensor && row['quantity'] === quantity);
    assert.equal(value('bme280-1-76', 'humidity_percent')?.['value'], 42);
    assert.deepEqual(
      [
        value('bme280-1-76', 'temperature_celsius')?.['value'],
        value('bme280-1-76', 'temperature_celsius')?.['quality'],
      ],
      [null, 'out_of_range'],
    );
    assert.deepEqual([value('x', 'door')?.['value'], value('x', 'door')?.['text']], [null, 'open']);
    assert.equal(value('x', 'temperature_celsius')?.['value'], null);
    assert.equal(value('other', 'rain_mm')?.['value'], 1.5);
    const sensors = await bed.api.rows('sensors');
    const lost = sensors.find((row) => row['sensor'] === 'sht31-1-44');
    assert.deepEqual(
      [lost?.['state'], lost?.['level'], lost?.['detail']],
      ['lost', 'bad', 'ENXIO no answer'],
    );
    const series = await bed.api.rows(
      'series',
      `?quantity=temperature_celsius&from=${nowMs - 10_000}&to=${nowMs + 1_000}`,
    );
    assert.deepEqual(
      series.map((row) => row['value']).filter((v) => v !== null),
      [20, 21],
    );
    assert.equal(
      (await bed.api.rows('readings', '?limit=2')).length,
      1,
      'a gap record is no reading',
    );
    for (const name of TABLE_NAMES) await bed.api.rows(name);
  });

  test('answer while keys are of another type than they should be', async () => {
    await fresh();
    for (const key of [
      'sensor:status',
      'mqtthandler:status',
      'hub:assignment',
      'mqtt_sender:gaps',
    ]) {
      await bed.redis.client.set(key, 'surprise');
    }
    await bed.redis.client.hset('measurement:enabled', 'a', 'b');
    await settled();
    for (const name of ['latest', 'status', 'links', 'services', 'sensors'] as const) {
      await bed.api.rows(name);
    }
  });

  test('survive a clock that jumps ahead and comes back', async () => {
    await fresh();
    const nowMs = Date.now();
    const ahead = nowMs + 3_600_000;
    await store(bed.redis, [
      ...Array.from({ length: 20 }, (_, i) => reading(nowMs - 40_000 + i * 1_000, 's', { t: i })),
      // Set back, Redis goes on with the newest id it has given.
      ...Array.from(
        { length: 20 },
        (_, i) => [`${ahead}-${i}`, ['_sensor', 's', 't', String(i)]] as const,
      ),
    ]);
    await settled();
    const [status] = await bed.api.rows('status');
    assert.equal(status?.['clock'], 'ahead');
    const now = await bed.api.rows('series', `?quantity=t&from=${nowMs - 50_000}&to=${nowMs}`);
    assert.equal(
      now.reduce((sum, row) => sum + Number(row['count']), 0),
      20,
      'those ahead are not of this hour',
    );
    const both = await bed.api.rows(
      'series',
      `?quantity=t&from=${nowMs - 60_000}&to=${ahead + 1_000}`,
    );
    assert.equal(both.filter((row) => row['value'] === null).length, 1);
    assert.equal(both.at(-1)?.['count'], 20);
  });

  test('tell events, states and losses', async () => {
    await fresh();
    const { client } = bed.redis;
    const tell = async (fields: Record<string, string>) =>
      client.xadd(KEYS.events.key, '*', ...Object.entries(fields).flat());
    await tell({ service: 'mqtthandler', event: 'link_up', destination: 'mqtt' });
    await tell({ service: 'startstopbutton', event: 'measuring_stopped', source: 'button' });
    await tell({
      service: 'mqtthandler',
      event: 'readings_evicted',
      destination: 'mqtt',
      count: '1000',
    });
    await tell({ nothing: 'known' });
    const gap = { from_seq: 5, to_seq: 9, count: 5, reason: 'too_large' };
    await client.xadd(KEYS.mqttGaps.key, '*', '_epoch', 'e', '_gap', JSON.stringify(gap));
    await client.set(KEYS.enabled.key, '0');
    await settled();
    const events = await bed.api.rows('events', '?service=mqtthandler&limit=1');
    assert.deepEqual(
      events.map((row) => row['event']),
      ['readings_evicted'],
    );
    const gaps = await bed.api.rows('gaps');
    assert.deepEqual(
      gaps.map((row) => [row['reason'], row['count'], row['state']]),
      [
        ['buffer_full', 1_000, 'told'],
        ['too_large', 5, 'waiting'],
      ],
    );
    const states = await bed.api.rows('states', '?subject=measuring');
    assert.deepEqual(states.at(-1)?.['state'], 'off');
    assert.equal(states.at(-1)?.['source'], 'button');
  });

  test('refuse in words what they cannot answer', async () => {
    const status = async (path: string, init?: RequestInit) =>
      (await bed.api.ask(path, init)).status;
    assert.equal(await status('/api/series?points=99999'), 400);
    assert.equal(await status(`/api/series?from=0&to=${LIMITS.maxRangeMs + 1}`), 400);
    assert.equal(await status('/api/status?sensor=a'), 400);
    assert.equal(await status('/api/overview?x=1'), 400);
    assert.equal(await status('/api/nothing'), 404);
    assert.equal(await status('/%'), 404);
    assert.equal(await status(`/api/series?sensor=${'a'.repeat(9_000)}`), 414);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      assert.equal(await status('/api/latest', { method }), 405, method);
    }
    assert.equal(
      await status('/api/measuring', { method: 'POST' }),
      404,
      'nothing can be switched',
    );
  });

  test('give many series fewer points, so that an answer has its limit', async () => {
    await fresh();
    const nowMs = Date.now();
    const values = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`q${i}`, i]));
    await store(
      bed.redis,
      Array.from({ length: 700 }, (_, i) => reading(nowMs - (700 - i) * 1_000, 's', values)),
    );
    await settled();
    assert.equal((await bed.api.rows('quantities')).length, 60);
    const rows = await bed.api.rows('series', `?points=2000&from=${nowMs - 700_000}&to=${nowMs}`);
    assert.ok(rows.length <= LIMITS.maxRows * 1.1, `${rows.length} rows`);
    assert.ok(rows.length > LIMITS.maxRows / 4, `${rows.length} rows`);
  });
});
