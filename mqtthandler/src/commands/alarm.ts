/** A sleep that can be cut short; a ring that came while nobody slept ends the next sleep at once. */
import type { Clock } from '@holdfast/kit';

export class Alarm {
  readonly #clock: Clock;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** One sleeper at a time. */
  async sleepMs(delayMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    signal.addEventListener('abort', this.#wake, { once: true });
    if (!this.#rung && !signal.aborted) await this.#clock.sleepMs(delayMs, woken.signal);
    signal.removeEventListener('abort', this.#wake);
    this.#wake = undefined;
    this.#rung = false;
  }
}
