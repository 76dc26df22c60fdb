/** What a broker and the network to it can do, at 500 readings/s. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { PATIENT, startBed } from './bed.ts';
import type { Bed } from './bed.ts';

const PER_SECOND = 500;

/** Load, a fault of `faultMs`, load again; then everything must have arrived. */
async function through(
  bed: Bed,
  fault: () => unknown,
  mend: () => unknown,
  faultMs: number,
): Promise<void> {
  bed.producer.start(PER_SECOND);
  await until('readings flow', () => bed.receiver.readings.size > 200);
  await fault();
  await passes(faultMs);
  await mend();
  const before = bed.receiver.readings.size;
  await until('readings flow again', () => bed.receiver.readings.size > before + 300, 40_000);
  await bed.producer.stop();
  await bed.assertNothingLost();
}

/** The fault lasts this long: time is what is tested, there is nothing to wait for. */
function passes(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

test('steady load arrives once, in order, without a repeat', async () => {
  await using bed = await startBed({ env: PATIENT });
  bed.producer.start(PER_SECOND);
  await until('readings flow', () => bed.receiver.readings.size > 800);
  await bed.producer.stop();
  await bed.assertNothingLost();
  assert.equal(bed.receiver.duplicates, 0);
});

test('a broker killed and started again gets everything', async () => {
  await using bed = await startBed();
  await through(
    bed,
    () => bed.broker.process.kill(),
    () => bed.broker.restart(),
    1_500,
  );
});

test('a broker that accepts and never answers is noticed, and gets everything when it wakes', async () => {
  await using bed = await startBed();
  await through(
    bed,
    () => bed.broker.process.freeze(),
    async () => {
      await bed.handler.untilLine(/"puback_timeout"/);
      bed.broker.process.thaw();
    },
    0,
  );
});

test('a network that is cut and refuses connections for a while loses nothing', async () => {
  await using bed = await startBed();
  await through(
    bed,
    () => bed.network.cut(),
    () => bed.network.restore(),
    2_000,
  );
});

test('a half-open connection is noticed by the missing PUBACK and replaced', async () => {
  await using bed = await startBed();
  await through(
    bed,
    () => bed.network.halfOpen(),
    async () => {
      await bed.handler.untilLine(/"puback_timeout"/);
      await bed.network.restore();
    },
    0,
  );
});

test('a frozen network is noticed in bounded time and nothing is lost', async () => {
  await using bed = await startBed();
  await through(
    bed,
    () => bed.network.freeze(),
    async () => {
      await bed.handler.untilLine(/"puback_timeout"/);
      await bed.network.restore();
    },
    0,
  );
});

test('a connection that breaks at each publish for a while neither loses nor condemns a reading', async () => {
  await using bed = await startBed();
  await through(
    bed,
    () => bed.network.setRule((chunk) => ((chunk[0] ?? 0) >> 4 === 3 ? 'close_after' : 'forward')),
    () => bed.network.restore(),
    2_500,
  );
});

test('a slow line carries everything, also when a window of messages takes longer than the deadline', async () => {
  await using bed = await startBed();
  await bed.producer.produce(1_500);
  await until('the backlog has gone', async () => (await bed.cursor()) === (await bed.newestId()));
  await through(
    bed,
    () => bed.network.throttle(20_000),
    () => bed.network.restore(),
    3_500,
  );
  assert.deepEqual(bed.logged('link_down'), [], 'slow is not dead');
});
