/**
 * Readings that a killed Redis has answered for and lost all the same. With `appendfsync everysec`
 * Redis puts off writing to its file while an earlier fsync is under way, for up to 2 s (redis.conf,
 * "appendfsync"): what it has acknowledged meanwhile goes with the process. Whoever appended it still
 * knows it, and puts it back under the number it had: a receiver that got it already drops it.
 *
 * Only the end of the file can be lost, so everything after the newest survivor is missing. Nobody
 * else numbers readings, so looking and writing need not be one step; the writing is (MULTI).
 */
import type { Clock } from '@holdfast/kit';
import type { Redis } from './connection.ts';
import { KEYS } from './keys.ts';
import { fieldOf, identityOf } from './reading.ts';
import type { GapOfOurs } from './reading.ts';

/**
 * Longer than Redis puts off writing, with room for a slow card. Counted back from the newest reading,
 * not from now: that answer is the last sign of a Redis that was still writing, however long it hung
 * before it was killed, and however long it is away.
 */
const KEEP_MS = 10_000;
/** A Redis that stood longer behind its last reading than it can hang has written it. */
const HUNG_MS = 60_000;
const KEEP_READINGS = 2_000;
/** How far the newest survivor is searched among entries of other programs. */
const SEARCH = { pages: 20, entries: 500 };

interface Identity {
  readonly epoch: string;
  readonly seq: number;
}

export interface StoredReading extends Identity {
  /** As given to the append, without `_epoch` and `_seq`. */
  readonly fields: readonly string[];
  /** Readings recorded as a gap just before this one. */
  readonly skipped: number;
}

interface Kept extends StoredReading {
  readonly atMs: number;
}

/** The readings stored last, oldest first. */
export class RecentReadings {
  #kept: Kept[] = [];
  #brokenMs: number | undefined;

  /** @param nowMs on a monotonic clock */
  add(stored: StoredReading, nowMs: number): void {
    this.#kept.push({ ...stored, atMs: nowMs });
    this.#brokenMs = undefined;
    // In batches: shifting a long array once for each reading would cost more than the reading.
    if (this.#kept.length >= 2 * KEEP_READINGS) this.#prune();
  }

  /** The connection has broken: only the first time after a reading tells how long that one had. */
  broken(nowMs: number): void {
    this.#brokenMs ??= nowMs;
  }

  /** Forgets what was on the card for certain when the newest was stored, or the connection broke. */
  #prune(): void {
    const newestMs = this.#kept.at(-1)?.atMs ?? 0;
    const oldestMs = Math.max(newestMs - KEEP_MS, (this.#brokenMs ?? newestMs) - HUNG_MS);
    this.#kept = this.#kept.filter(({ atMs }) => atMs >= oldestMs).slice(-KEEP_READINGS);
  }

  /**
   * Puts back what the Redis at the other end has lost; returns how many readings. Rejects as Redis
   * does and can then simply be called again.
   * @param clock monotonic
   */
  async restore(
    redis: Redis,
    reason: GapOfOurs['reason'],
    clock: Pick<Clock, 'monotonicMs'>,
  ): Promise<number> {
    this.#prune();
    if (this.#kept.length === 0) return 0;
    const survivor = await newestSurvivor(redis);
    const missing = after(this.#kept, survivor);
    if (missing.length === 0) return 0;
    const transaction = redis.multi();
    let before = survivor;
    for (const one of missing) {
      for (const entry of entriesOf(one, before, reason)) {
        transaction.xadd(KEYS.values.key, '*', ...entry);
      }
      before = one;
    }
    // Rejects when Redis refuses the whole, for want of memory for example.
    await transaction.exec();
    // This Redis may be killed before it has written them, as the one before was.
    const atMs = clock.monotonicMs();
    this.#kept = [
      ...this.#kept.slice(0, -missing.length),
      ...missing.map((one) => ({ ...one, atMs })),
    ];
    this.#brokenMs = undefined;
    return missing.length;
  }
}

/** What comes after the survivor in the order of storing. */
function after(kept: readonly Kept[], survivor: Identity | undefined): readonly Kept[] {
  if (survivor === undefined) return kept;
  const { epoch, seq } = survivor;
  const index = kept.findLastIndex((one) => one.epoch === epoch && one.seq <= seq);
  return kept.slice(index + 1);
}

/** The stream entries of a reading: its gap record, if it had one, and itself. */
function entriesOf(
  one: StoredReading,
  before: Identity | undefined,
  reason: GapOfOurs['reason'],
): string[][] {
  const { epoch, seq, skipped, fields } = one;
  const entries: string[][] = [];
  if (skipped > 0) {
    const gap: GapOfOurs = {
      from_seq: seq - skipped,
      to_seq: seq - 1,
      count: skipped,
      reason,
    };
    entries.push(['_epoch', epoch, '_gap', JSON.stringify(gap)]);
  }
  const previous =
    before !== undefined && seq - skipped === 1
      ? ['_previous_epoch', before.epoch, '_previous_seq', String(before.seq)]
      : [];
  entries.push(['_epoch', epoch, '_seq', String(seq), ...previous, ...fields]);
  return entries;
}

async function newestSurvivor(redis: Redis): Promise<Identity | undefined> {
  let newest = '+';
  for (let page = 0; page < SEARCH.pages; page += 1) {
    const entries = await redis.xrevrange(KEYS.values.key, newest, '-', 'COUNT', SEARCH.entries);
    for (const [, fields] of entries) {
      const identity = identityOf(fields) ?? gapEnd(fields);
      if (identity !== undefined) return identity;
    }
    const last = entries.at(-1);
    if (last === undefined) return undefined;
    newest = `(${last[0]}`;
  }
  return undefined;
}

/** The last number a gap record stands for. */
function gapEnd(fields: readonly string[]): Identity | undefined {
  const epoch = fieldOf(fields, '_epoch');
  const to = /"to_seq":(\d+)/.exec(fieldOf(fields, '_gap') ?? '')?.[1];
  return epoch === undefined || to === undefined ? undefined : { epoch, seq: Number(to) };
}
