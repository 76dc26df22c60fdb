import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import { gridEndMs, gridKey, gridOf, stepMsFor, stepOf } from '../../src/core/grid.ts';
import type { Grid } from '../../src/core/grid.ts';
import { NOW_MS } from '../fakes/knowledge.ts';

const START = Math.floor(NOW_MS / 3_600_000) * 3_600_000;
const grid = (stepMs: number, steps: number): Grid => ({ fromMs: START, stepMs, steps });

describe('the steps of a series', () => {
  test('cover the range with round steps, hardly more than were asked for', () => {
    const random = seededRandom(7);
    for (let i = 0; i < 500; i += 1) {
      const toMs = NOW_MS + Math.floor(random.next() * 1e9);
      const rangeMs = 1_000 + Math.floor(random.next() ** 4 * 3e10);
      const points = 2 + Math.floor(random.next() * 1_998);
      const g = gridOf(toMs - rangeMs, toMs, points, 2_000);
      assert.ok(g.fromMs <= toMs - rangeMs && gridEndMs(g) >= toMs);
      assert.equal(g.fromMs % g.stepMs, 0);
      const slack = 2 * Math.max(1, Math.ceil(2_000 / g.stepMs));
      assert.ok(g.steps <= points + slack, `${g.steps} steps for ${points} points`);
    }
  });

  test('are the same for viewers who ask within the same two seconds, with other widths', () => {
    const base = Math.floor(NOW_MS / 60_000) * 60_000;
    const keys = [0, 700, 1_900].flatMap((later) =>
      [290, 300, 310].map((points) =>
        gridKey(gridOf(base + later + 1 - 3_600_000, base + later + 1, points, 2_000)),
      ),
    );
    assert.equal(new Set(keys).size, 1);
  });

  test('become longer with the range', () => {
    assert.equal(stepMsFor(900_000, 300), 3_000);
    assert.equal(stepMsFor(86_400_000, 300), 300_000);
    assert.equal(stepMsFor(400 * 86_400_000, 2), 200 * 86_400_000);
  });

  test('know which one a time falls into', () => {
    const g = grid(1_000, 3);
    assert.deepEqual(
      [-1, 0, 999, 1_000, 2_999, 3_000].map((ms) => stepOf(g, START + ms)),
      [undefined, 0, 0, 1, 2, undefined],
    );
  });
});
