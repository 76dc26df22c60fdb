/**
 * Sparse series for long ranges: of each step only the first few entries are read, and each curve
 * takes its first value among them. Costs the same for a thousand readings and for a million.
 *
 * What a step's window proves: when the step has no more entries than were read, or the window is
 * longer than one and a half intervals of a sensor, a value that is not in it was not there. Only
 * a proven absence longer than 3 intervals breaks a line; a sensor that is merely too rare for the
 * windows is drawn with fewer points.
 */
import type { StreamEntry } from '@holdfast/redis';
import { GAP_INTERVALS, curveKey, pointsOf } from './curve.ts';
import type { Curve, StepValue } from './curve.ts';
import { stepStartMs } from './grid.ts';
import type { Grid } from './grid.ts';
import { seen, spacingMs } from './readings.ts';
import type { Seen } from './readings.ts';
import { finite, median } from './values.ts';

/** So many entries of each step are read at most. */
export const MAX_WINDOW = 32;
/** Readings of the rarest sensor that should fall into a window. */
const READINGS_WANTED = 3;
/** Sensors with a smaller part of the entries do not make the windows larger. */
const SMALLEST_SHARE = 0.1;

/** How many entries of each step to read. @param shares parts of the entries, 0 to 1, by sensor */
export function windowFor(shares: readonly number[]): number {
  const counted = shares.filter((share) => share >= SMALLEST_SHARE);
  const rarest = counted.length === 0 ? 1 : Math.min(...counted);
  return Math.min(MAX_WINDOW, Math.ceil(READINGS_WANTED / rarest));
}

interface Window {
  /** The step has no more entries than these. */
  readonly complete: boolean;
  readonly readings: readonly Seen[];
  /** From the begin of the step to the last entry read, milliseconds. */
  readonly spanMs: number;
}

interface Found {
  readonly timeMs: number;
  readonly value: number;
}

/**
 * @param windows the first entries of each step
 * @param size how many were asked for
 * @param usualMs milliseconds between readings of a sensor now; 0 when it is not known
 */
export function sampled(
  grid: Grid,
  windows: readonly (readonly StreamEntry[])[],
  size: number,
  usualMs: (sensor: string) => number,
): Curve[] {
  const read = windows.map((entries, index) => windowOf(grid, index, entries, size));
  const intervals = intervalsOf(read);
  const found = firstValues(read);
  return [...found.values()].map(({ sensor, quantity, at }) => {
    const intervalMs = intervals.get(sensor) ?? usualMs(sensor);
    const steps = at.map((one): StepValue | undefined => {
      const value = one?.value;
      return value === undefined ? undefined : { mean: value, min: value, max: value, count: 1 };
    });
    const breaks = breaksOf(grid, read, at, intervalMs);
    return { sensor, quantity, points: pointsOf(grid, steps, breaks) };
  });
}

function windowOf(
  grid: Grid,
  index: number,
  entries: readonly StreamEntry[],
  size: number,
): Window {
  const readings = entries.flatMap((entry) => seen(entry) ?? []);
  const complete = entries.length < size;
  const lastMs = readings.at(-1)?.timeMs ?? stepStartMs(grid, index);
  return { complete, readings, spanMs: lastMs - stepStartMs(grid, index) };
}

/** Milliseconds between readings of each sensor, as the windows show them: their first two. */
function intervalsOf(windows: readonly Window[]): Map<string, number> {
  const spacings = new Map<string, number[]>();
  for (const { readings } of windows) {
    const first = new Map<string, Seen>();
    const done = new Set<string>();
    for (const reading of readings) {
      const { sensor } = reading;
      const before = first.get(sensor);
      if (before === undefined) first.set(sensor, reading);
      else if (!done.has(sensor)) {
        done.add(sensor);
        const list = spacings.get(sensor);
        if (list === undefined) spacings.set(sensor, [spacingMs(before, reading)]);
        else list.push(spacingMs(before, reading));
      }
    }
  }
  const intervals = new Map<string, number>();
  for (const [sensor, list] of spacings) {
    const middle = median(list.filter((spacing) => spacing > 0));
    if (middle !== null) intervals.set(sensor, middle);
  }
  return intervals;
}

interface CurveFound {
  readonly sensor: string;
  readonly quantity: string;
  /** By step. */
  readonly at: (Found | undefined)[];
}

function firstValues(windows: readonly Window[]): Map<string, CurveFound> {
  const curves = new Map<string, CurveFound>();
  for (const [index, { readings }] of windows.entries()) {
    for (const { sensor, timeMs, quantities } of readings) {
      for (const [quantity, raw] of quantities) {
        const value = finite(raw);
        if (value === null) continue;
        const key = curveKey(sensor, quantity);
        let curve = curves.get(key);
        if (curve === undefined) {
          curve = { sensor, quantity, at: windows.map(() => undefined) };
          curves.set(key, curve);
        }
        curve.at[index] ??= { timeMs, value };
      }
    }
  }
  return curves;
}

/** The steps before which the curve is proven to have had no value for longer than 3 intervals. */
function breaksOf(
  grid: Grid,
  windows: readonly Window[],
  at: readonly (Found | undefined)[],
  intervalMs: number,
): Set<number> {
  const breaks = new Set<number>();
  let absentMs = 0;
  for (const [index, found] of at.entries()) {
    if (found !== undefined) {
      const before = absentMs + found.timeMs - stepStartMs(grid, index);
      if (intervalMs > 0 && before > GAP_INTERVALS * intervalMs) breaks.add(index);
      absentMs = 0;
      continue;
    }
    const window = windows[index];
    const proven =
      window !== undefined &&
      (window.complete || (intervalMs > 0 && window.spanMs >= 1.5 * intervalMs));
    absentMs = proven ? absentMs + grid.stepMs : 0;
  }
  return breaks;
}
