/**
 * Readings on their way to Redis, oldest first. Bounded: when the memory given to it is full, the
 * oldest is dropped and counted with the next one, which makes the loss a recorded fact (a gap with
 * sequence numbers of its own).
 *
 * States of the head (only the head is ever sent, so order and "once" need no further proof)
 * - fresh      never sent. May be dropped.
 * - claimed    an attempt is under way or has failed for certain. May not be dropped any more: its
 *              count of dropped predecessors may already stand in Redis.
 * - uncertain  an attempt ended without an answer, or the reading comes from an earlier life of the
 *              service, which may have sent it. As claimed, and sent with `retry` until it is known
 *              to be stored.
 */
import type { Reading } from '@holdfast/redis';

export interface Claim {
  readonly reading: Reading;
  /** Readings dropped between the one stored before and this one. */
  readonly skipped: number;
  /** An earlier attempt may have stored it. */
  readonly retry: boolean;
}

/** What happens to the queue: all of it in order, carried out anew, makes the same queue. */
export type PendingChange =
  /** A reading at the end; `skipped` = dropped before it. */
  | { readonly kind: 'added'; readonly reading: Reading; readonly skipped: number }
  /** The reading at this place, 0 or 1, was dropped. */
  | { readonly kind: 'dropped'; readonly index: number }
  /** So many have left at the head. */
  | { readonly kind: 'stored'; readonly count: number };

interface Item {
  readonly reading: Reading;
  skipped: number;
  /** From an earlier life of the service. */
  readonly carried: boolean;
}

export class PendingReadings {
  readonly #maxReadings: number;
  readonly #items: Item[] = [];
  #head: 'fresh' | 'claimed' | 'uncertain' = 'fresh';
  #dropped = 0;
  #stored = 0;
  /** Since they were last taken; undefined while nobody asks for them. */
  #changes: PendingChange[] | undefined;

  /**
   * @param maxReadings at least 2: a tried head and one that takes over the count of what is dropped.
   * With room for the head alone, a loss would wait for a reading to come.
   */
  constructor(maxReadings: number) {
    this.#maxReadings = maxReadings;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Readings dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Readings stored since the start. */
  get stored(): number {
    return this.#stored;
  }

  /** What an earlier life of the service has recorded, change by change, before anything else. */
  redo(change: PendingChange): void {
    switch (change.kind) {
      case 'added':
        this.#add(change.reading, change.skipped, true);
        break;
      case 'dropped':
        this.#drop(change.index);
        break;
      case 'stored':
        this.#items.splice(0, change.count);
        break;
    }
  }

  /** All of that was redone. */
  takeOver(): void {
    this.#dropped = 0;
    if (this.#items.length > 0) this.#head = 'uncertain';
    while (this.#items.length > this.#maxReadings) this.#dropOldest();
  }

  push(reading: Reading): void {
    this.#add(reading, 0, false);
    if (this.#items.length > this.#maxReadings) this.#dropOldest();
  }

  /** The head, to be sent now; undefined when there is none. */
  claim(): Claim | undefined {
    const item = this.#items[0];
    if (item === undefined) return undefined;
    if (this.#head === 'fresh') this.#head = 'claimed';
    return { reading: item.reading, skipped: item.skipped, retry: this.#head === 'uncertain' };
  }

  /** The claimed head is stored. */
  markStored(): void {
    this.#items.shift();
    this.#stored += 1;
    this.#head = this.#items[0]?.carried === true ? 'uncertain' : 'fresh';
    const last = this.#changes?.at(-1);
    if (last?.kind === 'stored') this.#changes?.pop();
    this.#changes?.push({ kind: 'stored', count: last?.kind === 'stored' ? last.count + 1 : 1 });
  }

  /** Nobody knows whether the claimed head was stored. */
  markUncertain(): void {
    this.#head = 'uncertain';
  }

  /** The queue as it is now, as changes of an empty one. Further changes are kept from now on. */
  snapshot(): readonly PendingChange[] {
    this.#changes = [];
    return this.#items.map(({ reading, skipped }) => ({ kind: 'added', reading, skipped }));
  }

  /** The changes since the snapshot, or since they were last taken. */
  takeChanges(): readonly PendingChange[] {
    const changes = this.#changes ?? [];
    this.#changes = [];
    return changes;
  }

  /** No changes are kept any more. */
  forgetChanges(): void {
    this.#changes = undefined;
  }

  #add(reading: Reading, skipped: number, carried: boolean): void {
    this.#items.push({ reading, skipped, carried });
    this.#changes?.push({ kind: 'added', reading, skipped });
  }

  #dropOldest(): void {
    this.#drop(this.#head === 'fresh' ? 0 : 1);
  }

  #drop(index: number): void {
    const [gone] = this.#items.splice(index, 1);
    if (gone === undefined) return;
    this.#changes?.push({ kind: 'dropped', index });
    this.#dropped += 1;
    const next = this.#items[index];
    if (next !== undefined) next.skipped += gone.skipped + 1;
  }
}
