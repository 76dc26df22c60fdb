import type { Clock } from '@holdfast/kit';

/** A sleep that somebody else can end; a ring while nobody sleeps ends the next sleep at once. */
export class Wakeup {
  #controller = new AbortController();

  ring(): void {
    this.#controller.abort();
  }

  async sleepMs(clock: Clock, delayMs: number): Promise<void> {
    await clock.sleepMs(delayMs, this.#controller.signal);
    if (this.#controller.signal.aborted) this.#controller = new AbortController();
  }
}
