/**
 * Progress of one destination: what is acknowledged, what is under way, and the stored cursor.
 *
 * Invariants
 * - `progress` only ever loses what was acknowledged by the destination, or is recorded as a gap.
 * - The stored cursor follows `progress` by `SAVE_EVERY_MS` at most, and never leads it: after a
 *   crash at any point the readings between the two are sent again, none is skipped.
 * - What is under way is not read again (`available`); when the session ends nothing is under way.
 */
import type { Clock } from '@holdfast/kit';
import { FIRST_ID } from '@holdfast/redis';
import type { Passed } from './core/span.ts';
import type { Progress, StoredProgress } from './core/progress.ts';
import {
  covers,
  decodeMark,
  decodeProgress,
  encodeProgress,
  intersect,
  lowWater,
  progressFrom,
  subtract,
} from './core/progress.ts';
import type { GapRecord, Ledger } from './ports.ts';

/** A stretch of the stream that is being sent as one message: `(after, upTo]`. */
export interface Stretch {
  readonly after: string;
  readonly upTo: string;
  /** Readings in it. */
  readonly count: number;
  /** The reading of ours at `upTo`; undefined when there is none, or when it is not known. */
  readonly passed?: Passed | undefined;
}

/**
 * Writes of the cursor are so far apart: with one per acknowledgement a replay spends a third of its
 * time on them, and a steady stream wakes the process twice as often. A crash repeats so much more.
 */
export const SAVE_EVERY_MS = 100;

export type LoadKind = 'stored' | 'missing' | 'unreadable';

export class Flight {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #onStoreFailed: (error: unknown) => void;
  readonly #onForeignCursor: () => void;
  #progress: Progress = progressFrom(FIRST_ID);
  /** `last_id` as it stands in Redis; what a save expects to find. */
  #storedLastId: string | null = null;
  #storedPending: string | null = null;
  #storedMark: string | null = null;
  /** The reading of ours at the low-water mark, if known. */
  #passed: Passed | undefined;
  #underway = new Set<Stretch>();
  /** About to be given up: not sent by anybody, whatever becomes of the session. */
  #reserved = new Set<Stretch>();
  /** Sent without an answer: the destination may have it. Sent again, but never given up. */
  #exposed: Stretch[] = [];
  /** A write is under way. */
  #saving = false;
  /** A write is due, or under way. */
  #storing = false;
  #dirty = false;
  #savedAtMs = -Infinity;
  #hurry = new AbortController();
  #stored: Promise<void> = Promise.resolve();

  constructor(
    ledger: Ledger,
    clock: Clock,
    callbacks: {
      /** The cursor could not be written; `retryStore`, or the next acknowledgement, tries again. */
      onStoreFailed: (error: unknown) => void;
      /** Somebody else has set `last_id`: `load` again. */
      onForeignCursor: () => void;
    },
  ) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#onStoreFailed = callbacks.onStoreFailed;
    this.#onForeignCursor = callbacks.onForeignCursor;
  }

  get progress(): Progress {
    return this.#progress;
  }

  get lowWater(): string {
    return lowWater(this.#progress);
  }

  /** The reading of ours that `lowWater` stands at, as far as it is known. */
  get passed(): Passed | undefined {
    return this.#passed;
  }

  get underway(): readonly Stretch[] {
    return [...this.#underway];
  }

  /** What may be read and sent: progress without what is under way or about to be given up. */
  get available(): Progress {
    let available = this.#progress;
    for (const stretch of [...this.#underway, ...this.#reserved]) {
      available = subtract(available, stretch.after, stretch.upTo);
    }
    return available;
  }

  /** What may be recorded as lost: what is available and has certainly not arrived. */
  get forfeitable(): Progress {
    let forfeitable = this.available;
    for (const { after, upTo } of this.#exposed) {
      forfeitable = subtract(forfeitable, after, upTo);
    }
    return forfeitable;
  }

  /** Marks a stretch as possibly sent, by an earlier life of this process. */
  expose(stretch: Stretch): void {
    this.#exposed.push(stretch);
  }

  /** Reads the stored cursor and goes on from there. */
  async load(): Promise<LoadKind> {
    const stored = await this.#ledger.load();
    const decoded = decodeProgress(stored.lastId, stored.pending);
    this.#storedLastId = stored.lastId;
    this.#storedPending = stored.pending;
    this.#storedMark = stored.mark;
    this.#progress = decoded.progress;
    this.#passed = decodeMark(this.lowWater, stored.mark);
    this.#dirty = false;
    return decoded.kind;
  }

  /** The stored cursor makes no sense: everything in the stream is still to be sent. */
  startOver(): void {
    this.#progress = progressFrom(FIRST_ID);
    this.#passed = undefined;
    this.#store();
  }

  /** Whether `last_id` in Redis is what we stored there. */
  async isOurs(): Promise<boolean> {
    if (this.#storing || this.#saving) return true;
    const expected = this.#storedLastId;
    const stored = await this.#ledger.load();
    return stored.lastId === expected || this.#storedLastId !== expected;
  }

  /** Changes the set of ranges without sending anything: the lanes are parted. */
  replace(change: (progress: Progress) => Progress): void {
    this.#progress = change(this.#progress);
    this.#store();
  }

  /**
   * Takes a stretch that was read to be sent. False when it is no longer available: in the meantime
   * it was acknowledged, given up, or the cursor was set by somebody else.
   */
  claim(stretch: Stretch): boolean {
    if (!covers(this.available, stretch)) return false;
    this.#underway.add(stretch);
    return true;
  }

  /** Takes a stretch to be given up; false when it may have arrived, or is no longer available. */
  reserve(stretch: Stretch): boolean {
    if (!covers(this.forfeitable, stretch)) return false;
    this.#reserved.add(stretch);
    return true;
  }

  /** Not sent, or given up, after all. */
  release(stretch: Stretch): void {
    this.#underway.delete(stretch);
    this.#reserved.delete(stretch);
  }

  /** Acknowledged, or recorded as lost: never sent again. */
  settle(stretch: Stretch): void {
    this.#underway.delete(stretch);
    this.#take(stretch);
    this.#store();
  }

  /** Nothing is left to send in `(after, upTo]`. */
  skip(after: string, upTo: string): void {
    this.#take({ after, upTo, count: 0 });
    this.#store();
  }

  #take(stretch: Stretch): void {
    const before = this.lowWater;
    this.#progress = subtract(this.#progress, stretch.after, stretch.upTo);
    if (this.lowWater === stretch.upTo) this.#passed = stretch.passed;
    else if (this.lowWater !== before) this.#passed = undefined;
  }

  /** The session is gone: nothing is under way any more, but may have arrived. */
  landAll(): void {
    const pending = (stretch: Stretch) => intersect(this.#progress, stretch).length > 0;
    this.#exposed = [...this.#exposed, ...this.#underway].filter(pending);
    this.#underway.clear();
  }

  /**
   * Gives a reserved stretch up: its loss is recorded and the cursor moved past it in one step, so
   * that after a crash it is neither sent nor recorded twice. Rejects with Redis' error; the stretch
   * is available again then. False when the cursor is no longer ours.
   */
  async forfeit(stretch: Stretch, gaps: readonly GapRecord[]): Promise<boolean> {
    while (this.#saving) await nextTurn();
    // Acknowledgements that come meanwhile are stored afterwards.
    this.#saving = true;
    let ours = false;
    try {
      const progress = subtract(this.#progress, stretch.after, stretch.upTo);
      const next = encodeProgress(progress);
      ours = await this.#ledger.save(this.#storedLastId, next, gaps);
      if (ours) {
        this.#remember(next);
        this.#take(stretch);
      }
    } finally {
      this.#reserved.delete(stretch);
      this.#saving = false;
      if (this.#dirty) this.#store();
    }
    if (!ours) this.#onForeignCursor();
    return ours;
  }

  /** Resolves when the stored cursor has caught up, at once, or cannot. */
  async settled(): Promise<void> {
    this.#hurry.abort();
    await this.#stored;
  }

  /** Tries again to write what could not be written. */
  retryStore(): void {
    if (this.#dirty) this.#store();
  }

  /** One write at a time, always of the newest progress. */
  #store(): void {
    this.#dirty = true;
    if (!this.#storing) this.#stored = this.#storeLoop();
  }

  #isStored(next: StoredProgress): boolean {
    const { lastId, pending, mark } = next;
    const same = lastId === this.#storedLastId && pending === this.#storedPending;
    return same && mark === this.#storedMark;
  }

  async #storeLoop(): Promise<void> {
    this.#storing = true;
    this.#hurry = new AbortController();
    try {
      while (this.#dirty) {
        const dueMs = this.#savedAtMs + SAVE_EVERY_MS - this.#clock.monotonicMs();
        if (dueMs > 0) await this.#clock.sleepMs(dueMs, this.#hurry.signal);
        while (this.#saving) await nextTurn();
        this.#dirty = false;
        if (!(await this.#save())) {
          this.#onForeignCursor();
          return;
        }
      }
    } catch (error) {
      this.#dirty = true;
      this.#onStoreFailed(error);
    } finally {
      this.#storing = false;
    }
  }

  /** False when the cursor is no longer ours. */
  async #save(): Promise<boolean> {
    const next = encodeProgress(this.#progress, this.#passed);
    if (this.#isStored(next)) return true;
    this.#saving = true;
    try {
      if (!(await this.#ledger.save(this.#storedLastId, next))) return false;
      this.#remember(next);
      return true;
    } finally {
      this.#savedAtMs = this.#clock.monotonicMs();
      this.#saving = false;
    }
  }

  #remember({ lastId, pending, mark }: StoredProgress): void {
    this.#storedLastId = lastId;
    this.#storedPending = pending;
    this.#storedMark = mark;
  }
}

/** Lets I/O happen. */
async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
