/**
 * The steps of a series. Steps have round lengths and begin at round times, and so do ranges: what
 * viewers with slightly different ranges and widths ask for becomes the same question, and is
 * answered once.
 */

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];

/** Round lengths, milliseconds; the longest one fits any range a few hundred times. */
const STEPS_MS = [
  100,
  200,
  500,
  ...[1, 2, 3, 5, 10, 15, 20, 30].map((n) => n * SECOND),
  ...[1, 2, 3, 5, 10, 15, 20, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200].map((n) => n * DAY),
];

export interface Grid {
  readonly fromMs: number;
  readonly stepMs: number;
  readonly steps: number;
}

/** The shortest round step with which the range has at most `points` steps. */
export function stepMsFor(rangeMs: number, points: number): number {
  return STEPS_MS.find((step) => step * points >= rangeMs) ?? 1_000 * DAY;
}

/**
 * The grid of a range; covers all of it, with some steps more than `points` at its ends.
 * @param shareMs ranges that begin and end within the same so many milliseconds share a grid
 */
export function gridOf(fromMs: number, toMs: number, points: number, shareMs: number): Grid {
  const stepMs = stepMsFor(toMs - fromMs, points);
  const unitMs = Math.max(1, Math.ceil(shareMs / stepMs)) * stepMs;
  const begin = Math.floor(fromMs / unitMs) * unitMs;
  const end = Math.max(begin + unitMs, Math.ceil(toMs / unitMs) * unitMs);
  return { fromMs: begin, stepMs, steps: Math.round((end - begin) / stepMs) };
}

/** A grid may have some steps more than were asked for. */
const SLACK = 4;

/** The grid itself when it has at most so many steps, else about the same range with longer ones. */
export function coarser(grid: Grid, maxSteps: number, shareMs: number): Grid {
  if (grid.steps <= maxSteps) return grid;
  const points = Math.max(2, Math.floor(maxSteps) - SLACK);
  return gridOf(grid.fromMs, gridEndMs(grid), points, shareMs);
}

export const gridKey = ({ fromMs, stepMs, steps }: Grid) => `${fromMs}+${steps}x${stepMs}`;
export const gridEndMs = ({ fromMs, stepMs, steps }: Grid) => fromMs + steps * stepMs;
export const stepStartMs = ({ fromMs, stepMs }: Grid, index: number) => fromMs + index * stepMs;

/** Which step a time falls into; undefined outside. */
export function stepOf(grid: Grid, timeMs: number): number | undefined {
  const index = Math.floor((timeMs - grid.fromMs) / grid.stepMs);
  return index >= 0 && index < grid.steps ? index : undefined;
}
