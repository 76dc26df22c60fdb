/**
 * Keeps the buffer within its limits (rules: core/buffer.ts) and knows how full it is.
 *
 * Giving up readings, for each destination that has still to get them: their stretch is claimed, so
 * that no lane sends it; gap records and the cursor past them are stored in one step; only then are
 * the entries removed. A crash in between leaves entries nobody waits for, never a silent loss.
 */
import type { Clock } from '@holdfast/kit';
import { FIRST_ID, compareIds, identityOf, streamIdMs } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import {
  MIN_EVICTION,
  capacityBytes,
  excessEntries,
  forecast,
  smoothed,
  trimPoint,
} from './core/buffer.ts';
import type { BufferLimits, Forecast } from './core/buffer.ts';
import { gapCount, gapsOf } from './core/gap.ts';
import { intersect } from './core/progress.ts';
import type { Stretch } from './flight.ts';
import type { Forwarder } from './forwarder.ts';
import type { BufferSize, Readings, ReadingsBuffer } from './ports.ts';

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

/** A destination, as far as the buffer is concerned. */
export type Waiting = Pick<
  Forwarder,
  'name' | 'flight' | 'tally' | 'moreWork' | 'windowReadings' | 'ensureLoaded'
>;

export interface BufferKeeperParts {
  readonly buffer: ReadingsBuffer;
  readonly readings: Readings;
  readonly clock: Clock;
  readonly limits: BufferLimits;
  readonly forwarders: readonly Waiting[];
  /** Called after readings were given up. */
  readonly onEvicted: (destination: string, count: number) => void;
  readonly redisReady: (signal: AbortSignal) => Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

const TICK_MS = 5_000;
/** A buffer that is nearly full is looked at more often. */
const BUSY_TICK_MS = 1_000;
const NEARLY_FULL = 0.9;

interface Sample {
  readonly atMs: number;
  readonly added: number;
  readonly acknowledged: number;
}

export class BufferKeeper {
  readonly #parts: BufferKeeperParts;
  #state: BufferState | undefined;
  #sample: Sample | undefined;
  readonly #exposed = new Set<Waiting>();

  constructor(parts: BufferKeeperParts) {
    this.#parts = parts;
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
      const full =
        (this.#state?.bytes ?? 0) > NEARLY_FULL * (this.#state?.capacityBytes ?? Infinity);
      await clock.sleepMs(full ? BUSY_TICK_MS : TICK_MS, signal);
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
      const full = size.bytes > capacity;
      // When memory is short the history goes before anything unacknowledged does.
      const keepMs = full ? 0 : limits.keepMs;
      const point = trimPoint(cursors, size.last[0], clock.nowMs(), { ...limits, keepMs });
      if (isBefore(size.first, point)) await buffer.trimBefore(point);
      if (full) {
        size = await buffer.measure();
        await this.#evict(excessEntries(size.entries, size.bytes, capacity));
        size = await buffer.measure();
      }
    }
    this.#state = await this.#assess(size, capacity);
  }

  /** Gives up about `count` of the oldest readings that may be given up. */
  async #evict(count: number): Promise<void> {
    if (count <= 0) return;
    const { forwarders, buffer, onEvicted } = this.#parts;
    for (const forwarder of forwarders) await this.#exposeOnce(forwarder);
    const lostBefore = forwarders.map((forwarder) => forwarder.tally.gapReadings);
    let left = count;
    while (left > 0) {
      const went = await this.#evictOldest(Math.min(left, MIN_EVICTION));
      if (went === 0) break;
      left -= went;
    }
    for (const [i, forwarder] of forwarders.entries()) {
      const lost = forwarder.tally.gapReadings - (lostBefore[i] ?? 0);
      if (lost > 0) onEvicted(forwarder.name, lost);
    }
    if (forwarders.length > 0) return;
    // Nobody waits for anything: what is too much simply goes.
    const last = await this.#lookAhead(FIRST_ID, null, count);
    if (last !== undefined) await buffer.trimBefore(last.upTo);
  }

  /** Up to where at most `count` entries go; undefined when there are none. */
  async #lookAhead(after: string, upTo: string | null, most: number): Promise<Stretch | undefined> {
    let count = 0;
    let last: string | undefined;
    for (let exhausted = false; !exhausted && count < most;) {
      const chunk = await this.#parts.readings.chunk(last ?? after, upTo, most - count);
      count += chunk.entries.length;
      last = chunk.entries.at(-1)?.[0] ?? last;
      exhausted = chunk.exhausted;
    }
    return last === undefined ? undefined : { after, upTo: last, count };
  }

  /**
   * What an earlier life of this process may have sent: at most a window from the start of each
   * range. What this life has sent it knows itself.
   */
  async #exposeOnce(forwarder: Waiting): Promise<void> {
    if (this.#exposed.has(forwarder)) return;
    const { flight, windowReadings } = forwarder;
    const starts: Stretch[] = [];
    for (const { after, upTo } of flight.progress) {
      const start = await this.#lookAhead(after, upTo, windowReadings);
      if (start !== undefined) starts.push(start);
    }
    for (const start of starts) flight.expose(start);
    this.#exposed.add(forwarder);
  }

  /** Gives up the oldest entries, for every destination that still wants them; returns how many. */
  async #evictOldest(count: number): Promise<number> {
    const { readings, buffer, forwarders } = this.#parts;
    const oldest = forwarders
      .flatMap(({ flight }) => flight.forfeitable.slice(0, 1))
      .toSorted((a, b) => compareIds(a.after, b.after))[0];
    if (oldest === undefined) return 0;
    const { entries } = await readings.chunk(oldest.after, oldest.upTo, count);
    const last = entries.at(-1);
    if (last === undefined) return 0;
    const claims = this.#claim({ after: oldest.after, upTo: last[0] });
    for (const { forwarder, stretch } of claims) {
      const lost = entries.filter(([id]) => contains(stretch, id));
      if (!(await this.#forfeit(forwarder, stretch, lost))) return 0;
    }
    if (claims.length === 0) return 0;
    await buffer.remove(entries.map(([id]) => id));
    return entries.length;
  }

  /** Claims a stretch from every destination that wants any of it; nothing if one cannot lose it. */
  #claim(whole: { after: string; upTo: string }): { forwarder: Waiting; stretch: Stretch }[] {
    const claims: { forwarder: Waiting; stretch: Stretch }[] = [];
    for (const forwarder of this.#parts.forwarders) {
      for (const part of intersect(forwarder.flight.progress, whole)) {
        const stretch = { ...part, count: 0 };
        if (forwarder.flight.reserve(stretch)) {
          claims.push({ forwarder, stretch });
          continue;
        }
        for (const claim of claims) claim.forwarder.flight.release(claim.stretch);
        return [];
      }
    }
    return claims;
  }

  async #forfeit(
    forwarder: Waiting,
    stretch: Stretch,
    entries: readonly StreamEntry[],
  ): Promise<boolean> {
    const gaps = gapsOf(entries, 'buffer_full');
    if (!(await forwarder.flight.forfeit(stretch, gaps))) return false;
    forwarder.tally.gapReadings += gapCount(gaps);
    forwarder.moreWork.ring();
    return true;
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

function contains(stretch: Stretch, id: string): boolean {
  return compareIds(id, stretch.after) > 0 && compareIds(id, stretch.upTo) <= 0;
}

function isBefore(entry: StreamEntry | undefined, id: string): boolean {
  return entry !== undefined && entry[0] !== id;
}
