/** A clock for tests without concurrency: sleeping moves it. */
export class JumpClock {
  #nowMs = 10_000;
  /** Every wait, in milliseconds. */
  readonly waits: number[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  async sleepMs(delayMs: number): Promise<void> {
    this.waits.push(delayMs);
    this.pass(delayMs);
  }

  pass(delayMs: number): void {
    this.#nowMs += delayMs;
  }
}
