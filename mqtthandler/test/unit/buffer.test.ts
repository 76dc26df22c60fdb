import assert from 'node:assert/strict';
import { test } from 'node:test';
import { excessBytes, isNearlyFull, trimPoint } from '../../src/core/buffer.ts';

const CAPACITY = 1_000;

for (const [title, bytes, used, most, expected] of [
  ['within its limit nothing goes', 1_000, 0, 0, 0],
  ['beyond its limit it goes back to 95 %', 1_100, 0, 0, 150],
  ['Redis without a limit of its own is never full', 900, 1_000_000, 0, 0],
  ['with room in Redis nothing goes', 900, 9_500, 10_000, 0],
  ['Redis near its limit makes the oldest go', 900, 9_600, 10_000, 300],
  ['the larger of the two counts', 1_100, 9_600, 10_000, 300],
  ['no more can go than there is', 100, 9_900, 10_000, 100],
] as const) {
  test(title, () => {
    const size = { bytes, usedMemoryBytes: used, maxMemoryBytes: most };
    assert.equal(excessBytes(size, CAPACITY), expected);
    assert.ok(expected === 0 || isNearlyFull(size, CAPACITY));
  });
}

test('a buffer is looked at often before it, or Redis, is full', () => {
  const nearly = (bytes: number, usedMemoryBytes: number) =>
    isNearlyFull({ bytes, usedMemoryBytes, maxMemoryBytes: 10_000 }, CAPACITY);
  assert.deepEqual([nearly(850, 8_500), nearly(950, 0), nearly(0, 9_100)], [false, true, true]);
});

test('what is trimmed is acknowledged by all, old, and not the newest', () => {
  const limits = { maxBytes: CAPACITY, keepMs: 1_000 };
  const point = (...cursors: string[]) => trimPoint(cursors, '9000-0', 6_000, limits);
  assert.equal(point('4000-0', '3000-0'), '3000-0');
  assert.equal(point('8000-0', '7000-0'), '5000-0');
  assert.equal(point(), '5000-0');
});
