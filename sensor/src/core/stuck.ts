/**
 * A chip whose raw numbers never change. Some chips have so much noise that the same numbers again
 * and again mean a dead converter, not a quiet room; others legitimately repeat themselves (darkness,
 * no load, a coarse step) and are not judged unless the user asks for it.
 */

export interface StuckRule {
  /** Identical readings, one after the other, that mean stuck; 0 = never. */
  readonly readings: number;
  /** They must also span this time. */
  readonly spanMs: number;
}

export interface Repetition {
  readonly raw: string;
  readonly count: number;
  readonly sinceMs: number;
}

/** For noisy chips, unless the user says otherwise: ten minutes at the default interval. */
export const STUCK_BY_DEFAULT: StuckRule = { readings: 120, spanMs: 600_000 };
export const NEVER_STUCK: StuckRule = { readings: 0, spanMs: 0 };

/** The rule for a sensor: what the user says counts by readings alone. */
export function stuckRule(noisy: boolean, stuckAfter: number | undefined): StuckRule {
  if (stuckAfter !== undefined) return { readings: stuckAfter, spanMs: 0 };
  return noisy ? STUCK_BY_DEFAULT : NEVER_STUCK;
}

/** @param raw the reading's numbers as the chip gave them; undefined = not to be compared */
export function repeated(
  before: Repetition | undefined,
  raw: readonly number[] | undefined,
  nowMs: number,
): Repetition | undefined {
  if (raw === undefined) return before;
  const text = raw.join();
  if (before?.raw === text) return { ...before, count: before.count + 1 };
  return { raw: text, count: 1, sinceMs: nowMs };
}

export function isStuck(
  repetition: Repetition | undefined,
  rule: StuckRule,
  nowMs: number,
): boolean {
  if (repetition === undefined || rule.readings === 0) return false;
  return repetition.count >= rule.readings && nowMs - repetition.sinceMs >= rule.spanMs;
}
