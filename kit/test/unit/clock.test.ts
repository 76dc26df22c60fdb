import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import { systemClock } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import { ManualClock, constantRandom, seededRandom } from '@holdfast/kit/testing';

describe('ManualClock', () => {
  test('wakes sleepers in the order of their time, equal times in the order of falling asleep', async () => {
    const clock = new ManualClock();
    const woken: string[] = [];
    for (const [name, delayMs] of [
      ['c', 30],
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
    ] as const) {
      void clock.sleepMs(delayMs).then(() => woken.push(name));
    }
    await clock.advance(19);
    assert.deepEqual(woken, ['a']);
    await clock.advance(11);
    assert.deepEqual(woken, ['a', 'b1', 'b2', 'c']);
    assert.equal(clock.sleepers, 0);
  });

  test('each sleeper sees the time it asked for, not the time advanced to', async () => {
    const clock = new ManualClock(1_000, 500);
    const seen: number[] = [];
    void (async () => {
      for (;;) {
        await clock.sleepMs(60_000);
        seen.push(clock.monotonicMs());
      }
    })();
    await clock.advance(86_400_000);
    assert.equal(seen.length, 1_440);
    assert.equal(seen[0], 60_500);
    assert.equal(seen.at(-1), 86_400_500);
    assert.equal(clock.nowMs(), 86_401_000);
  });

  test('work of many steps between two sleeps is finished before time goes on', async () => {
    const clock = new ManualClock(0, 0);
    let finishedMs = Number.NaN;
    void (async () => {
      await clock.sleepMs(10);
      for (let step = 0; step < 500; step += 1) await Promise.resolve();
      finishedMs = clock.monotonicMs();
    })();
    void clock.sleepMs(20);
    await clock.advance(1_000);
    assert.equal(finishedMs, 10);
  });

  test('the wall clock jumps both ways without waking anybody or moving the monotonic one', async () => {
    const clock = new ManualClock(1_000_000, 0);
    let awake = false;
    void clock.sleepMs(100).then(() => (awake = true));
    clock.jumpWall(500_000);
    await clock.advance(0);
    assert.equal(awake, false);
    clock.jumpWall(-900_000);
    assert.deepEqual([clock.nowMs(), clock.monotonicMs()], [600_000, 0]);
    await clock.advance(100);
    assert.equal(awake, true);
    assert.deepEqual([clock.nowMs(), clock.monotonicMs()], [600_100, 100]);
  });
});

function draw(seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: 1_000 }, () => random.next());
}

test('the monotonic clock of the system counts from the boot, so two processes can compare', () => {
  const sinceBootMs = Number(process.hrtime.bigint() / 1_000_000n);
  assert.ok(Math.abs(systemClock.monotonicMs() - sinceBootMs) < 1_000);
});

describe('seededRandom', () => {
  test('repeats itself for the same seed, differs for another, stays in [0, 1)', () => {
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
    assert.ok(draw(3).every((value) => value >= 0 && value < 1));
    const mean = draw(4).reduce((sum, value) => sum + value, 0) / 1_000;
    assert.ok(Math.abs(mean - 0.5) < 0.05);
    assert.equal(constantRandom(0.25).next(), 0.25);
  });
});

/** What every Clock promises about sleeping; `pass` lets time go by. */
function sleepSuite(name: string, clock: Clock, pass: (byMs: number) => Promise<void>): void {
  describe(`${name}: sleeping`, () => {
    test('ends when its time has come', async () => {
      const startMs = clock.monotonicMs();
      await Promise.all([clock.sleepMs(5), pass(5)]);
      assert.ok(clock.monotonicMs() - startMs >= 4);
    });
    test('ends at once, without rejecting, when its signal aborts', async () => {
      const stop = new AbortController();
      const sleeping = clock.sleepMs(3_600_000, stop.signal);
      stop.abort(new Error('never seen'));
      await sleeping;
      assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
    });
    test('does not begin when its signal has aborted before', async () => {
      await clock.sleepMs(3_600_000, AbortSignal.abort());
    });
    test('leaves no listener behind on the signal when it ends by itself', async () => {
      const { signal } = new AbortController();
      await Promise.all([clock.sleepMs(1, signal), pass(1)]);
      assert.equal(getEventListeners(signal, 'abort').length, 0);
    });
    test('a negative time is no time', async () => {
      await Promise.all([clock.sleepMs(-5), pass(0)]);
    });
  });
}

const manual = new ManualClock();
sleepSuite('ManualClock', manual, (byMs) => manual.advance(byMs));
sleepSuite('systemClock', systemClock, () => Promise.resolve());

test('the monotonic system clock does not run backwards, the wall clock is the one of the machine', () => {
  const beforeMs = systemClock.monotonicMs();
  assert.ok(systemClock.monotonicMs() >= beforeMs);
  assert.ok(Math.abs(systemClock.nowMs() - Date.now()) < 1_000);
});
