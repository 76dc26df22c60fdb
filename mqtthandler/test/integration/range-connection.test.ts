/** Ranges of the stream as Redis' own bytes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { startRedis, until } from '@holdfast/lab/servers';
import type { RedisServer } from '@holdfast/lab/servers';
import { KEYS, openRedis, untilReady } from '@holdfast/redis';
import type { Redis, RedisSettings, StreamEntry } from '@holdfast/redis';
import { RangeConnection } from '../../src/adapters/range-connection.ts';
import type { NoReply, RangeReply } from '../../src/adapters/range-connection.ts';
import { rangeReply } from '../fakes/range-reply.ts';

const STREAM = KEYS.values.key;
const MAX_BYTES = 100_000;

interface Bed extends AsyncDisposable {
  readonly server: RedisServer;
  readonly redis: Redis;
  readonly ranges: RangeConnection;
}

async function startBed(settings: Partial<RedisSettings> = {}, timeoutMs?: number): Promise<Bed> {
  const server = await startRedis();
  await server.client.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@all');
  const own = { host: '127.0.0.1', port: server.port, db: 0, ...settings };
  const redis = openRedis(own, 'test', () => {});
  await untilReady(redis, new AbortController().signal);
  return {
    server,
    redis,
    ranges: new RangeConnection(redis, MAX_BYTES, timeoutMs),
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
}

function entry(n: number, value: string): StreamEntry {
  return [`${n}-0`, ['n', String(n), 'value', value]];
}

async function store(redis: Redis, entries: readonly StreamEntry[]): Promise<void> {
  for (const [id, fields] of entries) await redis.xadd(STREAM, id, ...fields);
}

/** The bytes of a reply, or why there is none. */
function bytesOf(reply: RangeReply | NoReply): string {
  if (typeof reply === 'string') return reply;
  const text = reply.bytes.toString();
  reply.release();
  return text;
}

/** Connections of the test's `RangeConnection`. */
async function connections({ server }: Bed): Promise<string[]> {
  const list = String(await server.client.call('CLIENT', 'LIST'));
  return list.split('\n').filter((line) => line.includes(' name=test:ranges '));
}

test('a range comes as Redis writes it, small, in several pieces, or empty', async () => {
  await using bed = await startBed();
  const entries = [entry(1, 'é "quoted"\r\n$3\r\nabc'), entry(2, 'x'.repeat(90_000)), entry(3, '')];
  await store(bed.redis, entries);
  const read = async (start: string, end: string, count: number) =>
    bytesOf(await bed.ranges.read(STREAM, start, end, count));
  for (let round = 0; round < 3; round += 1) {
    assert.equal(await read('(0-0', '+', 9), rangeReply(entries).toString());
    assert.equal(await read('(2-0', '+', 9), rangeReply(entries.slice(2)).toString());
    assert.equal(await read('(0-0', '2-0', 1), rangeReply(entries.slice(0, 1)).toString());
    assert.equal(await read('(3-0', '+', 9), rangeReply([]).toString());
  }
  assert.equal((await connections(bed)).length, 1);
});

test('questions asked at the same time are answered each with its own range', async () => {
  await using bed = await startBed();
  const entries = Array.from({ length: 40 }, (_, i) => entry(i + 1, 'v'.repeat(i * 40)));
  await store(bed.redis, entries);
  const replies = entries.map(async (_, i) => {
    const reply = await bed.ranges.read(STREAM, `(${i}-0`, '+', 3);
    assert.equal(bytesOf(reply), rangeReply(entries.slice(i, i + 3)).toString());
  });
  await Promise.all(replies);
});

test('a reply that is too large is dropped, over the same connection', async () => {
  await using bed = await startBed();
  const entries = Array.from({ length: 30 }, (_, i) => entry(i + 1, 'v'.repeat(50_000)));
  await store(bed.redis, entries);
  for (let round = 0; round < 3; round += 1) {
    assert.equal(await bed.ranges.read(STREAM, '(0-0', '+', 30), 'too_large');
    const small = await bed.ranges.read(STREAM, '(29-0', '+', 30);
    assert.equal(bytesOf(small), rangeReply(entries.slice(29)).toString());
  }
  assert.equal((await connections(bed)).length, 1);
});

test('an error of Redis is a reply like any other', async () => {
  await using bed = await startBed();
  await bed.redis.set(STREAM, 'no stream');
  assert.match(bytesOf(await bed.ranges.read(STREAM, '-', '+', 1)), /^-WRONGTYPE /);
});

test('it logs in as the service does, into the same database', async () => {
  await using bed = await startBed({ username: 'reader', password: 'secret', db: 2 });
  await store(bed.redis, [entry(7, 'v')]);
  const reply = await bed.ranges.read(STREAM, '-', '+', 9);
  assert.equal(bytesOf(reply), rangeReply([entry(7, 'v')]).toString());
  const [line = ''] = await connections(bed);
  assert.match(line, / db=2 .* user=reader /);
});

test('without a connection to be had there is none, and the service asks in another way', async () => {
  await using bed = await startBed({ username: 'reader', password: 'secret' });
  await store(bed.redis, [entry(1, 'v')]);
  await bed.server.client.call('ACL', 'SETUSER', 'reader', '-client');
  assert.equal(await bed.ranges.read(STREAM, '-', '+', 9), 'unavailable');
  await bed.server.client.call('ACL', 'SETUSER', 'reader', '+client');
  const reply = await bed.ranges.read(STREAM, '-', '+', 9);
  assert.equal(bytesOf(reply), rangeReply([entry(1, 'v')]).toString());
});

test('a refused login is no connection, at once', async () => {
  await using bed = await startBed({ username: 'reader', password: 'secret' });
  await bed.server.client.call('ACL', 'SETUSER', 'reader', 'resetpass', '>other');
  // As on the device: without a login nothing is answered.
  await bed.server.client.call('ACL', 'SETUSER', 'default', 'resetpass', '>unknown');
  assert.equal(await bed.ranges.read(STREAM, '-', '+', 9), 'unavailable');
});

test('a Redis that cannot write to its disk is read all the same', async () => {
  await using bed = await startBed();
  await store(bed.redis, [entry(1, 'v')]);
  const { client } = bed.server;
  // A snapshot that fails has Redis refuse writes, and PING, as a full disk does.
  await client.config('SET', 'save', '3600 1');
  mkdirSync(`${bed.server.dir}/dump.rdb`);
  const refused = async () => {
    await client.bgsave().catch(() => {});
    return await client.ping().then(
      () => false,
      (error: unknown) => String(error).includes('MISCONF'),
    );
  };
  await until('Redis refuses PING', refused);
  const reply = await bed.ranges.read(STREAM, '-', '+', 9);
  assert.equal(bytesOf(reply), rangeReply([entry(1, 'v')]).toString());
});

test('a Redis that stands still is given up, also after a long quiet', async () => {
  await using bed = await startBed({}, 1_500);
  await bed.ranges.read(STREAM, '-', '+', 1);
  // A time-out with nobody waiting is none.
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  await bed.ranges.read(STREAM, '-', '+', 1);
  assert.equal((await connections(bed)).length, 1);
  bed.server.process.freeze();
  const closed = once(bed.redis, 'close');
  await assert.rejects(bed.ranges.read(STREAM, '-', '+', 1), /timed out/);
  // The service's own connection need not find that out once more.
  await closed;
});

test('while a script blocks Redis there is no reply, at once', async () => {
  await using bed = await startBed();
  await store(bed.redis, [entry(1, 'v')]);
  await bed.ranges.read(STREAM, '-', '+', 1);
  const { client } = bed.server;
  await client.config('SET', 'busy-reply-threshold', '50');
  const script = client.eval('while true do end', 0).catch(String);
  await until('Redis is busy', async () => {
    return await bed.redis.ping().then(
      () => false,
      (error: unknown) => String(error).includes('BUSY'),
    );
  });
  await assert.rejects(bed.ranges.read(STREAM, '-', '+', 1), /BUSY/);
  await bed.redis.call('SCRIPT', 'KILL');
  await script;
  const reply = await bed.ranges.read(STREAM, '-', '+', 1);
  assert.equal(bytesOf(reply), rangeReply([entry(1, 'v')]).toString());
});

test('whoever waits is told when Redis dies, and is answered when it is back', async () => {
  await using bed = await startBed();
  await store(bed.redis, [entry(1, 'v')]);
  await bed.ranges.read(STREAM, '-', '+', 9);
  bed.server.process.freeze();
  const waiting = [1, 2].map(() => bed.ranges.read(STREAM, '-', '+', 9).then(bytesOf, String));
  await bed.server.process.kill();
  const [first = '', second = ''] = await Promise.all(waiting);
  assert.match(first, /closed|ECONNRESET/);
  assert.match(second, /unavailable|closed/);
  await bed.server.restart();
  await untilReady(bed.redis, new AbortController().signal);
  await store(bed.redis, [entry(2, 'v')]);
  const reply = bytesOf(await bed.ranges.read(STREAM, '(1-0', '+', 9));
  assert.equal(reply, rangeReply([entry(2, 'v')]).toString());
});

test('it ends with the connection of the service', async () => {
  await using bed = await startBed();
  await bed.ranges.read(STREAM, '-', '+', 1);
  assert.equal((await connections(bed)).length, 1);
  bed.redis.disconnect();
  await until('the connection is gone', async () => (await connections(bed)).length === 0);
  assert.equal(bed.ranges.ready, false);
  assert.equal(await bed.ranges.read(STREAM, '-', '+', 1), 'unavailable');
});
