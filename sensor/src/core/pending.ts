/**
 * Readings on their way to Redis, oldest first. Bounded: when the memory given to it is full, the
 * oldest is dropped and counted with the next one, which makes the loss a recorded fact (a gap with
 * sequence numbers of its own).
 *
 * States of the head (only the head is ever sent, so order and "once" need no further proof)
 * - fresh      never sent. May be dropped.
 * - claimed    an attempt is under way or has failed for certain. May not be dropped any more: its
 *              count of dropped predecessors may already stand in Redis.
 * - uncertain  an attempt ended without an answer. As claimed, and sent with `retry` until it is
 *              known to be stored.
 */
import type { Reading } from '@holdfast/redis';

export interface Claim {
  readonly reading: Reading;
  /** Readings dropped between the one stored before and this one. */
  readonly skipped: number;
  /** An earlier attempt may have stored it. */
  readonly retry: boolean;
}

interface Item {
  readonly reading: Reading;
  skipped: number;
}

export class PendingReadings {
  readonly #maxReadings: number;
  readonly #items: Item[] = [];
  #head: 'fresh' | 'claimed' | 'uncertain' = 'fresh';
  /** Dropped readings that have no successor yet. */
  #skippedLast = 0;
  #dropped = 0;

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

  push(reading: Reading): void {
    this.#items.push({ reading, skipped: this.#skippedLast });
    this.#skippedLast = 0;
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
  stored(): void {
    this.#items.shift();
    this.#head = 'fresh';
  }

  /** Nobody knows whether the claimed head was stored. */
  uncertain(): void {
    this.#head = 'uncertain';
  }

  #dropOldest(): void {
    const index = this.#head === 'fresh' ? 0 : 1;
    const [gone] = this.#items.splice(index, 1);
    if (gone === undefined) return;
    this.#dropped += 1;
    const next = this.#items[index];
    if (next === undefined) this.#skippedLast += gone.skipped + 1;
    else next.skipped += gone.skipped + 1;
  }
}
