/** What can happen to Redis, at 500 readings/s. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { startBed } from './bed.ts';

const PER_SECOND = 500;

test('Redis killed and started again under load: nothing is lost, a new epoch follows the old one', async () => {
  await using bed = await startBed();
  bed.producer.start(PER_SECOND);
  for (let round = 0; round < 3; round += 1) {
    const before = bed.receiver.readings.size;
    await until('readings flow', () => bed.receiver.readings.size > before + 200);
    await bed.redis.restart();
  }
  await until('readings flow again', () => epochs(bed.receiver.readings.keys()).size === 4);
  await bed.producer.stop();
  await bed.assertNothingLost();
  assert.ok(bed.handler.running);
});

test('a frozen Redis stops nothing but the flow of readings, and all go on when it wakes', async () => {
  await using bed = await startBed();
  bed.producer.start(PER_SECOND);
  await until('readings flow', () => bed.receiver.readings.size > 200);
  bed.redis.process.freeze();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  bed.redis.process.thaw();
  const before = bed.receiver.readings.size;
  await until('readings flow again', () => bed.receiver.readings.size > before + 300, 40_000);
  await bed.producer.stop();
  await bed.assertNothingLost();
});

test('with Redis full the stored readings are still sent, each once, and no crash loop sends them again', async () => {
  await using bed = await startBed({ start: false });
  const { client } = bed.redis;
  await bed.producer.produce(3_000);
  await client.config('SET', 'maxmemory', '1');
  bed.handler.start();
  await until('all arrive though the cursor cannot be stored', () => {
    return [...bed.producer.appended].every((identity) => bed.receiver.has(identity));
  });
  assert.equal(bed.receiver.duplicates, 0);
  assert.ok(bed.logged('redis_failed').length < 10, 'a failure that repeats is not told each time');
  await client.config('SET', 'maxmemory', '0');
  // Nothing new arrives: the cursor follows all the same.
  await bed.assertNothingLost();
  assert.equal(bed.receiver.duplicates, 0);
  assert.equal(await bed.handler.stop(), 0);
});

test('a Redis that is missing at the start is waited for', async () => {
  // Killed while a write to disk is under way Redis would lose what it had not written yet.
  await using bed = await startBed({ start: false, redis: { args: ['--appendfsync', 'always'] } });
  await bed.producer.produce(10);
  await bed.redis.process.kill();
  bed.handler.start();
  await bed.handler.untilLine(/"redis_unreachable"/);
  await bed.redis.restart();
  await bed.assertNothingLost();
});

test('another type under the key of the stream is reported, not hammered, and does not end the process', async () => {
  await using bed = await startBed();
  await bed.producer.produce(10);
  await bed.untilDelivered();
  await bed.redis.client.set('measurement:values', 'overwritten');
  await bed.handler.untilLine(/"redis_failed"/);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  assert.ok(bed.logged('redis_failed').length < 5);
  await bed.redis.client.del('measurement:values');
  await bed.producer.produce(10);
  await bed.assertNothingLost();
});

function epochs(identities: Iterable<string>): Set<string | undefined> {
  return new Set([...identities].map((identity) => identity.split(' ')[0]));
}
