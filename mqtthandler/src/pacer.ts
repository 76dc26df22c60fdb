/** Holds the backlog to its limits of messages and bytes per second. */
import type { Clock } from '@holdfast/kit';
import { RATE_START, rateAfter, rateWaitMs } from './core/rate.ts';
import type { RateLimits } from './core/rate.ts';

export class Pacer {
  readonly #clock: Clock;
  readonly #limits: RateLimits;
  #state = RATE_START;

  constructor(clock: Clock, limits: RateLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Resolves when a message of `bytes` may go, or `signal` aborts. */
  async pass(bytes: number, signal: AbortSignal): Promise<void> {
    const waitMs = rateWaitMs(this.#state, this.#clock.monotonicMs());
    if (waitMs > 0) await this.#clock.sleepMs(waitMs, signal);
    this.#state = rateAfter(this.#state, this.#limits, this.#clock.monotonicMs(), bytes);
  }
}
