/**
 * Waiting between attempts. Cap first, then spread upwards by 1 to 1.5: the floor holds for every
 * attempt and a whole fleet that has reached the cap is still spread out. (Capping after the random
 * part makes all devices at the cap retry in step.)
 */
import type { Random } from './clock.ts';

export interface BackoffPolicy {
  /** Wait before the second attempt, milliseconds; never waits less. */
  readonly floorMs: number;
  /** Largest wait before the random spread, milliseconds; a cap below the floor is the floor. */
  readonly capMs: number;
}

/** The random spread: a delay is multiplied by a factor from 1 to this. */
export const SPREAD = 1.5;

/**
 * Delay before the next attempt.
 * @param attempt failed attempts so far, counted from 1
 * @returns milliseconds, `floorMs <= delay < capMs * SPREAD`
 */
export function backoffMs(policy: BackoffPolicy, attempt: number, random: Random): number {
  const doublings = Math.min(Math.max(0, attempt - 1), 52);
  const capMs = Math.max(policy.floorMs, policy.capMs);
  const cappedMs = Math.min(capMs, policy.floorMs * 2 ** doublings);
  return cappedMs * (1 + (SPREAD - 1) * random.next());
}
