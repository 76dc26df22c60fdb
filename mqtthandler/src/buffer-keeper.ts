/**
 * Keeps the buffer within its limits (rules: core/buffer.ts) and knows how full it is. How readings
 * are given up when it is full: eviction.ts.
 */
import type { Clock } from '@holdfast/kit';
import { compareIds, identityOf, streamIdMs } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import {
  capacityBytes,
  excessBytes,
  forecast,
  isNearlyFull,
  smoothed,
  trimPoint,
} from './core/buffer.ts';
import type { BufferLimits, Forecast } from './core/buffer.ts';
import { Eviction } from './eviction.ts';
import type { EvictionParts } from './eviction.ts';
import type { BufferSize } from './ports.ts';

export interface BufferState extends Forecast {
  readonly entries: number;
  readonly bytes: number;
  readonly capacityBytes: number;
  readonly producedPerSecond: number;
  readonly sentPerSecond: number;
  /** Readings the slowest destination has still to get; an estimate across restarts of Redis. */
  readonly backlog: number;
  /** Age of the oldest of them by the wall clock, milliseconds; 0 when there is none. */
  readonly oldestAgeMs: number;
}

export interface BufferKeeperParts extends EvictionParts {
  readonly clock: Clock;
  readonly limits: BufferLimits;
  readonly redisReady: (signal: AbortSignal) => Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

const TICK_MS = 5_000;
/** A buffer that is nearly full is looked at more often. */
const BUSY_TICK_MS = 1_000;

interface Sample {
  readonly atMs: number;
  readonly added: number;
  readonly acknowledged: number;
}

export class BufferKeeper {
  readonly #parts: BufferKeeperParts;
  readonly #eviction: Eviction;
  #state: BufferState | undefined;
  #sample: Sample | undefined;
  #nearlyFull = false;

  constructor(parts: BufferKeeperParts) {
    this.#parts = parts;
    this.#eviction = new Eviction(parts);
  }

  /** As measured last; undefined before the first look. */
  get state(): BufferState | undefined {
    return this.#state;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, redisReady, onError } = this.#parts;
    while (!signal.aborted) {
      if (!(await redisReady(signal))) return;
      try {
        await this.tick();
      } catch (error) {
        onError(error);
      }
      await clock.sleepMs(this.#nearlyFull ? BUSY_TICK_MS : TICK_MS, signal);
    }
  }

  /** One look, and what follows from it. Rejects with Redis' error. */
  async tick(): Promise<void> {
    const { buffer, limits, clock, forwarders } = this.#parts;
    let size = await buffer.measure();
    const capacity = capacityBytes(limits, size.maxMemoryBytes);
    // A cursor not yet read from Redis says nothing about what is acknowledged.
    for (const forwarder of forwarders) await forwarder.ensureLoaded();
    if (size.last !== undefined) {
      const cursors = forwarders.map((forwarder) => forwarder.flight.lowWater);
      const full = excessBytes(size, capacity) > 0;
      // When memory is short the history goes before anything unacknowledged does.
      const keepMs = full ? 0 : limits.keepMs;
      const point = trimPoint(cursors, size.last[0], clock.nowMs(), { ...limits, keepMs });
      if (isBefore(size.first, point)) await buffer.trimBefore(point);
      if (full) size = await this.#relieve(capacity);
    }
    this.#nearlyFull = isNearlyFull(size, capacity);
    this.#state = await this.#assess(size, capacity);
  }

  /** Gives readings up until there is room, or nothing more may be given up. */
  async #relieve(capacity: number): Promise<BufferSize> {
    const { buffer } = this.#parts;
    for (;;) {
      const size = await buffer.measure();
      const excess = excessBytes(size, capacity);
      if (excess <= 0 || !(await this.#eviction.giveUp(excess))) return size;
    }
  }

  async #assess(size: BufferSize, capacity: number): Promise<BufferState> {
    const { clock, forwarders } = this.#parts;
    const atMs = clock.monotonicMs();
    const acknowledged = Math.min(
      ...forwarders.map((f) => f.tally.acknowledgedReadings),
      Number.MAX_SAFE_INTEGER,
    );
    const before = this.#sample;
    this.#sample = { atMs, added: size.added, acknowledged };
    const elapsedMs = before === undefined ? 0 : atMs - before.atMs;
    const rate = (now: number, then: number | undefined, previous: number | undefined) => {
      if (then === undefined || elapsedMs <= 0) return 0;
      return smoothed(previous, (Math.max(0, now - then) * 1_000) / elapsedMs, elapsedMs);
    };
    const last = this.#state;
    const producedPerSecond = rate(size.added, before?.added, last?.producedPerSecond);
    const sentPerSecond = rate(acknowledged, before?.acknowledged, last?.sentPerSecond);
    const { backlog, oldestAgeMs } = await this.#backlog(size);
    const perReading = size.entries === 0 ? 0 : size.bytes / size.entries;
    return {
      entries: size.entries,
      bytes: size.bytes,
      capacityBytes: capacity,
      producedPerSecond,
      sentPerSecond,
      backlog,
      oldestAgeMs,
      ...forecast(backlog, perReading, capacity, producedPerSecond, sentPerSecond),
    };
  }

  /** The longest backlog of all destinations. */
  async #backlog(size: BufferSize): Promise<{ backlog: number; oldestAgeMs: number }> {
    const { clock, forwarders, buffer } = this.#parts;
    let backlog = 0;
    let oldestAgeMs = 0;
    for (const forwarder of forwarders) {
      const after = forwarder.flight.lowWater;
      if (size.last === undefined || compareIds(size.last[0], after) <= 0) continue;
      const oldest = await buffer.firstAfter(after);
      if (oldest === undefined) continue;
      backlog = Math.max(backlog, countFrom(oldest, size));
      oldestAgeMs = Math.max(oldestAgeMs, clock.nowMs() - streamIdMs(oldest[0]));
    }
    return { backlog, oldestAgeMs };
  }
}

/**
 * Entries from `oldest` to the newest: by sequence numbers within one life of the buffer, else by
 * the share of time, which is an estimate.
 */
function countFrom(oldest: StreamEntry, size: BufferSize): number {
  const { first, last, entries } = size;
  if (first === undefined || last === undefined) return 0;
  const from = identityOf(oldest[1]);
  const to = identityOf(last[1]);
  if (from !== undefined && to !== undefined && from.epoch === to.epoch)
    return to.seq - from.seq + 1;
  const wholeMs = streamIdMs(last[0]) - streamIdMs(first[0]);
  const partMs = streamIdMs(last[0]) - streamIdMs(oldest[0]);
  return wholeMs <= 0 ? entries : Math.max(1, Math.round((entries * partMs) / wholeMs));
}

function isBefore(entry: StreamEntry | undefined, id: string): boolean {
  return entry !== undefined && entry[0] !== id;
}
