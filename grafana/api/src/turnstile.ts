/**
 * Expensive questions one after the other, and a rest as long as the work was: whatever is asked,
 * Redis keeps most of its time for the services that write.
 */
import type { Clock } from '@holdfast/kit';
import { Refusal } from './core/query.ts';

const MAX_WAITING = 32;
/** Longer work waited for its turn on a busy machine more than it worked. */
const MAX_REST_MS = 200;

export class Turnstile {
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws Refusal when too many are waiting */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING) {
      throw new Refusal(429, 'busy', 'too many different ranges are being asked for', 2);
    }
    this.#waiting += 1;
    const turn = this.#last.then(async () => {
      this.#waiting -= 1;
      const startMs = this.#clock.monotonicMs();
      const done = work();
      const settled = done.then(
        () => undefined,
        () => undefined,
      );
      return { done, rested: settled.then(async () => this.#rest(startMs)) };
    });
    this.#last = turn.then(async ({ rested }) => rested);
    const { done } = await turn;
    return done;
  }

  async #rest(startMs: number): Promise<void> {
    const workedMs = this.#clock.monotonicMs() - startMs;
    if (workedMs > 0) await this.#clock.sleepMs(Math.min(MAX_REST_MS, workedMs));
  }
}
