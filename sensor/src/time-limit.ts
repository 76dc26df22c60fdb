import type { Clock } from '@holdfast/kit';
import { HardwareError } from './core/hardware-error.ts';

export function timedOut(what: string, limitMs: number): HardwareError {
  return new HardwareError('ETIMEDOUT', `${what}: no answer within ${limitMs} ms`);
}

/**
 * The result of `work`, or a rejection with the error `onLate` returns after `limitMs`. The work
 * itself cannot be called off (a transfer in the kernel goes on): what it does later is ignored.
 */
export async function withTimeLimit<T>(
  work: Promise<T>,
  limitMs: number,
  clock: Clock,
  onLate: () => Error,
): Promise<T> {
  const done = new AbortController();
  const late = clock.sleepMs(limitMs, done.signal).then(() => {
    if (!done.signal.aborted) throw onLate();
  }) as Promise<never>;
  // When the work wins, nobody looks at the timer any more; when it loses, nobody at the work.
  late.catch(() => {});
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}
