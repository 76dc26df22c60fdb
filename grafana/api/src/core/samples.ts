/**
 * Sparse series for long ranges: of each step only the first few entries are read, and each curve
 * takes its first value among them. Costs the same for a thousand readings and for a million, and
 * no more memory than the curves have points.
 *
 * What a step's window proves: when the step has no more entries than were read, or the window is
 * longer than one and a half intervals of a sensor, a value that is not in it was not there. Only
 * a proven absence longer than 3 intervals breaks a line; a sensor that is merely too rare for the
 * windows is drawn with fewer points.
 */
import type { StreamEntry } from '@holdfast/redis';
import { GAP_INTERVALS, Lines, pointsOf } from './curve.ts';
import type { Curve, StepValue } from './curve.ts';
import { stepStartMs } from './grid.ts';
import type { Grid } from './grid.ts';
import { seen, spacingMs } from './readings.ts';
import type { Seen } from './readings.ts';
import { finite, median } from './values.ts';

/** So many entries of each step are read at most, unless there are more sensors. */
const MAX_WINDOW = 32;
/** Readings of the rarest sensor that should fall into a window. */
const READINGS_WANTED = 3;
/** Sensors with a smaller part of the entries, or of an equal part, do not make the windows larger. */
const SMALLEST_SHARE = 0.1;
const SMALLEST_OF_EQUAL = 0.5;
/** Sensors that take turns, all of them in a window with some to spare; of more, some are missed. */
const ENTRIES_PER_SENSOR = 1.5;
const MOST_SENSORS = 200;

/** How many entries of each step to read. @param shares parts of the entries, 0 to 1, by sensor */
export function windowFor(shares: readonly number[]): number {
  const smallest = Math.min(SMALLEST_SHARE, SMALLEST_OF_EQUAL / shares.length);
  const rarest = Math.min(1, ...shares.filter((share) => share >= smallest));
  const sensors = Math.min(MOST_SENSORS, shares.length);
  const most = Math.max(MAX_WINDOW, Math.ceil(ENTRIES_PER_SENSOR * sensors));
  return Math.min(most, Math.ceil(READINGS_WANTED / rarest));
}

/** The first values of a curve, in the order of the steps that have one. */
interface Line {
  readonly sensor: string;
  readonly quantity: string;
  readonly steps: number[];
  readonly timesMs: number[];
  readonly values: number[];
}

export class Samples {
  readonly #grid: Grid;
  readonly #size: number;
  readonly #usualMs: (sensor: string) => number;
  /** By step: it has no more entries than were read. */
  readonly #complete: boolean[] = [];
  /** By step: from its begin to the last reading read, milliseconds. */
  readonly #spansMs: number[] = [];
  /** Between the first two readings of a sensor in a step. */
  readonly #spacingsMs = new Map<string, number[]>();
  readonly #lines = new Lines((sensor, quantity): Line => ({
    sensor,
    quantity,
    steps: [],
    timesMs: [],
    values: [],
  }));
  #points = 0;

  /**
   * @param size how many entries of each step are read
   * @param usualMs milliseconds between readings of a sensor now; 0 when it is not known
   */
  constructor(grid: Grid, size: number, usualMs: (sensor: string) => number) {
    this.#grid = grid;
    this.#size = size;
    this.#usualMs = usualMs;
  }

  /** Points of all curves so far. */
  get points(): number {
    return this.#points;
  }

  /** The first entries of the next step. */
  add(entries: readonly StreamEntry[]): void {
    const step = this.#complete.length;
    const readings = entries.flatMap((entry) => seen(entry) ?? []);
    const startMs = stepStartMs(this.#grid, step);
    this.#complete.push(entries.length < this.#size);
    this.#spansMs.push((readings.at(-1)?.timeMs ?? startMs) - startMs);
    this.#space(readings);
    for (const { sensor, timeMs, quantities } of readings) {
      for (const [quantity, raw] of quantities) {
        const value = finite(raw);
        const line = value === null ? undefined : this.#lines.of(sensor, quantity);
        if (value === null || line === undefined || line.steps.at(-1) === step) continue;
        line.steps.push(step);
        line.timesMs.push(timeMs);
        line.values.push(value);
        this.#points += 1;
      }
    }
  }

  finish(): Curve[] {
    return this.#lines.all().map((line) => {
      const { sensor, quantity, steps, values } = line;
      const found: (StepValue | undefined)[] = [];
      for (const [i, step] of steps.entries()) {
        const value = values[i] ?? 0;
        found[step] = { mean: value, min: value, max: value, count: 1 };
      }
      return { sensor, quantity, points: pointsOf(this.#grid, found, this.#breaksOf(line)) };
    });
  }

  #space(readings: readonly Seen[]): void {
    const first = new Map<string, Seen>();
    const done = new Set<string>();
    for (const reading of readings) {
      const { sensor } = reading;
      const before = first.get(sensor);
      if (before === undefined) first.set(sensor, reading);
      else if (!done.has(sensor)) {
        done.add(sensor);
        const spacing = spacingMs(before, reading);
        const list = this.#spacingsMs.get(sensor);
        if (list === undefined) this.#spacingsMs.set(sensor, [spacing]);
        else list.push(spacing);
      }
    }
  }

  /** Milliseconds between readings of a sensor, as the windows show them. */
  #intervalMs(sensor: string): number {
    const spacings = this.#spacingsMs.get(sensor) ?? [];
    return median(spacings.filter((spacing) => spacing > 0)) ?? this.#usualMs(sensor);
  }

  /** The steps before which the curve is proven to have had no value for longer than 3 intervals. */
  #breaksOf({ sensor, steps, timesMs }: Line): Set<number> {
    const breaks = new Set<number>();
    const intervalMs = this.#intervalMs(sensor);
    let absentMs = 0;
    let next = 0;
    for (const [step, complete] of this.#complete.entries()) {
      if (steps[next] === step) {
        const before = absentMs + (timesMs[next] ?? 0) - stepStartMs(this.#grid, step);
        if (intervalMs > 0 && before > GAP_INTERVALS * intervalMs) breaks.add(step);
        absentMs = 0;
        next += 1;
        continue;
      }
      const spanMs = this.#spansMs[step] ?? 0;
      const proven = complete || (intervalMs > 0 && spanMs >= 1.5 * intervalMs);
      absentMs = proven ? absentMs + this.#grid.stepMs : 0;
    }
    return breaks;
  }
}
