/** A sleep that a bell can cut short. */
import type { Clock } from '@holdfast/kit';
import type { Bell } from './bell.ts';

/** Resolves after `delayMs`, at the next ring, or when `signal` aborts. */
export async function sleepOrRing(
  clock: Clock,
  delayMs: number,
  bell: Bell,
  signal: AbortSignal,
): Promise<void> {
  const woken = new AbortController();
  const wake = () => woken.abort();
  signal.addEventListener('abort', wake, { once: true });
  if (signal.aborted) wake();
  const rung = bell.wait(woken.signal).then(wake);
  await clock.sleepMs(delayMs, woken.signal);
  wake();
  await rung;
  signal.removeEventListener('abort', wake);
}
