/**
 * Some brokers hang up on a client that publishes where it may not. An answer there would end every
 * connection, its command would be delivered again, and the readings would hardly get through. So it is
 * kept over the sessions whether answers are what they end of.
 *
 * - trusting: answers are sent at once. `SUSPECT` sessions in a row that the other side ended with an
 *   answer on its way, and none acknowledged: suspecting.
 * - suspecting: an answer is sent when the session has stood for a while without any, so that a bad
 *   network is not taken for it. One acknowledged: trusting. Ended so `PROVEN` times in all: barred.
 * - barred: answers are given up unsent; after a while suspecting again.
 */
import type { Clock } from '@holdfast/kit';

const SUSPECT = 3;
const PROVEN = 5;
const STOOD_MS = 20_000;
const BARRED_MS = 600_000;

export class AnswerGuard {
  readonly #clock: Clock;
  #strikes = 0;
  #barredUntilMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Answers are to be given up unsent. */
  get barred(): boolean {
    return this.#clock.monotonicMs() < this.#barredUntilMs;
  }

  /** For how long a session must have stood before it may carry an answer, milliseconds. */
  get stoodMs(): number {
    return this.#strikes < SUSPECT ? 0 : STOOD_MS;
  }

  acknowledged(): void {
    this.#strikes = 0;
  }

  /** The other side has ended a session with an answer on its way, and none acknowledged. */
  struck(): void {
    this.#strikes += 1;
    if (this.#strikes >= PROVEN) this.#barredUntilMs = this.#clock.monotonicMs() + BARRED_MS;
  }
}
