/**
 * The sign of life that the health check of a container reads (`kit/container/health.sh`): the time
 * since boot in seconds, and `ok` or what is wrong. It stands in a memory file system, so that it
 * costs the card nothing; where that is missing, a developer's machine say, there is none.
 *
 * Time since boot, because the wall clock of a Pi jumps by months when it first hears the time.
 */
import { rename, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import type { Clock } from './clock.ts';
import { errorCode, errorMessage } from './errors.ts';

/** Mounted by the compose file. */
export const SIGN_OF_LIFE = '/run/holdfast/alive';
const EVERY_MS = 10_000;
/** What is wrong may be over in a moment: it is looked at again soon. */
const RECHECK_MS = 1_000;
const SHOWN_CHARACTERS = 100;

export interface SignOfLifeOptions {
  /** Resolves when the service can do its work, rejects with what is wrong. */
  readonly check: () => Promise<unknown>;
  readonly clock: Clock;
  readonly file?: string;
}

/** Leaves a sign of life every 10 s until `signal` aborts. Never rejects. */
export async function leaveSignsOfLife(
  { check, clock, file = SIGN_OF_LIFE }: SignOfLifeOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const state = await check().then(
      () => 'ok',
      (error: unknown) => errorMessage(error).replaceAll(/\s+/g, ' ').slice(0, SHOWN_CHARACTERS),
    );
    try {
      // In one step: the check never reads half a line.
      await writeFile(`${file}.new`, `${uptime().toFixed(2)} ${state}\n`);
      await rename(`${file}.new`, file);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
    }
    await clock.sleepMs(state === 'ok' ? EVERY_MS : RECHECK_MS, signal);
  }
}
