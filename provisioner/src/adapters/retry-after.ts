/** The `Retry-After` and `Date` headers (RFC 9110, sections 10.2.3 and 5.6.7). */
import { LONGEST_MS } from '../core/rules.ts';

/**
 * Milliseconds to wait, 30 days at most; undefined when there is no usable value. A date is read by
 * the clock of the server that sent it: ours may be wrong.
 */
export function retryAfterMs(
  header: string | undefined,
  serverMs: number | undefined,
  nowMs: number,
): number | undefined {
  const value = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(value)) return bounded(Number(value) * 1_000);
  const atMs = dateMs(value);
  return atMs === undefined ? undefined : bounded(atMs - (serverMs ?? nowMs));
}

function bounded(waitMs: number): number {
  return Math.min(Math.max(0, waitMs), LONGEST_MS);
}

/** Unix milliseconds of an HTTP date. */
export function dateMs(header: string | undefined): number | undefined {
  // Anything else would be read as a date too, a bare number for example.
  if (header === undefined || !/^[A-Z][a-z]+, \d/.test(header)) return undefined;
  const ms = Date.parse(header);
  return Number.isFinite(ms) ? ms : undefined;
}
