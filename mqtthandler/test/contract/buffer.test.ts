import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@holdfast/kit/testing';
import { startRedis } from '@holdfast/lab/servers';
import type { RedisServer } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import { RedisBuffer } from '../../src/adapters/redis-buffer.ts';
import { FakeBuffer, FakeReadings } from '../fakes/index.ts';
import { bufferSuite } from './buffer-suite.ts';

const STREAM = KEYS.values.key;

bufferSuite('the buffer in memory', () => {
  const readings = new FakeReadings(new ManualClock());
  return Promise.resolve({
    buffer: new FakeBuffer(readings),
    fill: (count) => {
      for (let n = 1; n <= count; n += 1) readings.append(['n', String(n)], `${n}-0`);
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

bufferSuite('the buffer in Redis', async () => {
  const server = await startRedis();
  return {
    buffer: new RedisBuffer(server.client),
    fill: async (count) => {
      const ids = Array.from({ length: count }, (_, i) => i + 1);
      await storeAll(server, ids, (n) => [`${n}-0`, 'n', String(n)]);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});

const reading = (seq: number) => {
  const identity = ['_epoch', 'e1', '_seq', String(seq)];
  return ['*', ...identity, '_sensor', 'bme280-1-76', 'temperature_celsius', '21.5'];
};
const picture = ['*', 'image', 'x'.repeat(100_000)];

// MEMORY USAGE reckons 32 pointers for each node of 4 kB, which is some 6 % too much.
for (const [title, isPicture] of [
  ['a large entry among the oldest', (n: number) => n === 1],
  ['large entries that begin later', (n: number) => n > 1_000 && n % 60 === 0],
] as const) {
  test(`the buffer in Redis: its size is known within 8 %, with ${title}`, async () => {
    await using server = await startRedis();
    const buffer = new RedisBuffer(server.client);
    const usedBytes = async () => {
      return Number(/used_memory:(\d+)/.exec(await server.client.info('memory'))?.[1]);
    };
    const before = await usedBytes();
    const numbers = Array.from({ length: 40_000 }, (_, i) => i + 1);
    await storeAll(server, numbers, (n) => (isPicture(n) ? picture : reading(n)));
    const { bytes } = await buffer.measure();
    const taken = (await usedBytes()) - before;
    assert.ok(Math.abs(bytes - taken) <= 0.08 * taken, `${bytes} bytes measured, ${taken} taken`);
  });
}

async function storeAll(
  { client }: RedisServer,
  numbers: readonly number[],
  entry: (n: number) => readonly string[],
): Promise<void> {
  // On a connection of its own: its buffers in Redis go with it.
  const writer = client.duplicate();
  for (let from = 0; from < numbers.length; from += 1_000) {
    const steps = writer.pipeline();
    for (const n of numbers.slice(from, from + 1_000)) steps.xadd(STREAM, ...entry(n));
    await steps.exec();
  }
  await writer.quit();
}
