/** Notices a button on the wires of bus 1 (`core/gpio-conflict.ts`) and says so once. */
import type { Clock } from '@holdfast/kit';
import { conflictText, isConflict } from './core/gpio-conflict.ts';

/** The button's service may start later; a look costs one read. */
const LOOK_MS = 5_000;

export interface ConflictOptions {
  readonly clock: Clock;
  /** The button's line as its service tells it; null when it does not. */
  readonly buttonPin: () => Promise<string | null>;
  /** Numbers of the buses on which sensors are named or looked for. */
  readonly inUse: () => Promise<readonly number[]>;
  readonly app: { gpioConflict(pin: string, text: string): void };
}

/** Looks until there is a conflict or `signal` aborts. */
export async function watchConflict(options: ConflictOptions, signal: AbortSignal): Promise<void> {
  const { clock, buttonPin, inUse, app } = options;
  while (!signal.aborted) {
    const pin = await buttonPin();
    // Buses that cannot be listed are not in use.
    const buses = pin === null ? [] : await inUse().catch(() => []);
    if (pin !== null && isConflict(pin, buses)) {
      app.gpioConflict(pin, conflictText(pin));
      return;
    }
    await clock.sleepMs(LOOK_MS, signal);
  }
}
