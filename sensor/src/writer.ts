/**
 * Takes pending readings to the store, one at a time: the next leaves when the one before is known
 * to be stored, so order and "exactly once" hold through every failure of Redis. One round trip each
 * is enough for some thousand readings a second (`bench`).
 */
import { backoffMs } from '@holdfast/kit';
import type { BackoffPolicy, Clock, Random } from '@holdfast/kit';
import type { Reading } from '@holdfast/redis';
import type { PendingReadings } from './core/pending.ts';
import type { AppendOutcome, ReadingStore } from './ports.ts';
import { Wakeup } from './wakeup.ts';

/** After a failed attempt; the connection itself comes back within the second. */
const RETRY: BackoffPolicy = { floorMs: 50, capMs: 2_000 };
/** A check now and then costs nothing; readings ring. */
const IDLE_MS = 60_000;

export interface WriterOptions {
  readonly pending: PendingReadings;
  readonly store: ReadingStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Told after each attempt; `skipped` = dropped readings that now stand as a gap record. */
  readonly onOutcome: (outcome: AppendOutcome, skipped: number) => void;
  /** Told after each reading that was stored, and waited for. */
  readonly onStored?: (() => Promise<void>) | undefined;
  /** Told before readings that were dropped become a gap record, and waited for. */
  readonly onLosing?: (() => Promise<void>) | undefined;
}

export class Writer {
  readonly #options: WriterOptions;
  readonly #wakeup = new Wakeup();
  #failures = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  add(reading: Reading): void {
    this.#options.pending.push(reading);
    this.#wakeup.ring();
  }

  /** Writes until `signal` aborts; an attempt under way is finished. */
  async run(signal: AbortSignal): Promise<void> {
    const { pending, store, clock, random } = this.#options;
    const stop = () => this.#wakeup.ring();
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      if (pending.size === 0) {
        await this.#wakeup.sleepMs(clock, IDLE_MS);
      } else if (await store.untilReady(signal)) {
        if (await this.#attempt()) continue;
        await clock.sleepMs(backoffMs(RETRY, this.#failures, random), signal);
      }
    }
    signal.removeEventListener('abort', stop);
  }

  /** Writes what is left, as long as every attempt succeeds and until `untilMs` (monotonic). */
  async flush(untilMs: number): Promise<void> {
    const { pending, store, clock } = this.#options;
    while (pending.size > 0 && store.ready && clock.monotonicMs() < untilMs) {
      if (!(await this.#attempt())) return;
    }
  }

  /** @returns whether the head is stored */
  async #attempt(): Promise<boolean> {
    const { pending, store, onOutcome, onStored, onLosing } = this.#options;
    const claim = pending.claim();
    if (claim === undefined) return true;
    if (claim.skipped > 0) await onLosing?.();
    const outcome = await store.append(claim.reading, claim.retry, claim.skipped);
    if (outcome.kind === 'stored') pending.markStored();
    if (outcome.kind === 'unknown') pending.markUncertain();
    this.#failures = outcome.kind === 'stored' ? 0 : this.#failures + 1;
    onOutcome(outcome, outcome.kind === 'stored' ? claim.skipped : 0);
    if (outcome.kind !== 'stored') return false;
    await onStored?.();
    return true;
  }
}

/** The code of what went wrong; undefined when nothing did. */
export function troubleOf(outcome: AppendOutcome): string | undefined {
  switch (outcome.kind) {
    case 'stored':
      return undefined;
    case 'full':
      return 'OOM';
    case 'refused':
    case 'unknown':
      return outcome.code;
  }
}
