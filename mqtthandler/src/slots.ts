/**
 * The window of unacknowledged messages, shared by the lanes of one destination. The live lane goes
 * first, and where there is more than one slot the others leave it one: a reading just measured
 * never waits for the backlog's acknowledgements.
 */
import { Bell } from './bell.ts';
import type { SendGate } from './send-gate.ts';

export class Slots {
  readonly #freed = new Bell();
  readonly #gate: SendGate | undefined;
  #size: number;
  #live = 0;
  #others = 0;
  #liveWaiting = 0;

  /** @param gate what a message must pass beside having a slot */
  constructor(size: number, gate?: SendGate) {
    this.#size = size;
    this.#gate = gate;
  }

  get used(): number {
    return this.#live + this.#others;
  }

  /** A smaller window takes effect as slots are given back. */
  resize(size: number): void {
    this.#size = size;
    this.#freed.ring();
  }

  /** Resolves true with a slot taken, false without one when `signal` aborts. */
  async take(live: boolean, signal: AbortSignal): Promise<boolean> {
    if (live) this.#liveWaiting += 1;
    try {
      while (!signal.aborted && !this.#free(live)) await this.#freed.wait(signal);
    } finally {
      if (live) this.#liveWaiting -= 1;
    }
    if (signal.aborted) return false;
    if (live) this.#live += 1;
    else this.#others += 1;
    await this.#gate?.pass(live, signal);
    if (!signal.aborted) return true;
    this.give(live);
    return false;
  }

  give(live: boolean): void {
    if (live) this.#live -= 1;
    else this.#others -= 1;
    this.#freed.ring();
  }

  #free(live: boolean): boolean {
    if (this.used >= this.#size) return false;
    if (live) return true;
    return this.#liveWaiting === 0 && (this.#size === 1 || this.#others < this.#size - 1);
  }
}
