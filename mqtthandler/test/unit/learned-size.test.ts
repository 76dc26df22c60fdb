import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOTHING_LEARNED, learnSize, learnedLimitBytes } from '../../src/core/learned-size.ts';

const HOUR_MS = 3_600_000;
const message = (bytes: number, count = 10) => ({ bytes, count });

test('the limit is the largest that passed below what failed', () => {
  let known = NOTHING_LEARNED;
  assert.equal(learnedLimitBytes(known, 0), Infinity);
  known = learnSize(known, message(8_000), false, 0);
  assert.equal(learnedLimitBytes(known, 0), Infinity, 'one failure is no limit');
  known = learnSize(known, message(4_000), false, 0);
  known = learnSize(known, message(1_000, 2), true, 0);
  known = learnSize(known, message(2_000), true, 0);
  assert.equal(learnedLimitBytes(known, 0), 2_000);
});

test('what passes larger than what failed shows that size was not the reason', () => {
  let known = learnSize(NOTHING_LEARNED, message(2_000), false, 0);
  known = learnSize(known, message(1_000), true, 0);
  known = learnSize(known, message(3_000), true, 0);
  assert.equal(learnedLimitBytes(known, 0), Infinity);
});

test('a single reading that fails teaches nothing, and all is forgotten after an hour', () => {
  let known = learnSize(NOTHING_LEARNED, message(500, 1), false, 0);
  known = learnSize(known, message(400), true, 0);
  assert.equal(learnedLimitBytes(known, 0), Infinity);
  known = learnSize(known, message(5_000), false, 0);
  assert.equal(learnedLimitBytes(known, HOUR_MS - 1), 400);
  assert.equal(learnedLimitBytes(known, HOUR_MS), Infinity);
  known = learnSize(known, message(9_000), true, HOUR_MS);
  assert.equal(learnedLimitBytes(known, HOUR_MS), Infinity);
});
