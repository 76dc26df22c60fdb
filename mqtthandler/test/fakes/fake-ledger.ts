/** Cursor, gap records and rejected readings in memory, held to the same suite as those in Redis. */
import { compareIds } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import { gapFields } from '../../src/adapters/redis-ledger.ts';
import type { StoredProgress } from '../../src/core/progress.ts';
import type { GapRecord, Ledger } from '../../src/ports.ts';

export class FakeLedger implements Ledger {
  /** Set = every command fails with it. */
  failure: Error | undefined;
  lastId: string | null = null;
  pending: string | null = null;
  mark: string | null = null;
  readonly rejected: StreamEntry[] = [];
  /** Every value `last_id` was given, in order. */
  readonly saved: string[] = [];
  #gaps: StreamEntry[] = [];
  #lastGap = 0;

  get gapRecords(): readonly StreamEntry[] {
    return this.#gaps;
  }

  load(): Promise<{ [K in keyof StoredProgress]: string | null }> {
    return this.#run(() => ({ lastId: this.lastId, pending: this.pending, mark: this.mark }));
  }

  save(
    expected: string | null,
    next: StoredProgress,
    gaps: readonly GapRecord[] = [],
  ): Promise<boolean> {
    return this.#run(() => {
      if (this.lastId !== expected) return false;
      for (const gap of gaps) this.#addGap(gap);
      this.lastId = next.lastId;
      this.pending = next.pending;
      this.mark = next.mark;
      this.saved.push(next.lastId);
      return true;
    });
  }

  putAside(entry: StreamEntry, gap: GapRecord): Promise<void> {
    return this.#run(() => {
      this.rejected.push(entry);
      this.#addGap(gap);
    });
  }

  recordGap(gap: GapRecord): Promise<void> {
    return this.#run(() => this.#addGap(gap));
  }

  gaps(after: string, count: number): Promise<StreamEntry[]> {
    return this.#run(() => this.#gaps.filter(([id]) => compareIds(id, after) > 0).slice(0, count));
  }

  deleteGaps(ids: readonly string[]): Promise<void> {
    return this.#run(() => {
      this.#gaps = this.#gaps.filter(([id]) => !ids.includes(id));
    });
  }

  #addGap(gap: GapRecord): void {
    this.#lastGap += 1;
    this.#gaps.push([`${this.#lastGap}-0`, gapFields(gap)]);
  }

  async #run<T>(command: () => T): Promise<T> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    return command();
  }
}
