import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import type { StreamEntry } from '@holdfast/redis';
import { Buckets } from '../../src/core/buckets.ts';
import { columnar } from '../../src/core/columnar.ts';
import type { Curve } from '../../src/core/curve.ts';
import { gridOf, stepOf, stepStartMs } from '../../src/core/grid.ts';
import type { Grid } from '../../src/core/grid.ts';
import { Samples, windowFor } from '../../src/core/samples.ts';
import { BOOT, NOW_MS, UPTIME_MS, reading } from '../fakes/knowledge.ts';

const START = Math.floor(NOW_MS / 3_600_000) * 3_600_000;
const grid = (stepMs: number, steps: number): Grid => ({ fromMs: START, stepMs, steps });

function exact(g: Grid, entries: readonly StreamEntry[], usualMs = 1_000): Curve[] {
  const buckets = new Buckets(g, () => usualMs, {
    wallMs: NOW_MS,
    uptimeMs: UPTIME_MS,
    boot: BOOT,
  });
  buckets.add(entries);
  return buckets.finish();
}

function sampled(
  g: Grid,
  windows: readonly StreamEntry[][],
  size: number,
  usualMs: (sensor: string) => number,
): Curve[] {
  const samples = new Samples(g, size, usualMs);
  for (const entries of windows) samples.add(entries);
  return samples.finish();
}

/** What Redis would answer: the first `size` entries of each step. */
function sparse(g: Grid, entries: readonly StreamEntry[], size: number, usualMs = 1_000): Curve[] {
  const windows = Array.from({ length: g.steps }, (): StreamEntry[] => []);
  for (const entry of entries) {
    const step = stepOf(g, Number(entry[0].split('-')[0]));
    const window = step === undefined ? undefined : windows[step];
    if (window !== undefined && window.length < size) window.push(entry);
  }
  return sampled(g, windows, size, () => usualMs);
}

const every = (
  spacingMs: number,
  count: number,
  sensor = 's',
  from = START,
  values: (i: number) => Record<string, string | number> = (i) => ({ t: i }),
) => Array.from({ length: count }, (_, i) => reading(from + i * spacingMs, sensor, values(i)));

const values = (curve: Curve | undefined) => curve?.points.map(({ value }) => value);
const breaks = (curve: Curve | undefined) =>
  curve?.points.filter(({ value }) => value === null).length;

describe('exact series', () => {
  test('give minimum, mean, maximum and count of every reading of a step', () => {
    const [curve] = exact(grid(10_000, 2), every(1_000, 20));
    assert.deepEqual(curve?.points, [
      { timeMs: START, value: 4.5, min: 0, max: 9, count: 10 },
      { timeMs: START + 10_000, value: 14.5, min: 10, max: 19, count: 10 },
    ]);
  });

  test('break where nothing came for longer than three intervals, and only there', () => {
    const before = every(1_000, 10);
    const at = (gapMs: number) =>
      exact(grid(1_000, 60), [...before, ...every(1_000, 10, 's', START + 9_000 + gapMs)])[0];
    assert.equal(breaks(at(3_000)), 0);
    assert.equal(breaks(at(3_100)), 1);
    const points = at(20_000)?.points ?? [];
    const gap = points.findIndex(({ value }) => value === null);
    assert.ok((points[gap - 1]?.timeMs ?? 0) < (points[gap]?.timeMs ?? 0));
    assert.ok((points[gap]?.timeMs ?? 0) < (points[gap + 1]?.timeMs ?? 0));
  });

  test('break in steps that are longer than the gap, too', () => {
    const entries = [...every(1_000, 6), ...every(1_000, 6, 's', START + 12_000)];
    assert.deepEqual(values(exact(grid(10_000, 2), entries)[0]), [2.5, null, 2.5]);
  });

  test('go by the interval of the time: a slower one later on is no row of gaps', () => {
    const entries = [...every(1_000, 60), ...every(60_000, 20, 's', START + 120_000)];
    assert.ok((breaks(exact(grid(10_000, 200), entries)[0]) ?? 9) <= 5);
  });

  test('do not take readings that were stored together for a faster interval', () => {
    const late = Array.from({ length: 50 }, (_, i) =>
      reading(START + 20_000 + (i % 3), 's', { t: i }),
    );
    const entries = [...every(1_000, 10), ...late, ...every(1_000, 10, 's', START + 21_000)];
    assert.equal(breaks(exact(grid(1_000, 40), entries)[0]), 1);
  });

  test('leave out what is no finite number, and go on beside it', () => {
    const texts = ['1', 'NaN', 'Infinity', '', '0x10', ' 2 ', '1e3', 'open'];
    const entries = texts.map((t, i) => reading(START + i * 500, 's', { t }));
    assert.deepEqual(values(exact(grid(500, 8), entries)[0]), [1, 2, 1_000]);
  });

  test('keep sensors and quantities apart, and gap records out', () => {
    const entries: StreamEntry[] = [
      reading(START, 'a', { t: 1, h: 5 }),
      reading(START, 'b', { t: 2 }),
      [`${START}-7`, ['_epoch', 'e', '_gap', '{"count":3}', 't', '99']],
      [`${START}-8`, ['t', '3']],
    ];
    const curves = exact(grid(1_000, 1), entries);
    assert.deepEqual(
      curves.map(({ sensor, quantity, points }) => [sensor, quantity, points[0]?.value]),
      [
        ['a', 't', 1],
        ['a', 'h', 5],
        ['b', 't', 2],
        ['other', 't', 3],
      ],
    );
  });

  test('break at a clock that jumps ahead, and survive one that stands still', () => {
    const ahead = [...every(1_000, 10), ...every(1_000, 10, 's', START + 3_000_000)];
    assert.equal(breaks(exact(grid(10_000, 400), ahead)[0]), 1);
    const still = Array.from({ length: 30 }, (_, i): StreamEntry => [`${START}-${i}`, ['t', '1']]);
    assert.deepEqual(values(exact(grid(1_000, 2), still, 0)[0]), [1]);
  });

  test('show readings that waited for Redis when they were measured, so that nothing seems to miss', () => {
    const end = NOW_MS - (NOW_MS % 60_000);
    const g: Grid = { fromMs: end - 60_000, stepMs: 1_000, steps: 60 };
    const entries = Array.from({ length: 50 }, (_, i) => {
      const measured = end - 55_000 + i * 1_000;
      const stored = i >= 10 && i < 30 ? end - 25_000 + i : measured;
      const uptime = String(UPTIME_MS - (NOW_MS - measured));
      return reading(stored, 's', { t: i }, { _boot: BOOT, _uptime_ms: uptime });
    });
    const [curve] = exact(g, entries);
    assert.equal(breaks(curve), 0);
    assert.deepEqual(
      values(curve),
      Array.from({ length: 50 }, (_, i) => i),
    );
  });

  test('lose nothing: the counts of all steps are the readings of the range', () => {
    const random = seededRandom(3);
    for (let run = 0; run < 50; run += 1) {
      let at = START;
      const entries = Array.from({ length: 200 }, () => {
        at += Math.floor(random.next() ** 6 * 60_000);
        return reading(at, 's', { t: random.next() });
      });
      const g = gridOf(START, at + 1, 2 + Math.floor(random.next() * 100), 1);
      const points = exact(g, entries)[0]?.points ?? [];
      assert.equal(
        points.reduce((sum, { count }) => sum + count, 0),
        200,
      );
      for (const { value, min, max } of points) {
        if (value !== null) assert.ok((min ?? 0) <= value && value <= (max ?? 0));
      }
      const times = points.map(({ timeMs }) => timeMs);
      assert.deepEqual(
        times,
        [...new Set(times)].sort((a, b) => a - b),
      );
    }
  });
});

describe('sampled series', () => {
  test('take the first value of each step', () => {
    const [curve] = sparse(grid(60_000, 3), every(1_000, 180), 1);
    assert.deepEqual(values(curve), [0, 60, 120]);
    assert.deepEqual(
      curve?.points.map(({ timeMs }) => timeMs - START),
      [0, 60_000, 120_000],
    );
  });

  test('read as many entries as let the rarest usual sensor appear three times', () => {
    assert.equal(windowFor([1]), 3);
    assert.equal(windowFor([0.5, 0.5]), 6);
    assert.equal(windowFor([0.9, 0.1]), 30);
    assert.equal(windowFor([0.999, 0.001]), 4);
    assert.equal(windowFor([]), 3);
  });

  test('read enough entries for every sensor, also when none has a tenth of them', () => {
    const equal = (length: number) => Array.from({ length }, () => 1 / length);
    assert.equal(windowFor(equal(11)), 32);
    assert.equal(windowFor(equal(20)), 32);
    assert.equal(windowFor(equal(100)), 150);
    assert.equal(windowFor(equal(5_000)), 300);
    const many = Array.from({ length: 25 }, (_, i) => every(1_000, 600, `s${i}`));
    const entries = many
      .flat()
      .toSorted((a, b) => Number(a[0].slice(0, 13)) - Number(b[0].slice(0, 13)));
    const curves = sparse(grid(60_000, 10), entries, windowFor(equal(25)));
    assert.deepEqual(
      curves.map(({ points }) => points.length),
      many.map(() => 10),
    );
  });

  test('break at an outage of everything that spans a step', () => {
    const entries = [...every(1_000, 120), ...every(1_000, 120, 's', START + 240_000)];
    assert.deepEqual(values(sparse(grid(60_000, 6), entries, 3)[0]), [0, 60, null, 0, 60]);
  });

  test('break at an outage that ends within a step', () => {
    const entries = [...every(1_000, 60), ...every(1_000, 20, 's', START + 100_000)];
    assert.deepEqual(values(sparse(grid(60_000, 2), entries, 3)[0]), [0, null, 0]);
  });

  test('break for the sensor that failed, not for the others', () => {
    const good = every(1_000, 600, 'good');
    const bad = every(1_000, 600, 'bad').filter((_, i) => i < 120 || i >= 420);
    const entries = [...good, ...bad].toSorted(
      (a, b) => Number(a[0].slice(0, 13)) - Number(b[0].slice(0, 13)),
    );
    const curves = sparse(grid(60_000, 10), entries, windowFor([0.67, 0.33]));
    const of = (sensor: string) => curves.find((curve) => curve.sensor === sensor);
    assert.equal(breaks(of('good')), 0);
    assert.equal(of('good')?.points.length, 10);
    assert.equal(breaks(of('bad')), 1);
  });

  test('do not break for a sensor that the windows merely miss', () => {
    const fast = every(100, 6_000, 'fast');
    const slow = every(30_000, 20, 'slow', START + 15_050);
    const entries = [...fast, ...slow].toSorted(
      (a, b) => Number(a[0].slice(0, 13)) - Number(b[0].slice(0, 13)),
    );
    const usual = (sensor: string) => (sensor === 'slow' ? 30_000 : 100);
    const g = grid(60_000, 10);
    const windows = Array.from({ length: 10 }, (_, step) =>
      entries
        .filter((entry) => stepOf(g, Number(entry[0].split('-')[0])) === step)
        .slice(0, step % 2 === 0 ? 200 : 4),
    );
    const curves = sampled(g, windows, 4, usual);
    assert.equal(breaks(curves.find(({ sensor }) => sensor === 'slow')), 0);
  });

  test('treat a quantity that is missing like a sensor that is', () => {
    const entries = every(1_000, 600, 's', START, (i) =>
      i < 200 || i > 400 ? { t: i, h: 1 } : { h: 1 },
    );
    const curves = sparse(grid(60_000, 10), entries, 3);
    assert.equal(breaks(curves.find(({ quantity }) => quantity === 't')), 1);
    assert.equal(breaks(curves.find(({ quantity }) => quantity === 'h')), 0);
  });

  test('show the same curve as the exact ones, up to what a step hides', () => {
    const entries = every(1_000, 3_600, 's', START, (i) => ({ t: Math.sin(i / 500) }));
    const [one] = sparse(grid(60_000, 60), entries, 3);
    const [all] = exact(grid(60_000, 60), entries);
    assert.equal(one?.points.length, all?.points.length);
    for (const [i, point] of (one?.points ?? []).entries()) {
      assert.ok(Math.abs((point.value ?? 9) - (all?.points[i]?.value ?? 0)) < 0.1);
    }
  });
});

test('columns share one axis; a break is told from a step that another sensor has', () => {
  const g = grid(1_000, 30);
  const entries = [
    ...every(1_000, 10, 'a'),
    ...every(2_000, 5, 'b'),
    ...every(1_000, 5, 'a', START + 20_000),
  ].toSorted((a, b) => Number(a[0].slice(0, 13)) - Number(b[0].slice(0, 13)));
  const curves = exact(g, entries);
  const { time, curves: columns } = columnar({ mode: 'bucket', grid: g, curves }, curves);
  const [a, b] = columns;
  assert.deepEqual(
    time,
    [...time].sort((x, y) => x - y),
  );
  for (const column of columns) assert.equal(column.value.length, time.length);
  assert.equal(a?.breaks.length, 1);
  assert.equal(a?.value[a.breaks[0] ?? 0], null);
  assert.equal(b?.breaks.length, 0);
  assert.equal(b?.value[time.indexOf(stepStartMs(g, 1))], null);
});
