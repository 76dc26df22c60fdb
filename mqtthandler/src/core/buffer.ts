/**
 * The buffer's size: what is removed from the stream, and when.
 *
 * - Acknowledged by every destination that is switched on, and older than BUFFER_KEEP_HOURS: removed.
 * - More memory than BUFFER_MAX_MB, or Redis near its own limit: acknowledged readings go first, whatever their age; then the
 *   oldest unacknowledged ones, each recorded in a gap record (contract, section 3).
 * - Readings that may already have reached a destination (sent, not yet acknowledged) are never
 *   given up: they would be delivered and recorded as lost.
 */
import { compareIds } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import type { BufferSize } from '../ports.ts';

/** Evicting goes on until the buffer is this full: not again at the next reading. */
const EVICT_TO = 0.95;
/** Redis refuses writes at its own limit; we stay below it with room for its other data. */
const SHARE_OF_REDIS = 0.7;
/** Redis with this share of its memory in use is full for us: it would refuse the newest readings. */
const REDIS_FULL = 0.95;
const REDIS_EVICT_TO = 0.93;
const NEARLY_FULL = 0.9;

/** What the buffer and Redis as a whole take up (`BufferSize`). */
export type Occupancy = Pick<BufferSize, 'bytes' | 'usedMemoryBytes' | 'maxMemoryBytes'>;

export interface BufferLimits {
  readonly maxBytes: number;
  readonly keepMs: number;
}

/** What the buffer may really use: less than configured when Redis has less. 0 = no limit there. */
export function capacityBytes(limits: BufferLimits, redisMaxMemoryBytes: number): number {
  if (redisMaxMemoryBytes === 0) return limits.maxBytes;
  return Math.min(limits.maxBytes, Math.floor(redisMaxMemoryBytes * SHARE_OF_REDIS));
}

/**
 * Everything before this id may be removed: acknowledged by all, and old. The entry at a cursor
 * stays, because the next one is checked against its sequence number.
 * @param cursors what each destination has acknowledged; none = nobody waits for anything
 */
export function trimPoint(
  cursors: readonly string[],
  newestId: string,
  nowMs: number,
  limits: BufferLimits,
): string {
  const old = `${Math.max(0, Math.floor(nowMs - limits.keepMs))}-0`;
  return [...cursors, newestId, old].reduce((a, b) => (compareIds(a, b) <= 0 ? a : b));
}

/**
 * How many bytes of the buffer must go; 0 when it is within its limit, and Redis has room. What other
 * keys take of Redis is not ours to remove, but for new readings the oldest make room all the same.
 */
export function excessBytes(size: Occupancy, capacity: number): number {
  const { bytes, usedMemoryBytes: used, maxMemoryBytes: most } = size;
  const own = bytes > capacity ? bytes - capacity * EVICT_TO : 0;
  const short = most > 0 && used > most * REDIS_FULL ? used - most * REDIS_EVICT_TO : 0;
  return Math.ceil(Math.min(bytes, Math.max(own, short)));
}

/** Whether the buffer, or Redis, is so full that it should be looked at often. */
export function isNearlyFull(size: Occupancy, capacity: number): boolean {
  const { bytes, usedMemoryBytes: used, maxMemoryBytes: most } = size;
  return bytes > NEARLY_FULL * capacity || (most > 0 && used > NEARLY_FULL * most);
}

/** About what an entry takes in Redis, bytes. */
export function entryBytes([, fields]: StreamEntry): number {
  return fields.reduce((sum, text) => sum + text.length + 2, 16);
}

export interface Forecast {
  /** Until the buffer is full at the present rate; Infinity when it does not grow. */
  readonly fullInSeconds: number;
  /** Until the backlog is sent at the present speed; Infinity when it does not shrink. */
  readonly drainedInSeconds: number;
}

/**
 * @param backlog readings not yet acknowledged by the slowest destination
 * @param producedPerSecond readings added, @param sentPerSecond readings acknowledged
 */
export function forecast(
  backlog: number,
  bytesPerReading: number,
  capacity: number,
  producedPerSecond: number,
  sentPerSecond: number,
): Forecast {
  const growth = producedPerSecond - sentPerSecond;
  const room = Math.max(0, capacity - backlog * bytesPerReading);
  const fullInSeconds = growth > 0 ? room / (growth * bytesPerReading) : Infinity;
  if (backlog === 0) return { fullInSeconds, drainedInSeconds: 0 };
  return { fullInSeconds, drainedInSeconds: growth < 0 ? backlog / -growth : Infinity };
}

/** A rate that follows changes within some seconds without jumping: exponential moving average. */
export function smoothed(previous: number | undefined, sample: number, elapsedMs: number): number {
  if (previous === undefined) return sample;
  const weight = 1 - Math.exp(-elapsedMs / SMOOTHING_MS);
  return previous + weight * (sample - previous);
}

const SMOOTHING_MS = 10_000;
