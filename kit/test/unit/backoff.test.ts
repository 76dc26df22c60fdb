import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, integer, property } from 'fast-check';
import { SPREAD, backoffMs } from '@holdfast/kit';
import { constantRandom, seededRandom } from '@holdfast/kit/testing';

const policy = { floorMs: 5_000, capMs: 60_000 };

test('the wait doubles from the floor up to the cap when chance adds nothing', () => {
  const waits = [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(policy, attempt, constantRandom(0)));
  assert.deepEqual(waits, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
});

test('every wait lies between the floor and one and a half times the cap', () => {
  check(
    property(
      integer({ min: 1, max: 100_000 }),
      integer({ min: 0, max: 1_000_000 }),
      integer({ min: -3, max: 1_000_000 }),
      integer(),
      (floorMs, aboveMs, attempt, seed) => {
        const capMs = floorMs + aboveMs;
        const delayMs = backoffMs({ floorMs, capMs }, attempt, seededRandom(seed));
        assert.ok(delayMs >= floorMs && delayMs < capMs * SPREAD, `${delayMs}`);
      },
    ),
    { seed: 1, numRuns: 1_000 },
  );
});

test('a fleet that has reached the cap is spread over the whole half above it', () => {
  const random = seededRandom(7);
  const tenths = new Set<number>();
  for (let device = 0; device < 1_000; device += 1) {
    const delayMs = backoffMs(policy, 1_000_000, random);
    assert.ok(Number.isFinite(delayMs) && delayMs >= policy.capMs);
    tenths.add(Math.floor((delayMs / policy.capMs - 1) * 20));
  }
  assert.deepEqual(
    [...tenths].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

test('the floor holds even when the cap was set below it', () => {
  assert.equal(backoffMs({ floorMs: 5_000, capMs: 100 }, 3, constantRandom(0)), 5_000);
});
