/** Curves as the charts want them: one axis, gaps as gaps, and the same in words. */
import { measured } from './show.ts';
import type { CurveColumns, Curves } from './rows.ts';

/** null breaks a line, undefined does not. */
export type Sparse = (number | null | undefined)[];

/**
 * All places without a value between two values are null when one of them is a break: the chart
 * leaves out what lies between the neighbours of a null, and these may belong to other sensors.
 */
function sparse(values: readonly (number | null)[], breaks: ReadonlySet<number>): Sparse {
  const result: Sparse = values.map((value) => value ?? undefined);
  for (const at of breaks) {
    for (let i = at; i >= 0 && typeof values[i] !== 'number'; i -= 1) result[i] = null;
    for (let i = at; i < values.length && typeof values[i] !== 'number'; i += 1) result[i] = null;
  }
  return result;
}

export interface Plot {
  readonly quantity: string;
  readonly label: string;
  readonly unit: string;
  /** Unix milliseconds. */
  readonly time: readonly number[];
  readonly lines: readonly {
    readonly sensor: string;
    readonly value: Sparse;
    /** Empty without a band. */
    readonly min: Sparse;
    readonly max: Sparse;
  }[];
}

/** One plot per quantity, with a line per sensor. */
export function plotsOf({ time, curves }: Curves): Plot[] {
  const plots = new Map<string, Plot & { lines: Plot['lines'][number][] }>();
  for (const curve of curves) {
    const { quantity, label, unit, sensor } = curve;
    const breaks = new Set(curve.breaks);
    let plot = plots.get(quantity);
    if (plot === undefined)
      plots.set(quantity, (plot = { quantity, label, unit, time, lines: [] }));
    const [min, max] = [sparse(curve.min, breaks), sparse(curve.max, breaks)];
    plot.lines.push({ sensor, value: sparse(curve.value, breaks), min, max });
  }
  return [...plots.values()];
}

/** What a plot shows, for those who do not see it. */
export function plotWords({ label, unit, lines }: Plot): string {
  const parts = lines.map(({ sensor, value }) => {
    const known = value.filter((one) => typeof one === 'number');
    const gaps = value.filter((one, i) => one === null && value[i - 1] !== null).length;
    const last = known.at(-1);
    if (last === undefined) return `${sensor}: no values`;
    const show = (one: number) => measured(one, unit).join(' ').trim();
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const broken = gaps === 0 ? '' : `, ${gaps} ${gaps === 1 ? 'gap' : 'gaps'}`;
    return `${sensor}: ${show(low)} to ${show(high)}, last ${show(last)}${broken}`;
  });
  return `${label}. ${parts.join('. ')}`;
}

const SPARK = { width: 200, height: 34, pad: 3 };

export interface Spark {
  /** SVG paths in a box of 200 x 34. */
  readonly line: string;
  readonly area: string;
}

/** A curve as a small picture; undefined with less than two values. */
export function sparkOf({ time, from, to }: Curves, curve: CurveColumns): Spark | undefined {
  const breaks = new Set(curve.breaks);
  const known = curve.value.filter((value) => value !== null);
  if (known.length < 2) return undefined;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const { width, height, pad } = SPARK;
  // A value that hardly moves is a calm line, not noise blown up.
  const span = Math.max(high - low, Math.abs(high) * 1e-3, 1e-6);
  const middle = (low + high) / 2;
  const x = (timeMs: number) => ((timeMs - from) / Math.max(1, to - from)) * width;
  const y = (value: number) => height / 2 - ((value - middle) / span) * (height - 2 * pad);
  const runs: (readonly [number, number])[][] = [[]];
  for (const [index, value] of curve.value.entries()) {
    if (breaks.has(index)) runs.push([]);
    if (value !== null) runs.at(-1)?.push([x(time[index] ?? from), y(value)]);
  }
  const paths = runs.filter((run) => run.length > 0).map(pathOf);
  return {
    line: paths.map(({ line }) => line).join(''),
    area: paths.map(({ area }) => area).join(''),
  };
}

function pathOf(run: readonly (readonly [number, number])[]): Spark {
  const points = run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
  // A single value between two gaps is a dash that can be seen.
  const line = `M${points.join('L')}${points.length === 1 ? 'h1.5' : ''}`;
  const [first, last] = [run[0]?.[0] ?? 0, run.at(-1)?.[0] ?? 0];
  const area = `M${first.toFixed(1)} ${SPARK.height}L${points.join('L')}L${last.toFixed(1)} ${SPARK.height}Z`;
  return { line, area };
}

const two = (value: number) => String(value).padStart(2, '0');
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** Marks of the axis of time, in the viewer's time zone. @param spacingMs between two marks */
export function timeMarks(times: readonly number[], spacingMs: number): string[] {
  return times.map((ms) => {
    const date = new Date(ms);
    const day = `${date.getDate()} ${MONTHS[date.getMonth()] ?? ''}`;
    if (spacingMs >= 86_400_000) return day;
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
    if (spacingMs < 60_000) return `${clock}:${two(date.getSeconds())}`;
    return clock === '00:00' ? day : clock;
  });
}

/** `14:03:22`, with the day when it is another one. */
export function clockTime(ms: number, nowMs: number): string {
  const [date, now] = [new Date(ms), new Date(nowMs)];
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const sameDay = date.toDateString() === now.toDateString();
  return sameDay ? clock : `${date.getDate()} ${MONTHS[date.getMonth()] ?? ''} ${clock}`;
}
