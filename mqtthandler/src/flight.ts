/**
 * Progress of one destination: what is acknowledged, what is under way, and the stored cursor.
 *
 * Invariants
 * - `progress` only ever loses what was acknowledged by the destination, or is recorded as a gap.
 * - The stored cursor follows `progress`, never leads it: after a crash at any point the readings
 *   between the two are sent again, none is skipped.
 * - What is under way is not read again (`available`); when the session ends nothing is under way.
 */
import { compareIds, FIRST_ID } from '@holdfast/redis';
import type { Progress } from './core/progress.ts';
import {
  decodeProgress,
  encodeProgress,
  lowWater,
  progressFrom,
  subtract,
} from './core/progress.ts';
import type { Ledger } from './ports.ts';

/** A stretch of the stream that is being sent as one message: `(after, upTo]`. */
export interface Stretch {
  readonly after: string;
  readonly upTo: string;
  /** Readings in it. */
  readonly count: number;
}

export type LoadKind = 'stored' | 'missing' | 'unreadable';

export class Flight {
  readonly #ledger: Ledger;
  readonly #onStoreFailed: (error: unknown) => void;
  readonly #onForeignCursor: () => void;
  #progress: Progress = progressFrom(FIRST_ID);
  /** `last_id` as it stands in Redis; what a save expects to find. */
  #storedLastId: string | null = null;
  #storedPending: string | null = null;
  #underway = new Set<Stretch>();
  #saving = false;
  #dirty = false;
  #stored: Promise<void> = Promise.resolve();

  constructor(
    ledger: Ledger,
    callbacks: {
      /** The cursor could not be written; `retryStore`, or the next acknowledgement, tries again. */
      onStoreFailed: (error: unknown) => void;
      /** Somebody else has set `last_id`: `load` again. */
      onForeignCursor: () => void;
    },
  ) {
    this.#ledger = ledger;
    this.#onStoreFailed = callbacks.onStoreFailed;
    this.#onForeignCursor = callbacks.onForeignCursor;
  }

  get progress(): Progress {
    return this.#progress;
  }

  get lowWater(): string {
    return lowWater(this.#progress);
  }

  get underway(): readonly Stretch[] {
    return [...this.#underway];
  }

  /** What may be read and sent: progress without what is under way. */
  get available(): Progress {
    let available = this.#progress;
    for (const stretch of this.#underway) {
      available = subtract(available, stretch.after, stretch.upTo);
    }
    return available;
  }

  /** Reads the stored cursor and goes on from there. */
  async load(): Promise<LoadKind> {
    const stored = await this.#ledger.load();
    const decoded = decodeProgress(stored.lastId, stored.pending);
    this.#storedLastId = stored.lastId;
    this.#storedPending = stored.pending;
    this.#progress = decoded.progress;
    this.#dirty = false;
    return decoded.kind;
  }

  /** The stored cursor makes no sense: everything in the stream is still to be sent. */
  startOver(): void {
    this.#progress = progressFrom(FIRST_ID);
    this.#store();
  }

  /** Whether `last_id` in Redis is what we stored there. */
  async isOurs(): Promise<boolean> {
    if (this.#saving || this.#dirty) return true;
    const expected = this.#storedLastId;
    const stored = await this.#ledger.load();
    return stored.lastId === expected || this.#storedLastId !== expected;
  }

  /** Changes the set of ranges without sending anything: the lanes are parted. */
  replace(change: (progress: Progress) => Progress): void {
    this.#progress = change(this.#progress);
    this.#store();
  }

  claim(stretch: Stretch): void {
    this.#underway.add(stretch);
  }

  /** Not sent after all. */
  release(stretch: Stretch): void {
    this.#underway.delete(stretch);
  }

  /** Acknowledged, or recorded as lost: never sent again. */
  settle(stretch: Stretch): void {
    this.#underway.delete(stretch);
    this.skip(stretch.after, stretch.upTo);
  }

  /** Nothing is left to send in `(after, upTo]`. */
  skip(after: string, upTo: string): void {
    this.#progress = subtract(this.#progress, after, upTo);
    this.#store();
  }

  /** The session is gone: nothing is under way any more. */
  landAll(): void {
    this.#underway.clear();
  }

  /** Resolves when the stored cursor has caught up, or cannot. */
  async settled(): Promise<void> {
    await this.#stored;
  }

  /** Tries again to write what could not be written. */
  retryStore(): void {
    if (this.#dirty) this.#store();
  }

  /** One write at a time, always of the newest progress: as many writes as the card can take. */
  #store(): void {
    this.#dirty = true;
    if (!this.#saving) this.#stored = this.#storeLoop();
  }

  async #storeLoop(): Promise<void> {
    this.#saving = true;
    try {
      while (this.#dirty) {
        this.#dirty = false;
        const next = encodeProgress(this.#progress);
        if (next.lastId === this.#storedLastId && next.pending === this.#storedPending) continue;
        if (!(await this.#ledger.save(this.#storedLastId, next))) {
          this.#onForeignCursor();
          return;
        }
        this.#storedLastId = next.lastId;
        this.#storedPending = next.pending;
      }
    } catch (error) {
      this.#dirty = true;
      this.#onStoreFailed(error);
    } finally {
      this.#saving = false;
    }
  }
}

/** Whether an id lies in a stretch. */
export function contains(stretch: Stretch, id: string): boolean {
  return compareIds(id, stretch.after) > 0 && compareIds(id, stretch.upTo) <= 0;
}
