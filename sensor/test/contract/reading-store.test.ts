import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock, systemRandom } from '@holdfast/kit';
import { seededRandom } from '@holdfast/kit/testing';
import { startRedis, until } from '@holdfast/lab/servers';
import type { RedisServer } from '@holdfast/lab/servers';
import { KEYS, fieldOf, identityOf } from '@holdfast/redis';
import { RedisDevice } from '../../src/adapters/redis-device.ts';
import { PendingReadings } from '../../src/core/pending.ts';
import { Writer } from '../../src/writer.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { startReplyEater } from '../fakes/reply-eater.ts';
import { checkStream } from '../fakes/stream-check.ts';
import { reading, storeContract } from './reading-store.ts';

function openDevice(port: number): RedisDevice {
  return new RedisDevice({
    settings: { host: '127.0.0.1', port, db: 0 },
    onConnected: () => {},
    onLost: () => {},
  });
}

async function readBack(server: RedisServer) {
  const entries = await server.client.xrange(KEYS.values.key, '-', '+');
  return entries.map(([, fields]) => fields);
}

storeContract('in memory', async () => {
  const store = new MemoryStore();
  return {
    store,
    stored: async () => store.stored,
    gaps: async () => store.gaps,
    async [Symbol.asyncDispose]() {},
  };
});

storeContract('Redis', async () => {
  const server = await startRedis();
  const store = openDevice(server.port);
  await store.untilReady(new AbortController().signal);
  return {
    store,
    async stored() {
      return (await readBack(server)).flatMap((fields) => {
        const identity = identityOf(fields);
        const sensor = fieldOf(fields, '_sensor') ?? '';
        const uptimeMs = Number(fieldOf(fields, '_uptime_ms'));
        return identity === undefined ? [] : [{ seq: identity.seq, sensor, uptimeMs }];
      });
    },
    async gaps() {
      return (await readBack(server)).flatMap((fields) => {
        const text = fieldOf(fields, '_gap');
        if (text === undefined) return [];
        const gap = JSON.parse(text) as { from_seq: number; to_seq: number };
        return [{ from: gap.from_seq, to: gap.to_seq }];
      });
    },
    async [Symbol.asyncDispose]() {
      store.close();
      await server[Symbol.asyncDispose]();
    },
  };
});

/** A writer at work on a device, and its pending readings. */
function startWriter(device: RedisDevice, maxReadings = 100_000) {
  const stop = new AbortController();
  const pending = new PendingReadings(maxReadings);
  let unknown = 0;
  const writer = new Writer({
    pending,
    store: device,
    clock: systemClock,
    random: systemRandom,
    onOutcome: (outcome) => {
      if (outcome.kind === 'unknown') unknown += 1;
    },
  });
  const running = writer.run(stop.signal);
  return {
    pending,
    writer,
    unknown: () => unknown,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      device.close();
    },
  };
}

describe('readings on their way to a Redis that fails', () => {
  it('are neither lost nor doubled when Redis is killed in the middle of appends', async () => {
    await using server = await startRedis();
    await using work = startWriter(openDevice(server.port));
    const random = seededRandom(9);
    let uptimeMs = 0;
    for (let round = 0; round < 6; round += 1) {
      for (let n = 0; n < 1_000; n += 1) work.writer.add(reading((uptimeMs += 1)));
      // Killed while the thousand is on its way: some are stored, one waits for its answer.
      const left = work.pending.size - Math.ceil(random.next() * 600);
      await until('some are stored', () => work.pending.size <= left);
      await server.restart();
    }
    await until('all are stored', () => work.pending.size === 0);
    const check = await checkStream(server.client);
    assert.deepEqual([check.readings, check.missing, check.repeated], [6_000, [], []]);
    assert.ok(work.unknown() > 0);
    assert.ok(check.epochs >= 5, `${check.epochs} epochs`);
  });

  it('are neither lost nor doubled when answers are lost', async () => {
    await using server = await startRedis();
    await using eater = await startReplyEater(server.port);
    await using work = startWriter(openDevice(eater.port));
    let uptimeMs = 0;
    for (let round = 0; round < 10; round += 1) {
      for (let n = 0; n < 50; n += 1) work.writer.add(reading((uptimeMs += 1)));
      const before = work.unknown();
      eater.eatNext();
      await until('an answer is lost', () => work.unknown() > before || work.pending.size === 0);
      await until('all are stored', () => work.pending.size === 0);
    }
    const check = await checkStream(server.client);
    assert.deepEqual([check.readings, check.missing, check.repeated], [500, [], []]);
    assert.ok(work.unknown() >= 5, `${work.unknown()} answers lost`);
  });

  it('that memory could not hold are recorded as a gap', async () => {
    await using server = await startRedis();
    await using work = startWriter(openDevice(server.port), 100);
    work.writer.add(reading(1));
    await until('the first is stored', () => work.pending.size === 0);
    await server.process.kill();
    for (let uptimeMs = 2; uptimeMs <= 1_000; uptimeMs += 1) work.writer.add(reading(uptimeMs));
    await server.restart();
    await until('the rest is stored', () => work.pending.size === 0);
    const check = await checkStream(server.client);
    assert.deepEqual([check.missing, check.repeated], [[], []]);
    assert.equal(check.readings + check.skipped, 1_000);
    assert.ok(check.skipped >= 898 && check.skipped <= 899, `${check.skipped} skipped`);
  });
});
