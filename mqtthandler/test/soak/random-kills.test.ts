/**
 * Minutes of 100 readings/s while any process is killed, frozen or cut off at any time: nothing is
 * lost, and a receiver that drops what it has sees nothing twice. `make soak`; SOAK_SECONDS and
 * SOAK_SEED repeat a run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import { startBed } from '../integration/bed.ts';
import type { Bed } from '../integration/bed.ts';

const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 300);
const SEED = Number(process.env['SOAK_SEED'] ?? Date.now() % 1_000_000);
const PER_SECOND = 100;
/** Catching up after the last fault may wait for the longest backoff. */
const CATCH_UP_MS = 120_000;

const random = seededRandom(SEED);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

type Fault = (bed: Bed, faultMs: number) => Promise<unknown>;

const FAULTS: Readonly<Record<string, Fault>> = {
  'handler killed': async (bed) => {
    await bed.handler.kill();
    bed.handler.start();
  },
  'handler stopped': async (bed) => {
    assert.equal(await bed.handler.stop(), 0);
    bed.handler.start();
  },
  'handler frozen': async (bed, faultMs) => {
    bed.handler.freeze();
    await pause(faultMs);
    bed.handler.thaw();
  },
  'redis killed': (bed) => bed.redis.restart(),
  'redis frozen': async (bed, faultMs) => {
    bed.redis.process.freeze();
    await pause(faultMs);
    bed.redis.process.thaw();
  },
  'broker killed': async (bed, faultMs) => {
    await bed.broker.process.kill();
    await pause(faultMs);
    await bed.broker.restart();
  },
  'broker frozen': async (bed, faultMs) => {
    bed.broker.process.freeze();
    await pause(faultMs);
    bed.broker.process.thaw();
  },
  'network cut': async (bed, faultMs) => {
    await bed.network.cut();
    await pause(faultMs);
    await bed.network.restore();
  },
  'network frozen': async (bed, faultMs) => {
    bed.network.freeze();
    await pause(faultMs);
    await bed.network.restore();
  },
  'network half open': async (bed, faultMs) => {
    bed.network.halfOpen();
    await pause(faultMs);
    await bed.network.restore();
  },
  'network slow': async (bed, faultMs) => {
    bed.network.throttle(5_000);
    await pause(faultMs);
    await bed.network.restore();
  },
  'last_id set back': async (bed) => {
    const { ids } = bed.producer;
    const from = ids[Math.floor(random.next() * ids.length)] ?? '-';
    await bed.redis.client.set('mqtt_sender:last_id', from);
  },
};

test(`${SECONDS} s of random faults at ${PER_SECOND} readings/s, seed ${SEED}: lost 0`, async (t) => {
  await using bed = await startBed();
  bed.producer.start(PER_SECOND);
  const names = Object.keys(FAULTS);
  const untilMs = performance.now() + SECONDS * 1_000;
  const done = new Map<string, number>();
  while (performance.now() < untilMs) {
    await pause(random.next() * 3_000);
    const name = names[Math.floor(random.next() * names.length)] ?? '';
    done.set(name, (done.get(name) ?? 0) + 1);
    await FAULTS[name]?.(bed, random.next() * 5_000);
  }
  await bed.producer.stop();
  await bed.untilDelivered(CATCH_UP_MS);
  const { readings, duplicates, faults, gaps } = bed.receiver;
  t.diagnostic(
    `${readings.size} readings, ${duplicates} repeats, faults ${JSON.stringify([...done])}`,
  );
  assert.deepEqual(faults, []);
  assert.deepEqual([...gaps.values()], []);
});
