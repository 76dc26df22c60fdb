/**
 * An export: a range of the stream on its way to the destination because `send_measurements` asked.
 * Plain data; its position is stored, so that it goes on after a reconnect or a restart from the
 * last acknowledged reading.
 *
 * A message that does not get through is tried again smaller, then reading by reading; a single
 * reading that fails is skipped and counted: one that nobody can take must not cost the connection
 * for ever.
 */
import { compareIds } from '@holdfast/redis';
import { isObject } from './json.ts';
import type { JsonObject } from './json.ts';

export interface ExportJob {
  /** Record of the command (`records.ts`). */
  readonly recordKey: string;
  /** JSON of the command's id; empty without one. */
  readonly id: string;
  readonly source: string;
  readonly echo: JsonObject;
  /** Everything up to here is acknowledged or skipped; exclusive stream id. */
  readonly after: string;
  /** Inclusive stream id. */
  readonly upTo: string;
  /** Readings still to be sent; null = to the end. */
  readonly remaining: number | null;
  readonly sent: number;
  readonly skipped: number;
  /** Connections lost in a row while nothing of it was acknowledged. */
  readonly failures: number;
  /** Of its command: when it was taken, and until when its id must be remembered. */
  readonly takenMs: number;
  readonly expiresMs?: number;
}

/** One may run, these may wait. */
export const MAX_EXPORTS = 5;
const SMALLER = 10;
const SKIP_AT_FAILURES = 4;

/** How the next read of a job may be sent. */
export function exportPace(job: ExportJob, maxReadings: number): { count: number; window: number } {
  const left = job.remaining ?? Infinity;
  if (job.failures === 0) return { count: Math.min(maxReadings, left), window: Infinity };
  return { count: Math.min(job.failures === 1 ? SMALLER : 1, left), window: 1 };
}

export function isFinished(job: ExportJob): boolean {
  return job.remaining === 0 || compareIds(job.after, job.upTo) >= 0;
}

/** `count` readings up to `upTo` were acknowledged. */
export function exported(job: ExportJob, upTo: string, count: number): ExportJob {
  return { ...advanced(job, upTo, count), sent: job.sent + count, failures: 0 };
}

/** `count` readings up to `upTo` cannot be taken. */
export function skipped(job: ExportJob, upTo: string, count: number): ExportJob {
  return { ...advanced(job, upTo, count), skipped: job.skipped + count, failures: 0 };
}

/** Nothing is left in the stream. */
export function exhausted(job: ExportJob): ExportJob {
  return { ...job, after: job.upTo };
}

/** The connection went while messages were under way, the first of them with `count` readings up to `upTo`. */
export function exportFailed(job: ExportJob, upTo: string, count: number): ExportJob {
  const failures = job.failures + 1;
  if (count === 1 && failures >= SKIP_AT_FAILURES) return skipped(job, upTo, count);
  return { ...job, failures };
}

function advanced(job: ExportJob, upTo: string, count: number): ExportJob {
  const remaining = job.remaining === null ? null : Math.max(0, job.remaining - count);
  return { ...job, after: upTo, remaining };
}

/** Undefined for what no job of ours looks like: an export can be asked for again. */
export function decodeExport(text: string): ExportJob | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJob(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isJob(value: unknown): value is ExportJob {
  if (!isObject(value)) return false;
  const texts = ['recordKey', 'id', 'source', 'after', 'upTo'];
  const numbers = ['sent', 'skipped', 'failures', 'takenMs'];
  return (
    texts.every((name) => typeof value[name] === 'string') &&
    numbers.every((name) => typeof value[name] === 'number') &&
    (value['remaining'] === null || typeof value['remaining'] === 'number') &&
    isObject(value['echo'])
  );
}
