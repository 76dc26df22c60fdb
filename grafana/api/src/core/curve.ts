/** Curves as they are drawn: a point per step, and a break wherever a line would invent something. */
import { stepStartMs } from './grid.ts';
import type { Grid } from './grid.ts';
import { rounded } from './values.ts';

/** Longer than so many intervals without a value is a gap. */
export const GAP_INTERVALS = 3;

/** What a step knows about a curve. */
export interface StepValue {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

export interface Point {
  readonly timeMs: number;
  /** null breaks the line. */
  readonly value: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly count: number;
}

export interface Curve {
  readonly sensor: string;
  readonly quantity: string;
  /** Ordered by time. */
  readonly points: readonly Point[];
}

export interface Frame {
  readonly mode: 'bucket' | 'sample';
  readonly grid: Grid;
  readonly curves: readonly Curve[];
}

/**
 * The points of a curve.
 * @param steps by index; undefined where there is no value
 * @param breaks steps whose value does not continue the one before
 */
export function pointsOf(
  grid: Grid,
  steps: readonly (StepValue | undefined)[],
  breaks: ReadonlySet<number>,
): Point[] {
  const points: Point[] = [];
  for (let i = 0; i < steps.length; i += 1) {
    const step = steps[i];
    if (step === undefined) continue;
    const timeMs = stepStartMs(grid, i);
    if (breaks.has(i) && points.length > 0) {
      // Between the two, whatever stands at the steps there.
      points.push({ ...NOTHING, timeMs: timeMs - Math.max(1, Math.floor(grid.stepMs / 2)) });
    }
    const [value, min, max] = [rounded(step.mean), rounded(step.min), rounded(step.max)];
    points.push({ timeMs, value, min, max, count: step.count });
  }
  return points;
}

/**
 * The curve with a break at its end when it has ended there: without one, its last value would be
 * taken for the present one.
 * @param endMs end of what is shown, now at the latest
 * @param newestMs when the quantity was measured last
 * @param intervalMs between readings of the sensor; 0 when it is not known
 */
export function withEnd(curve: Curve, endMs: number, newestMs: number, intervalMs: number): Curve {
  const last = curve.points.at(-1);
  const over = intervalMs > 0 && endMs - newestMs > GAP_INTERVALS * intervalMs;
  if (!over || last === undefined || last.value === null || last.timeMs >= endMs) return curve;
  return { ...curve, points: [...curve.points, { ...NOTHING, timeMs: endMs }] };
}

const NOTHING = { value: null, min: null, max: null, count: 0 } as const;

/** Curves of a range, by far more than anybody can tell apart; others are not drawn. */
export const MAX_CURVES = 500;

/** What is gathered for each curve, while there is room. */
export class Lines<T> {
  readonly #lines = new Map<string, T>();
  readonly #make: (sensor: string, quantity: string) => T;

  constructor(make: (sensor: string, quantity: string) => T) {
    this.#make = make;
  }

  /** The line of a quantity, made when it is new; undefined when there are too many. */
  of(sensor: string, quantity: string): T | undefined {
    const key = `${sensor}\n${quantity}`;
    const found = this.#lines.get(key);
    if (found !== undefined || this.#lines.size >= MAX_CURVES) return found;
    const made = this.#make(sensor, quantity);
    this.#lines.set(key, made);
    return made;
  }

  all(): T[] {
    return [...this.#lines.values()];
  }
}
