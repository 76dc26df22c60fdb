/**
 * Exact series: every reading of the range goes into the bucket of its step. For ranges with few
 * enough readings (`EXACT_READINGS`).
 */
import type { StreamEntry } from '@holdfast/redis';
import { GAP_INTERVALS, Lines, pointsOf } from './curve.ts';
import type { Curve, StepValue } from './curve.ts';
import { stepOf } from './grid.ts';
import type { Grid } from './grid.ts';
import { measuredMs, seen } from './readings.ts';
import type { Now } from './readings.ts';
import { finite, median } from './values.ts';

/** How many spacings tell what is usual at that time: an interval may be changed within a range. */
const SPACINGS = 9;

interface Bucket {
  sum: number;
  min: number;
  max: number;
  count: number;
}

class Line {
  readonly sensor: string;
  readonly quantity: string;
  readonly #buckets: (Bucket | undefined)[] = [];
  readonly #breaks = new Set<number>();
  readonly #spacingsMs: number[] = [];
  #lastMs: number | undefined;

  constructor(sensor: string, quantity: string) {
    this.sensor = sensor;
    this.quantity = quantity;
  }

  /** @returns how many points there are more */
  add(step: number, timeMs: number, value: number, usualMs: number): 0 | 1 {
    if (this.#lastMs !== undefined) this.#space(step, timeMs - this.#lastMs, usualMs);
    this.#lastMs = timeMs;
    const bucket = this.#buckets[step];
    if (bucket === undefined) {
      this.#buckets[step] = { sum: value, min: value, max: value, count: 1 };
      return 1;
    }
    bucket.sum += value;
    bucket.min = Math.min(bucket.min, value);
    bucket.max = Math.max(bucket.max, value);
    bucket.count += 1;
    return 0;
  }

  #space(step: number, spacingMs: number, usualMs: number): void {
    const localMs = this.#spacingsMs.length < 3 ? 0 : (median(this.#spacingsMs) ?? 0);
    const limitMs = GAP_INTERVALS * Math.max(localMs, usualMs);
    if (limitMs > 0 && spacingMs > limitMs) this.#breaks.add(step);
    // A clock that stands still, or readings stored together, say nothing about the interval.
    if (spacingMs > 0) this.#spacingsMs.push(spacingMs);
    if (this.#spacingsMs.length > SPACINGS) this.#spacingsMs.shift();
  }

  finish(grid: Grid): Curve {
    const steps: (StepValue | undefined)[] = [];
    for (const [i, bucket] of this.#buckets.entries()) {
      steps[i] = bucket === undefined ? undefined : { ...bucket, mean: bucket.sum / bucket.count };
    }
    const { sensor, quantity } = this;
    return { sensor, quantity, points: pointsOf(grid, steps, this.#breaks) };
  }
}

export class Buckets {
  readonly #grid: Grid;
  readonly #usualMs: (sensor: string) => number;
  readonly #now: Now;
  readonly #lines = new Lines((sensor, quantity) => new Line(sensor, quantity));
  #points = 0;

  /** @param usualMs milliseconds between readings of a sensor now; 0 when it is not known */
  constructor(grid: Grid, usualMs: (sensor: string) => number, now: Now) {
    this.#grid = grid;
    this.#now = now;
    this.#usualMs = usualMs;
  }

  /** Points of all curves so far. */
  get points(): number {
    return this.#points;
  }

  /** The next entries, in the order of the stream. */
  add(entries: readonly StreamEntry[]): void {
    for (const entry of entries) {
      const reading = seen(entry);
      if (reading === undefined) continue;
      const { sensor, quantities } = reading;
      const timeMs = measuredMs(reading, this.#now);
      const step = stepOf(this.#grid, timeMs);
      if (step === undefined) continue;
      for (const [quantity, raw] of quantities) {
        const value = finite(raw);
        if (value === null) continue;
        const line = this.#lines.of(sensor, quantity);
        this.#points += line?.add(step, timeMs, value, this.#usualMs(sensor)) ?? 0;
      }
    }
  }

  finish(): Curve[] {
    return this.#lines.all().map((line) => line.finish(this.#grid));
  }
}
