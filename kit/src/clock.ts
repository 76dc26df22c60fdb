/**
 * Time and chance as arguments, so that decisions stay pure and weeks can be tested in milliseconds.
 *
 * Two clocks, because a Raspberry Pi has no battery-backed clock: deadlines and durations use the
 * monotonic one, time stamps for people use the wall clock and are never subtracted from each other.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump in both directions. */
  nowMs(): number;
  /** CLOCK_MONOTONIC in milliseconds: on Linux the time since boot. Never runs backwards. */
  monotonicMs(): number;
  /**
   * Resolves after `delayMs`; resolves early, never rejects, when `signal` aborts. A delay beyond
   * 24 days may end early.
   */
  sleepMs(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

/** performance.now() is the same clock read faster, but counted from the start of this process. */
const PROCESS_START_MS = Number(process.hrtime.bigint() / 1_000n) / 1_000 - performance.now();

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => PROCESS_START_MS + performance.now(),
  async sleepMs(delayMs, signal) {
    if (signal?.aborted) return;
    // A timer never fires early by more than its 1 ms resolution; setTimeout caps at 2^31-1 ms.
    const options = signal === undefined ? {} : { signal };
    await sleep(Math.min(Math.max(0, delayMs), 2 ** 31 - 1), undefined, options).catch(() => {});
  },
};

export const systemRandom: Random = { next: () => Math.random() };
