import type { Clock } from '../src/index.ts';

interface Sleeper {
  readonly wakeAtMs: number;
  readonly wake: () => void;
}

/**
 * A clock that moves only when told to. Sleepers wake in order of their time; `advance` gives
 * promises a chance to run between two of them, so loops of sleep and work behave as in life.
 */
export class ManualClock implements Clock {
  #wallMs: number;
  #monotonicMs: number;
  #sleepers: Sleeper[] = [];

  constructor(wallMs = 1_700_000_000_000, monotonicMs = 10_000) {
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
  }

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Sleepers waiting at present. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  sleepMs(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        wakeAtMs: this.#monotonicMs + Math.max(0, delayMs),
        wake: () => {
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** The wall clock jumps (NTP, a wrong RTC); nobody wakes and the monotonic clock stays. */
  jumpWall(byMs: number): void {
    this.#wallMs += byMs;
  }

  async advance(byMs: number): Promise<void> {
    const untilMs = this.#monotonicMs + byMs;
    await settle();
    for (;;) {
      const next = this.#sleepers
        .filter((sleeper) => sleeper.wakeAtMs <= untilMs)
        .toSorted((a, b) => a.wakeAtMs - b.wakeAtMs)[0];
      if (next === undefined) break;
      this.#moveTo(Math.max(this.#monotonicMs, next.wakeAtMs));
      next.wake();
      await settle();
    }
    this.#moveTo(untilMs);
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}

/** Lets every promise run that can: the event loop turns only when none is left. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
