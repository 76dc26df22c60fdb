/** The keeper of the buffer on a real Redis, without a destination that moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@holdfast/kit';
import { startRedis } from '@holdfast/lab/servers';
import type { RedisServer } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import { RedisBuffer } from '../../src/adapters/redis-buffer.ts';
import { RedisReadings } from '../../src/adapters/redis-readings.ts';
import { Bell } from '../../src/bell.ts';
import { BufferKeeper } from '../../src/buffer-keeper.ts';
import type { BufferKeeperParts } from '../../src/buffer-keeper.ts';
import type { Waiting } from '../../src/eviction.ts';
import { Flight } from '../../src/flight.ts';
import { Tally } from '../../src/tally.ts';
import { FakeLedger } from '../fakes/index.ts';

const STREAM = KEYS.values.key;
const DAY_MS = 86_400_000;

/** Stores readings 1 ... `count`. */
async function store({ client }: RedisServer, count: number): Promise<void> {
  for (let from = 1; from <= count; from += 1_000) {
    const steps = client.pipeline();
    for (let seq = from; seq < from + 1_000 && seq <= count; seq += 1) {
      steps.xadd(STREAM, '*', '_epoch', 'e1', '_seq', String(seq), 'note', 'x'.repeat(60));
    }
    await steps.exec();
  }
}

function keeperOf(
  { client }: RedisServer,
  parts: Pick<BufferKeeperParts, 'forwarders'> & { maxBytes: number },
): BufferKeeper {
  return new BufferKeeper({
    buffer: new RedisBuffer(client),
    readings: new RedisReadings(client, client),
    clock: systemClock,
    limits: { maxBytes: parts.maxBytes, keepMs: DAY_MS },
    forwarders: parts.forwarders,
    onLost: () => {},
    redisReady: () => Promise.resolve(true),
    onError: (error) => {
      throw error;
    },
  });
}

/** A destination that is away and has acknowledged everything up to `lastId`. */
async function waitingAfter(lastId: string, windowReadings = 1_600): Promise<Waiting> {
  const ledger = new FakeLedger();
  ledger.lastId = lastId;
  const flight = new Flight(ledger, systemClock, {
    onStoreFailed: () => {},
    onForeignCursor: () => {},
  });
  await flight.load();
  const ensureLoaded = () => Promise.resolve();
  const [tally, moreWork] = [new Tally(), new Bell()];
  return { name: 'mqtt', flight, tally, moreWork, windowReadings, ensureLoaded };
}

test('a buffer slightly over its limit that nobody waits for is trimmed, and Redis goes on answering', async () => {
  await using redis = await startRedis();
  await store(redis, 2_000);
  const { bytes } = await new RedisBuffer(redis.client).measure();
  const keeper = keeperOf(redis, { forwarders: [], maxBytes: Math.round(bytes * 0.99) });
  await keeper.tick();
  assert.equal(await redis.client.ping(), 'PONG');
  assert.ok((keeper.state?.bytes ?? Infinity) < bytes * 0.99);
});

test('however much acknowledged history there is, it goes before anything unacknowledged does', async () => {
  await using redis = await startRedis();
  await store(redis, 40_000);
  const cursor = (await redis.client.xrange(STREAM, '-', '+', 'COUNT', 30_000)).at(-1);
  const destination = await waitingAfter(cursor?.[0] ?? '');
  const { bytes } = await new RedisBuffer(redis.client).measure();
  const forwarders = [destination];
  const keeper = keeperOf(redis, { forwarders, maxBytes: Math.round(bytes * 0.5) });
  await keeper.tick();
  assert.equal(destination.tally.gapReadings, 0);
  const { entries = 0 } = keeper.state ?? {};
  assert.ok(entries >= 10_000 && entries <= 10_200, `${entries} entries`);
});

test('a buffer of large entries slightly over its limit gives up no more than it must', async () => {
  await using redis = await startRedis();
  const picture = 'x'.repeat(50_000);
  for (let n = 0; n < 400; n += 1) await redis.client.xadd(STREAM, '*', 'image', picture);
  const destination = await waitingAfter('0-0', 0);
  const { bytes } = await new RedisBuffer(redis.client).measure();
  const maxBytes = Math.round(bytes * 0.99);
  const keeper = keeperOf(redis, { forwarders: [destination], maxBytes });
  await keeper.tick();
  assert.ok((keeper.state?.bytes ?? Infinity) <= maxBytes);
  const { gapReadings } = destination.tally;
  assert.ok(gapReadings > 0 && gapReadings <= 40, `${gapReadings} of 400 given up`);
});

test('when others fill Redis the oldest readings go before it refuses the newest', async () => {
  await using redis = await startRedis({ args: ['--maxmemory', '20mb'] });
  await store(redis, 40_000);
  const buffer = new RedisBuffer(redis.client);
  const destination = await waitingAfter('0-0', 0);
  const keeper = keeperOf(redis, { forwarders: [destination], maxBytes: 10_000_000 });
  await keeper.tick();
  assert.equal(destination.tally.gapReadings, 0);
  const share = async () => {
    const { usedMemoryBytes, maxMemoryBytes } = await buffer.measure();
    return usedMemoryBytes / maxMemoryBytes;
  };
  for (let n = 0; (await share()) < 0.96; n += 1) {
    await redis.client.set(`other:${n}`, 'x'.repeat(50_000));
  }
  await keeper.tick();
  assert.ok((await share()) <= 0.95);
  const { gapReadings } = destination.tally;
  assert.ok(gapReadings > 0 && gapReadings < 20_000, `${gapReadings} of 40000 given up`);
});
