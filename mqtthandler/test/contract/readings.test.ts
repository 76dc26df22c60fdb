import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@holdfast/kit/testing';
import { startRedis } from '@holdfast/lab/servers';
import { KEYS, openRedis } from '@holdfast/redis';
import { PayloadPool } from '../../src/adapters/payload-pool.ts';
import { RedisReadings } from '../../src/adapters/redis-readings.ts';
import { FakeReadings } from '../fakes/index.ts';
import { MessagePacker, deviceMembers } from '../../src/core/message.ts';
import { Transcoder } from '../../src/core/transcode.ts';
import { DEVICE, readingsSuite } from './readings-suite.ts';

const STREAM = KEYS.values.key;

const rendering = () => ({
  transcoder: new Transcoder(deviceMembers(DEVICE)),
  payloads: new PayloadPool(),
});

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
    readings: new RedisReadings(server.client, blocking, rendering()),
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
  const readings = new RedisReadings(server.client, server.client, rendering());
  const picture = 'x'.repeat(200_000);
  for (let n = 1; n <= 300; n += 1) {
    const fields = n % 40 < 20 ? ['n', String(n)] : ['image', picture];
    await server.client.xadd(STREAM, `${n}-0`, ...fields);
  }
  const seen: string[] = [];
  for (let after = '0-0', exhausted = false; !exhausted;) {
    const batch = await readings.batch(after, null, 600);
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

test('the stream in Redis: small entries behind large ones are read in large numbers again', async () => {
  await using server = await startRedis();
  const readings = new RedisReadings(server.client, server.client, rendering());
  for (let n = 1; n <= 4_000; n += 1) {
    const value = n > 500 && n <= 520 ? 'x'.repeat(300_000) : '1.5';
    await server.client.xadd(STREAM, `${n}-0`, 'n', String(n), 'value', value);
  }
  const counts: number[] = [];
  let after = '0-0';
  for (let exhausted = false; !exhausted;) {
    const read = await readings.batch(after, null, 600);
    const batch = read.unpack();
    assert.equal(batch.firstId, `${counts.reduce((sum, count) => sum + count, 1)}-0`);
    counts.push(batch.count);
    ({ exhausted } = read);
    after = batch.lastId ?? after;
  }
  assert.equal(after, '4000-0');
  assert.equal(counts.filter((count) => count === 600).length >= 4, true, String(counts));
});

test('the stream in Redis: a value that imitates an entry neither adds nor hides one', async () => {
  await using server = await startRedis();
  const readings = new RedisReadings(server.client, server.client, rendering());
  await readings.batch('0-0', null, 200);
  const forged = 'v\r\n*2\r\n$3\r\n9-9\r\n*2\r\n$1\r\na\r\n$1\r\nb';
  for (let n = 1; n <= 100; n += 1) {
    await server.client.xadd(STREAM, `${n}-0`, 'n', n % 10 === 0 ? forged : String(n));
  }
  await readings.batch('0-0', null, 200);
  const seen: string[] = [];
  for (let after = '0-0'; seen.length < 100;) {
    const batch = (await readings.batch(after, null, 40)).unpack();
    const packed = batch.pack(new MessagePacker(DEVICE), { maxBytes: 1e6, maxReadings: 1e3 });
    const sent = packed.flatMap(
      ({ payload }) => JSON.parse(Buffer.from(payload).toString()) as { _id: string; n: string }[],
    );
    for (const { _id, n } of sent) assert.equal(n, _id.endsWith('0-0') ? forged : _id.slice(0, -2));
    seen.push(...sent.map(({ _id }) => _id));
    after = batch.lastId ?? '100-0';
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, i) => `${i + 1}-0`),
  );
});

test('the stream in Redis: a reply for which Redis breaks the connection is read in smaller parts', async () => {
  // On the device 32 MB (redis.conf).
  const args = ['--client-output-buffer-limit', 'normal', '1mb', '512kb', '30'];
  await using server = await startRedis({ args });
  const readings = new RedisReadings(server.client, server.client, rendering());
  for (let n = 1; n <= 600; n += 1) {
    const value = n > 200 && n <= 400 ? 'x'.repeat(20_000) : '1.5';
    await server.client.xadd(STREAM, `${n}-0`, 'n', String(n), 'value', value);
  }
  let [after, reads] = ['0-0', 0];
  for (let exhausted = false; !exhausted; reads += 1) {
    const read = await readings.batch(after, '600-0', 200);
    ({ exhausted } = read);
    after = read.unpack().lastId ?? after;
    assert.ok(reads < 100);
  }
  assert.equal(after, '600-0');
});

test('the stream in Redis: a live lane of small entries does not have a backlog of large ones read in vain', async () => {
  await using server = await startRedis();
  const readings = new RedisReadings(server.client, server.client, rendering());
  for (let n = 1; n <= 500; n += 1) {
    await server.client.xadd(STREAM, `${n}-0`, 'value', 'x'.repeat(20_000));
  }
  for (let n = 1; n <= 100; n += 1) await server.client.xadd(STREAM, `${500 + n}-0`, 'n', '1');
  const sentBytes = async () => {
    const stats = await server.client.info('stats');
    return Number(/total_net_output_bytes:(\d+)/.exec(stats)?.[1]);
  };
  const before = await sentBytes();
  let after = '0-0';
  for (let exhausted = false; !exhausted;) {
    const read = await readings.batch(after, '500-0', 200);
    ({ exhausted } = read);
    after = read.unpack().lastId ?? after;
    for (let live = 0; live < 8; live += 1) await readings.batch('590-0', null, 200);
  }
  assert.equal(after, '500-0');
  const factor = ((await sentBytes()) - before) / (500 * 20_000);
  assert.ok(factor < 1.5, `Redis has sent ${factor.toFixed(1)} times what there is`);
});
