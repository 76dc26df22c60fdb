/**
 * Holds all messages of one destination below a rate, whatever lane they come from; the live lane
 * goes first. The debt outlives a session: a new connection is no new allowance.
 */
import type { Clock } from '@holdfast/kit';
import { RATE_START, rateAfter, rateWaitMs } from './core/rate.ts';

export class SendGate {
  readonly #clock: Clock;
  readonly #messagesPerSecond: () => number;
  #state = RATE_START;
  #liveWaiting = 0;

  /** @param messagesPerSecond asked anew for each message */
  constructor(clock: Clock, messagesPerSecond: () => number) {
    this.#clock = clock;
    this.#messagesPerSecond = messagesPerSecond;
  }

  /** Resolves when a message may go, or `signal` aborts. */
  async pass(live: boolean, signal: AbortSignal): Promise<void> {
    if (live) this.#liveWaiting += 1;
    try {
      for (;;) {
        const waitMs = this.#waitMs(live);
        if (waitMs <= 0) break;
        // Whole milliseconds: less than a clock can tell is no time.
        await this.#clock.sleepMs(Math.ceil(waitMs), signal);
        if (signal.aborted) return;
      }
      const limits = { messagesPerSecond: this.#messagesPerSecond(), bytesPerSecond: Infinity };
      this.#state = rateAfter(this.#state, limits, this.#clock.monotonicMs(), 0);
    } finally {
      if (live) this.#liveWaiting -= 1;
    }
  }

  #waitMs(live: boolean): number {
    const waitMs = rateWaitMs(this.#state, this.#clock.monotonicMs());
    return live || this.#liveWaiting === 0
      ? waitMs
      : Math.max(waitMs, 1_000 / this.#messagesPerSecond());
  }
}
