import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withEnd } from '../../src/core/curve.ts';
import type { Curve } from '../../src/core/curve.ts';

const INTERVAL_MS = 10_000;
const LAST_MS = 100_000;

const point = (timeMs: number, value: number | null) => ({
  timeMs,
  value,
  min: value,
  max: value,
  count: value === null ? 0 : 1,
});
const curve = (...points: Curve['points']): Curve => ({
  sensor: 'bme280-1-76',
  quantity: 'temperature_celsius',
  points,
});
const lasting = curve(point(90_000, 20), point(LAST_MS, 21));

test('a curve whose sensor has been silent for more than 3 intervals ends with a break', () => {
  const { points } = withEnd(lasting, 130_001, LAST_MS, INTERVAL_MS);
  assert.deepEqual(points.at(-1), point(130_001, null));
  assert.equal(points.length, 3);
});

test('within 3 intervals, or without a known interval, it does not end', () => {
  assert.equal(withEnd(lasting, 130_000, LAST_MS, INTERVAL_MS), lasting);
  assert.equal(withEnd(lasting, 9_999_999, LAST_MS, 0), lasting);
});

test('what matters is the newest value there is, not the last one drawn', () => {
  // Of a long range one value per step is drawn, and newer ones lie beyond the end of a past range.
  assert.equal(withEnd(lasting, 500_000, 495_000, INTERVAL_MS), lasting);
  assert.equal(withEnd(lasting, 500_000, 900_000, INTERVAL_MS), lasting);
});

test('a curve without points, with a break at its end, or ahead of the clock stays as it is', () => {
  for (const one of [curve(), curve(point(90_000, 20), point(LAST_MS, null))]) {
    assert.equal(withEnd(one, 500_000, LAST_MS, INTERVAL_MS), one);
  }
  const ahead = curve(point(600_000, 20));
  assert.equal(withEnd(ahead, 500_000, 100_000, INTERVAL_MS), ahead);
});
