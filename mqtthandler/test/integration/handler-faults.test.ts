/** What can happen to the handler itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import { until } from '@holdfast/lab/servers';
import { PATIENT, startBed } from './bed.ts';
import type { Bed } from './bed.ts';

/** Ends the handler with SIGTERM; it has stopped by then, or its own deadline has ended it. */
async function assertStops(bed: Bed): Promise<void> {
  assert.equal(await bed.handler.stop(), 0);
  const last = JSON.parse(bed.handler.lines.at(-1) ?? '{}') as Record<string, unknown>;
  if (last['event'] === 'stopped') return;
  assert.deepEqual([last['event'], last['deadlineMs']], ['stop_deadline_passed', 4_500]);
}

test('killed many times at random moments of a replay over a slow line, it loses nothing: the cursor follows the PUBACK', async () => {
  // The reference system stores its cursor after publish() and loses what the line still holds.
  await using bed = await startBed();
  const random = seededRandom(7);
  bed.network.throttle(1_000_000);
  bed.producer.start(500);
  await bed.producer.produce(3_000);
  for (let round = 0; round < 8; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 150 + random.next() * 700));
    await bed.handler.kill();
    bed.handler.start();
  }
  await bed.producer.stop();
  await bed.assertNothingLost();
});

test('killed while the line is stalled, it sends after the restart what the stalled line held', async () => {
  await using bed = await startBed();
  bed.network.freeze();
  await bed.producer.produce(500);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await bed.handler.kill();
  await bed.network.restore();
  bed.handler.start();
  await bed.assertNothingLost();
});

test('SIGTERM under load ends it within 5 s with code 0, and the next start repeats nothing', async () => {
  await using bed = await startBed({ env: PATIENT });
  bed.producer.start(500);
  for (let round = 0; round < 3; round += 1) {
    const before = bed.receiver.readings.size;
    await until('readings flow', () => bed.receiver.readings.size > before + 200);
    await assertStops(bed);
    bed.handler.start();
  }
  await bed.producer.stop();
  await bed.assertNothingLost();
  assert.equal(bed.receiver.duplicates, 0);
});

test('SIGTERM while the broker does not answer ends it within 5 s with code 0', async () => {
  await using bed = await startBed({ env: PATIENT });
  bed.broker.process.freeze();
  await bed.producer.produce(500);
  await assertStops(bed);
  bed.broker.process.thaw();
  bed.handler.start();
  await bed.assertNothingLost();
});

test('SIGTERM while Redis does not answer ends it within 5 s with code 0', async () => {
  await using bed = await startBed();
  bed.producer.start(500);
  await until('readings flow', () => bed.receiver.readings.size > 200);
  bed.redis.process.freeze();
  await assertStops(bed);
  bed.redis.process.thaw();
  await bed.producer.stop();
  bed.handler.start();
  await bed.assertNothingLost();
});

test('a broker that is missing at the start is waited for; the process does not end', async () => {
  await using bed = await startBed({ start: false });
  await bed.producer.produce(100);
  await bed.broker.process.kill();
  bed.handler.start();
  await bed.handler.untilLine(/"connect_failed".*"attempt":2/);
  await bed.broker.restart();
  await bed.assertNothingLost();
});

test('a name that does not resolve is retried; the process does not end', async () => {
  await using bed = await startBed({ start: false, env: { MQTT_HOST: 'broker.invalid' } });
  bed.handler.start();
  await bed.handler.untilLine(/"connect_failed".*"attempt":2/);
  assert.equal(await bed.handler.stop(), 0);
});
