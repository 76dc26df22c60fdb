/** Curves over a range: exact where the readings are few, sampled where they are many. */
import type { Clock } from '@holdfast/kit';
import { Buckets } from './core/buckets.ts';
import { Cache } from './core/cache.ts';
import { MAX_CURVES, withEnd } from './core/curve.ts';
import type { Frame } from './core/curve.ts';
import type { Knowledge } from './core/facts.ts';
import { coarser, gridEndMs, gridKey, gridOf } from './core/grid.ts';
import type { Grid } from './core/grid.ts';
import { intervalMsOf } from './core/latest.ts';
import type { Range } from './core/query.ts';
import { Samples, windowFor } from './core/samples.ts';
import type { Store } from './ports.ts';
import type { Turnstile } from './turnstile.ts';

/** Ranges with fewer readings are read whole. */
export const EXACT_READINGS = 20_000;
/** Entries per command: Redis is busy with one for about a millisecond. */
const PAGE = 1_000;
/** Ranges that end within so many milliseconds share an answer. */
const SHARE_MS = 2_000;
/** How long an answer about the present is given again, at least and at most; half a step between. */
const FRESH_MS = { least: 1_000, most: 15_000 };
/** The past does not change, except by what is removed at its end. */
const PAST_MS = 60_000;
/**
 * Points of all curves of a range together: the service has 64 MB for its objects, and more than one
 * answer under way.
 */
export const FRAME_POINTS = 50_000;
/** Entries read for a sampled range: what makes a small Pi work for about a second. */
const SAMPLED_ENTRIES = 16_000;
/**
 * Steps asked for together, and their entries at most. Redis takes 16 KB of a client at a time, some
 * 150 of these commands, and serves the others before it goes on (networking.c, PROTO_IOBUF_LEN).
 */
const AT_ONCE = { steps: 100, entries: 1_600 };
/** Room for one answer as large as they come and some smaller ones. */
const CACHE_BYTES = 8_000_000;
/** About what a point takes in memory, measured. */
const POINT_BYTES = 140;

const pointsIn = ({ curves }: Frame) => curves.reduce((sum, { points }) => sum + points.length, 0);

export class Series {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #turnstile: Turnstile;
  readonly #frames: Cache<Frame>;

  constructor(store: Store, clock: Clock, turnstile: Turnstile) {
    this.#store = store;
    this.#clock = clock;
    this.#turnstile = turnstile;
    const nowMs = () => clock.monotonicMs();
    this.#frames = new Cache(nowMs, CACHE_BYTES, (frame) => POINT_BYTES * pointsIn(frame));
  }

  grid({ fromMs, toMs }: Range, points: number): Grid {
    return gridOf(fromMs, toMs, points, SHARE_MS);
  }

  /** How long an answer over this grid may be given again, milliseconds. */
  ttlMs(grid: Grid): number {
    if (gridEndMs(grid) < this.#clock.nowMs() - 2 * SHARE_MS) return PAST_MS;
    return Math.min(FRESH_MS.most, Math.max(FRESH_MS.least, grid.stepMs / 2));
  }

  /** All curves of the range; rejects as the store does, or with a Refusal when too much is asked. */
  async frame(grid: Grid, known: Knowledge): Promise<Frame> {
    const load = async () =>
      this.#withEnds(await this.#turnstile.pass(async () => this.#load(grid, known)), known);
    return this.#frames.get(gridKey(grid), this.ttlMs(grid), load);
  }

  /** As `frame`, over the same range with at most so many steps. */
  async coarser(grid: Grid, maxSteps: number, known: Knowledge): Promise<Frame> {
    return this.frame(coarser(grid, maxSteps, SHARE_MS), known);
  }

  /** The frame over this grid, or over one with longer steps when this one has too many points. */
  async #load(asked: Grid, known: Knowledge): Promise<Frame> {
    let curves = 0;
    for (const { values } of known.sensors.values()) curves += values.size;
    const drawn = Math.min(MAX_CURVES, Math.max(1, curves));
    let grid = coarser(asked, FRAME_POINTS / drawn, SHARE_MS);
    let whole = expectedReadings(grid, known) <= EXACT_READINGS;
    for (;;) {
      const frame = whole ? await this.#exact(grid, known) : await this.#sampled(grid, known);
      if (typeof frame === 'object') return frame;
      if (frame === 'too_long') whole = false;
      else grid = coarser(grid, grid.steps / 2, SHARE_MS);
    }
  }

  #withEnds(frame: Frame, known: Knowledge): Frame {
    const endMs = Math.min(this.#clock.nowMs(), gridEndMs(frame.grid) - 1);
    const curves = frame.curves.map((curve) => {
      const { sensor, quantity } = curve;
      const newest = known.sensors.get(sensor)?.values.get(quantity)?.reading;
      const newestMs = newest?.timeMs ?? curve.points.at(-1)?.timeMs ?? endMs;
      return withEnd(curve, endMs, newestMs, intervalMsOf(known, sensor) ?? 0);
    });
    return { ...frame, curves };
  }

  /** Or: there are more readings than expected, or the curves have too many points. */
  async #exact(grid: Grid, known: Knowledge): Promise<Frame | 'too_long' | 'too_fine'> {
    const buckets = new Buckets(grid, usualMs(known), known.now);
    const endMs = gridEndMs(grid) - 1;
    let after: string | undefined;
    for (let left = EXACT_READINGS; left > 0; left -= PAGE) {
      const entries = await this.#store.page(after, grid.fromMs, endMs, PAGE);
      buckets.add(entries);
      if (buckets.points > FRAME_POINTS) return 'too_fine';
      if (entries.length < PAGE) return { mode: 'bucket', grid, curves: buckets.finish() };
      after = entries.at(-1)?.[0];
    }
    return 'too_long';
  }

  /** Slice by slice: what was read is folded into the curves before more is fetched. */
  async #sampled(asked: Grid, known: Knowledge): Promise<Frame | 'too_fine'> {
    const size = windowFor([...known.sensors.values()].map(({ share }) => share));
    const grid = coarser(asked, SAMPLED_ENTRIES / size, SHARE_MS);
    const samples = new Samples(grid, size, usualMs(known));
    const slice = Math.min(AT_ONCE.steps, Math.floor(AT_ONCE.entries / size));
    for (let first = 0; first < grid.steps; first += slice) {
      const count = Math.min(slice, grid.steps - first);
      for (const entries of await this.#store.windows(grid, size, first, count)) {
        samples.add(entries);
      }
      if (samples.points > FRAME_POINTS) return 'too_fine';
    }
    return { mode: 'sample', grid, curves: samples.finish() };
  }
}

const usualMs = (known: Knowledge) => (sensor: string) => intervalMsOf(known, sensor) ?? 0;

/** How many readings a range may have: as many as come now, and no more than there are. */
function expectedReadings(grid: Grid, { facts, sensors }: Knowledge): number {
  const rates = [...sensors.values()].map(({ intervalMs, share }) =>
    intervalMs === null || share === 0 ? 0 : 1 / intervalMs,
  );
  const perMs = rates.reduce((sum, rate) => sum + rate, 0);
  return Math.min(facts.entries, perMs * (gridEndMs(grid) - grid.fromMs));
}
