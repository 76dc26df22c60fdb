/** Waiting for what gives no event. */
import { systemClock } from '@holdfast/kit';

const LOOK_EVERY_MS = 50;

/** Resolves true as soon as `probe` is true, false after `timeoutMs` or when `signal` aborts. */
export async function waitFor(
  probe: () => boolean,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadlineMs = systemClock.monotonicMs() + timeoutMs;
  while (!probe()) {
    if (signal.aborted || systemClock.monotonicMs() > deadlineMs) return false;
    await systemClock.sleepMs(LOOK_EVERY_MS, signal);
  }
  return true;
}
