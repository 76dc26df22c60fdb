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
import { decodeMarks, marksOf } from './core/marks.ts';
import type { Marks } from './core/marks.ts';
import { NOWHERE, take } from './core/position.ts';
import type { Part, Position } from './core/position.ts';
import { edgesOf, furthest, spansOfGaps } from './core/span.ts';
import type { Edges, Passed } from './core/span.ts';
import { Told } from './core/told.ts';
import type { Progress, StoredProgress } from './core/progress.ts';
import { covers, decodeProgress, encodeProgress, lowWater } from './core/progress.ts';
import type { GapRecord, Ledger } from './ports.ts';
import { Underway } from './underway.ts';
import type { Read, Stretch } from './underway.ts';

export type { Stretch } from './underway.ts';

/**
 * Writes of the cursor are so far apart: with one per acknowledgement a replay spends a third of its
 * time on them, and a steady stream wakes the process twice as often. A crash repeats so much more.
 */
export const SAVE_EVERY_MS = 100;

type Gaps = readonly GapRecord[];
export type LoadKind = 'stored' | 'missing' | 'unreadable';

export class Flight {
  readonly told = new Told();
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #onStoreFailed: (error: unknown) => void;
  readonly #onForeignCursor: () => void;
  #position: Position = NOWHERE;
  /** `last_id` as it stands in Redis; what a save expects to find. */
  #storedLastId: string | null = null;
  #storedPending: string | null = null;
  #storedMark: string | null = null;
  readonly #underway = new Underway();
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
    return this.#position.progress;
  }

  get lowWater(): string {
    return lowWater(this.progress);
  }

  /** The last reading of ours up to an id at which ranges begin or end, as far as it is known. */
  markAt(id: string): Passed | undefined {
    return this.#marks.get(id);
  }

  /** Also of what is under way. */
  get #marks(): Marks {
    return this.#underway.marks(this.#position.marks);
  }

  get underway(): readonly Stretch[] {
    return this.#underway.stretches;
  }

  /** What may be read and sent: progress without what is under way or about to be given up. */
  get available(): Progress {
    return this.#underway.available(this.progress);
  }

  /** What may be recorded as lost: what is available and has certainly not arrived. */
  get forfeitable(): Progress {
    return this.#underway.forfeitable(this.progress);
  }

  /** What is pending, but not to be given up: it is being sent, or may have arrived. */
  get kept(): readonly Part[] {
    return this.#underway.kept(this.progress);
  }

  /** Marks a stretch as possibly sent, by an earlier life of this process. */
  expose(stretch: Stretch, read?: Read): void {
    this.#underway.expose(stretch, this.#position.marks, read);
  }

  /** Reads the stored cursor and goes on from there. */
  async load(): Promise<LoadKind> {
    const stored = await this.#ledger.load();
    const decoded = decodeProgress(stored.lastId, stored.pending);
    this.#storedLastId = stored.lastId;
    this.#storedPending = stored.pending;
    this.#storedMark = stored.mark;
    const { progress } = decoded;
    this.#position = { progress, marks: decodeMarks(lowWater(progress), stored.mark) };
    this.#dirty = false;
    return decoded.kind;
  }

  /** The stored cursor makes no sense: everything in the stream is still to be sent. */
  startOver(): void {
    this.#position = NOWHERE;
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
    this.#position = { ...this.#position, progress: change(this.progress) };
    this.#store();
  }

  /** Sets a mark, or moves it on: the readings of ours up to there are recorded as lost. */
  note(id: string, passed: Passed): void {
    const { progress, marks } = this.#position;
    const moved = new Map(marks).set(id, furthest(marks.get(id), passed) ?? passed);
    this.#position = { progress, marks: marksOf(moved, progress) };
    this.#store();
  }

  /**
   * Takes a stretch that was read to be sent. False when it is no longer available: in the meantime
   * it was acknowledged, given up, or the cursor was set by somebody else.
   */
  claim(stretch: Stretch, read?: Read): boolean {
    if (!covers(this.available, stretch)) return false;
    this.#underway.add(stretch, this.#position.marks, read);
    return true;
  }

  /** Takes a stretch to be given up; false when it may have arrived, or is no longer available. */
  reserve(stretch: Stretch): boolean {
    if (!covers(this.forfeitable, stretch)) return false;
    this.#underway.reserve(stretch);
    return true;
  }

  /** Not sent, or given up, after all. */
  release(stretch: Stretch): void {
    this.#underway.delete(stretch);
  }

  /** Acknowledged, or recorded as lost: never sent again. `edges` of all readings of ours in it. */
  settle(stretch: Stretch, edges: Edges | undefined): void {
    this.#take(stretch, edges);
    this.#underway.delete(stretch);
    this.#store();
  }

  /** Nothing is left to send in `(after, upTo]`. */
  skip(after: string, upTo: string): void {
    this.#take({ after, upTo }, undefined);
    this.#store();
  }

  #take(part: Part, edges: Edges | undefined): void {
    this.#position = this.#without(part, edges);
  }

  #without(part: Part, edges: Edges | undefined): Position {
    return take({ progress: this.progress, marks: this.#marks }, part, edges);
  }

  /** The session is gone: nothing is under way any more, but may have arrived. */
  landAll(): void {
    this.#underway.land(this.progress);
  }

  /**
   * Gives a reserved stretch up: its loss is recorded and the cursor moved past it in one step, so
   * that after a crash it is neither sent nor recorded twice. Rejects with Redis' error; the stretch
   * is available again then. False when the cursor is no longer ours.
   *
   * @param gaps of all readings in it; `holes` are what was removed there
   */
  async forfeit(stretch: Stretch, gaps: Gaps, holes: Gaps = []): Promise<boolean> {
    while (this.#saving) await nextTurn();
    // Acknowledgements that come meanwhile are stored afterwards.
    this.#saving = true;
    let ours = false;
    try {
      const edges = edgesOf(spansOfGaps(gaps));
      const { progress, marks } = this.#without(stretch, edges);
      const next = encodeProgress(progress, marks);
      ours = await this.#ledger.save(this.#storedLastId, next, [...holes, ...gaps]);
      if (ours) {
        this.#remember(next);
        this.#take(stretch, edges);
      }
    } finally {
      this.#underway.delete(stretch);
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
    const next = encodeProgress(this.progress, this.#position.marks);
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
