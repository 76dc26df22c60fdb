/** How much is read and kept for a range: the service has little memory, Redis little time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '@holdfast/kit/testing';
import type { StreamEntry } from '@holdfast/redis';
import type { Frame } from '../../src/core/curve.ts';
import { MAX_CURVES } from '../../src/core/curve.ts';
import type { Grid } from '../../src/core/grid.ts';
import { seen, sensorsSeen } from '../../src/core/readings.ts';
import { FRAME_POINTS, Series } from '../../src/series.ts';
import { Turnstile } from '../../src/turnstile.ts';
import { known, reading } from '../fakes/knowledge.ts';
import { MemoryStore } from '../fakes/memory-store.ts';

class WatchedStore extends MemoryStore {
  /** Entries of each answer to `windows`. */
  readonly fetched: number[] = [];

  override async windows(grid: Grid, size: number, first: number, count: number) {
    const windows = await super.windows(grid, size, first, count);
    this.fetched.push(windows.flat().length);
    return windows;
  }
}

async function load(values: StreamEntry[], points: number, newest = 200) {
  const clock = new ManualClock();
  const store = new WatchedStore();
  store.values = values;
  const series = new Series(store, clock, new Turnstile(clock));
  const last = values.slice(-newest).toReversed();
  const facts = await store.facts();
  const sensors = sensorsSeen(last.flatMap((entry) => seen(entry) ?? []));
  const timeMs = (entry: StreamEntry | undefined) => Number(entry?.[0].split('-')[0]);
  const range = { fromMs: timeMs(values[0]), toMs: timeMs(values.at(-1)) };
  const frame = await series.frame(series.grid(range, points), known({ facts, sensors }));
  return { frame, store };
}

const pointsIn = ({ curves }: Frame) => curves.reduce((sum, one) => sum + one.points.length, 0);
const BASE = 1_795_300_000_000;
const quantities = (count: number, name: (q: number) => string) =>
  Object.fromEntries(Array.from({ length: count }, (_, q) => [name(q), q]));

describe('a range', () => {
  test('of many curves has longer steps, so that all of them fit into the memory', async () => {
    const values = Array.from({ length: 2_000 }, (_, i) =>
      reading(
        BASE + i * 1_000,
        's',
        quantities(60, (q) => `q${q}`),
      ),
    );
    const { frame } = await load(values, 2_000);
    assert.equal(frame.curves.length, 60);
    assert.ok(pointsIn(frame) <= FRAME_POINTS && pointsIn(frame) > FRAME_POINTS / 4);
  });

  test('whose quantities were more once than they are now fits, too', async () => {
    const values = Array.from({ length: 2_000 }, (_, i) =>
      reading(BASE + i * 1_000, 's', i < 1_500 ? quantities(60, (q) => `q${q}`) : { q0: 1 }),
    );
    const { frame } = await load(values, 2_000);
    assert.equal(frame.mode, 'bucket');
    assert.ok(pointsIn(frame) <= FRAME_POINTS && frame.curves.length === 60);
  });

  test('in which every reading has other names has a number of curves that can be drawn', async () => {
    const values = Array.from({ length: 1_000 }, (_, i) =>
      reading(BASE + i * 1_000, 's', { steady: i, [`rssi_${i}`]: i }),
    );
    const { frame } = await load(values, 2_000);
    assert.equal(frame.curves.length, MAX_CURVES);
    assert.equal(frame.curves[0]?.quantity, 'steady');
  });

  test('of very many readings is fetched in slices that are small however many steps there are', async () => {
    const sensors = 8;
    const values = Array.from({ length: 24_000 }, (_, i) =>
      reading(BASE + i * 1_000, `s${i % sensors}`, { t: i }),
    );
    const { frame, store } = await load(values, 2_000);
    assert.equal(frame.mode, 'sample');
    assert.ok(Math.max(...store.fetched) <= 1_600, `${Math.max(...store.fetched)} entries`);
    assert.ok(store.fetched.reduce((a, b) => a + b, 0) <= 16_000);
    assert.equal(frame.curves.length, sensors);
  });

  test('with more sensors than anybody has is answered as well', async () => {
    const values = Array.from({ length: 30_000 }, (_, i) =>
      reading(BASE + i * 1_000, `beacon-${i % 1_200}`, { rssi_dbm: -60 }),
    );
    const { frame, store } = await load(values, 300, 2_000);
    assert.equal(frame.mode, 'sample');
    assert.ok(frame.curves.length > 100 && store.fetched.every((entries) => entries > 0));
  });
});
