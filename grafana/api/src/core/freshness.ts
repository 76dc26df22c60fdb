/** How old a reading may be before somebody should look. */
import type { FRESHNESS } from './contract/index.ts';

export type Freshness = (typeof FRESHNESS)[number];

const LATE_INTERVALS = 3;
const OLD_INTERVALS = 10;
/** Slack for a reading on its way, and for a fast sensor that had to wait for a slow one. */
const SLACK_MS = 2_000;
const OLD_MS = 60_000;

/** @param intervalMs null = not known, then only the age counts */
export function freshness(
  ageMs: number | null,
  intervalMs: number | null,
  measuring: boolean,
): Freshness {
  const interval = intervalMs ?? 0;
  const late = ageMs === null || ageMs > LATE_INTERVALS * interval + SLACK_MS;
  if (!late) return 'fresh';
  if (!measuring) return 'paused';
  return ageMs !== null && ageMs <= Math.max(OLD_INTERVALS * interval, OLD_MS) ? 'late' : 'old';
}
