import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@holdfast/kit/testing';
import { startRedis } from '@holdfast/lab/servers';
import { KEYS, openRedis } from '@holdfast/redis';
import { PayloadPool } from '../../src/adapters/payload-pool.ts';
import { RedisReadings } from '../../src/adapters/redis-readings.ts';
import { FakeReadings } from '../fakes/index.ts';
import { deviceMembers } from '../../src/core/message.ts';
import { Transcoder } from '../../src/core/transcode.ts';
import { DEVICE, readingsSuite } from './readings-suite.ts';

const STREAM = KEYS.values.key;

readingsSuite('the stream in memory', () => {
  const readings = new FakeReadings(new ManualClock(), new Transcoder(deviceMembers(DEVICE)));
  return Promise.resolve({
    readings,
    append: (id, fields) => Promise.resolve(void readings.append(fields, id)),
    remove: (id) => Promise.resolve(readings.remove(([other]) => other !== id)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

readingsSuite('the stream in Redis', async () => {
  const server = await startRedis();
  const settings = { host: '127.0.0.1', port: server.port, db: 0 };
  const blocking = openRedis(settings, 'blocking', () => {});
  await new Promise((resolve) => blocking.once('ready', resolve));
  return {
    readings: new RedisReadings(server.client, blocking, {
      transcoder: new Transcoder(deviceMembers(DEVICE)),
      payloads: new PayloadPool(),
    }),
    append: async (id, fields) => {
      await server.client.xadd('measurement:values', id, ...fields);
    },
    remove: async (id) => {
      await server.client.xdel('measurement:values', id);
    },
    [Symbol.asyncDispose]: async () => {
      blocking.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
});

test('the stream in Redis: a chunk of large entries is short, also newest first, and nothing is left out', async () => {
  await using server = await startRedis();
  const readings = new RedisReadings(server.client, server.client);
  for (let n = 1; n <= 60; n += 1) {
    await server.client.xadd(STREAM, `${n}-0`, 'image', 'x'.repeat(20_000), 'n', '"\\\u0001é€');
  }
  const seen: string[] = [];
  for (let after = '0-0', exhausted = false; !exhausted;) {
    const chunk = await readings.chunk(after, null, 50);
    assert.ok(chunk.entries.length <= 30, `${chunk.entries.length} entries of 20 kB`);
    assert.ok(chunk.entries.every(([, fields]) => fields[3] === '"\\\u0001é€'));
    seen.push(...chunk.entries.map(([id]) => id));
    ({ exhausted } = chunk);
    after = seen.at(-1) ?? after;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 60 }, (_, i) => `${i + 1}-0`),
  );
  const { entries, exhausted } = await readings.newest('0-0', '60-0', 50);
  assert.equal(entries.at(-1)?.[0], '60-0');
  assert.equal(exhausted, false);
  assert.equal(entries[0]?.[0], `${61 - entries.length}-0`);
});

test('the stream in Redis: large entries behind small ones do not make a read large', async () => {
  await using server = await startRedis();
  const readings = new RedisReadings(server.client, server.client);
  const picture = 'x'.repeat(200_000);
  for (let n = 1; n <= 300; n += 1) {
    const fields = n % 40 < 20 ? ['n', String(n)] : ['image', picture];
    await server.client.xadd(STREAM, `${n}-0`, ...fields);
  }
  const seen: string[] = [];
  for (let after = '0-0', exhausted = false; !exhausted;) {
    const batch = await readings.batch(after, null, 200, 3);
    const { count } = batch.unpack();
    const { entries } = await readings.chunk(after, null, 200);
    assert.ok(JSON.stringify(entries).length < 600_000, `${entries.length} entries`);
    assert.ok(count > 0 && count <= entries.length);
    seen.push(...entries.map(([id]) => id));
    ({ exhausted } = batch);
    after = entries.at(-1)?.[0] ?? after;
    assert.ok(!exhausted || seen.length === 300);
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 300 }, (_, i) => `${i + 1}-0`),
  );
});

test('the stream in Redis: an entry larger than a read is read alone', async () => {
  await using server = await startRedis();
  const readings = new RedisReadings(server.client, server.client);
  for (let n = 1; n <= 3; n += 1) {
    await server.client.xadd(STREAM, `${n}-0`, 'film', 'x'.repeat(2_000_000));
  }
  const idsAfter = async (after: string) => {
    const { entries, exhausted } = await readings.chunk(after, null, 50);
    return [entries.map(([id]) => id), exhausted];
  };
  assert.deepEqual(await idsAfter('0-0'), [['1-0'], false]);
  assert.deepEqual(await idsAfter('1-0'), [['2-0'], false]);
  assert.deepEqual((await idsAfter('2-0'))[0], ['3-0']);
});
