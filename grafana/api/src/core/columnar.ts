/** Curves as columns over one common axis, as the page draws them: a third of the size of rows. */
import type { Curve, Frame } from './curve.ts';
import { gridEndMs } from './grid.ts';
import { describe } from './units.ts';

export interface ColumnarCurve {
  readonly sensor: string;
  readonly quantity: string;
  readonly label: string;
  readonly unit: string;
  /** One per time; null where the curve has no value. */
  readonly value: readonly (number | null)[];
  readonly min: readonly (number | null)[];
  readonly max: readonly (number | null)[];
  /** Positions at which the line is broken; at others without a value it goes on. */
  readonly breaks: readonly number[];
}

export interface Columnar {
  readonly mode: Frame['mode'];
  readonly from: number;
  readonly to: number;
  readonly step_ms: number;
  readonly time: readonly number[];
  readonly curves: readonly ColumnarCurve[];
}

export function columnar(frame: Frame, curves: readonly Curve[]): Columnar {
  const times = new Set<number>();
  for (const { points } of curves) for (const { timeMs } of points) times.add(timeMs);
  const time = [...times].sort((a, b) => a - b);
  const position = new Map(time.map((timeMs, index) => [timeMs, index]));
  return {
    mode: frame.mode,
    from: frame.grid.fromMs,
    to: gridEndMs(frame.grid),
    step_ms: frame.grid.stepMs,
    time,
    curves: curves.map((curve) => columns(curve, position, time.length, frame.mode === 'bucket')),
  };
}

function columns(
  { sensor, quantity, points }: Curve,
  position: ReadonlyMap<number, number>,
  length: number,
  banded: boolean,
): ColumnarCurve {
  const empty = () => Array.from({ length }, (): number | null => null);
  const [value, min, max] = [empty(), empty(), empty()];
  const breaks: number[] = [];
  for (const point of points) {
    const at = position.get(point.timeMs);
    if (at === undefined) continue;
    if (point.value === null) breaks.push(at);
    [value[at], min[at], max[at]] = [point.value, point.min, point.max];
  }
  const { label, unit } = describe(quantity);
  // A sample has no band: its bounds are its value.
  const band = banded ? { min, max } : { min: [], max: [] };
  return { sensor, quantity, label, unit, value, ...band, breaks };
}
