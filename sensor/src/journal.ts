/**
 * Keeps readings that wait for Redis in a file too, so that they outlive this service. A card wears
 * by writing, so it is written only while Redis does not take readings.
 *
 * States
 * - idle: there is no file. → open when a reading has waited from one look to the next, or at the end.
 * - open: the file holds the queue as of the last look, readings left out that were stored since.
 *   → idle when nothing waits any more: the file goes.
 * - failed: the file could not be written, which is said once. → open at a look that succeeds.
 * - off: the file could not even be read, which is said once. What may be in it is left alone.
 *
 * Readings that were stored since the last look are offered again by the next life of the service.
 * The store knows them, but searches a part of the stream only (`AppendOptions.retry`): hence `MOST`.
 */
import { RepeatFilter, errorCode, errorMessage } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import type { PendingFile } from './adapters/pending-file.ts';
import { fromLine, toLine } from './core/pending-lines.ts';
import type { PendingChange, PendingReadings } from './core/pending.ts';

const LOOK_MS = 1_000;
/** Readings stored between two looks, at most. */
const MOST = 500;
/** Lines beyond what the queue needs, until the file is written anew. */
const SPARE_LINES = 1_000;

export interface JournalOptions {
  readonly pending: PendingReadings;
  readonly file: PendingFile;
  readonly clock: Clock;
  readonly onFailed: (code: string, error: string) => void;
  /** The file could be read up to a line only; it is kept at `aside`. */
  readonly onBadFile: (badLine: number, aside: string) => void;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #filter = new RepeatFilter();
  #state: 'idle' | 'open' | 'failed' | 'off' = 'idle';
  #lines = 0;
  /** Of `pending`, at the last look. */
  #storedThen = 0;
  #waitedThen = false;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Takes over what an earlier life of the service left behind, first of all; how many readings. */
  async load(): Promise<number> {
    const { pending, file, clock, onBadFile } = this.#options;
    try {
      const badLine = await this.#redo();
      pending.takeOver();
      if (badLine !== undefined) onBadFile(badLine, await file.quarantine(clock.nowMs()));
      if (pending.size > 0) await this.#rewrite();
      else await file.remove();
    } catch (error) {
      this.#fail(error);
      this.#state = 'off';
    }
    return pending.size;
  }

  /** Looks after the file until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleepMs(LOOK_MS, signal);
      if (!signal.aborted) await this.look(false);
    }
  }

  /** To be waited for after each reading that was stored. */
  readonly stored = async (): Promise<void> => {
    if (this.#state === 'open' && this.#options.pending.stored - this.#storedThen >= MOST) {
      await this.look(false);
    }
  };

  /** Brings the file up to date. @param end nothing will be stored any more: what waits must stay */
  async look(end: boolean): Promise<void> {
    // One at a time, in order.
    this.#looking = this.#looking.then(async () => {
      try {
        await this.#look(end);
      } catch (error) {
        this.#fail(error);
      }
    });
    await this.#looking;
  }

  async #look(end: boolean): Promise<void> {
    const { pending, file } = this.#options;
    const stuck = this.#waitedThen && pending.stored === this.#storedThen;
    this.#waitedThen = pending.size > 0;
    this.#storedThen = pending.stored;
    if (this.#state === 'off') return;
    if (pending.size === 0) {
      if (this.#state === 'idle') return;
      pending.forgetChanges();
      await file.remove();
      this.#state = 'idle';
    } else if (this.#state === 'open') {
      if (this.#lines > 2 * pending.size + SPARE_LINES) {
        await this.#rewrite();
      } else {
        const changes = pending.takeChanges();
        if (changes.length > 0) await file.append(linesOf(changes));
        this.#lines += changes.length;
      }
    } else if (stuck || end || this.#state === 'failed') {
      await this.#rewrite();
    }
  }

  /** Returns the number of the first line that is none of ours, from 1; it and the rest are not used. */
  async #redo(): Promise<number | undefined> {
    let number = 0;
    for await (const line of this.#options.file.lines()) {
      number += 1;
      const change = fromLine(line);
      if (change === undefined) return number;
      this.#options.pending.redo(change);
    }
    return undefined;
  }

  async #rewrite(): Promise<void> {
    const { pending, file } = this.#options;
    const changes = pending.snapshot();
    await file.replace(linesOf(changes));
    this.#lines = changes.length;
    this.#state = 'open';
    this.#filter.reset();
  }

  #fail(error: unknown): void {
    this.#options.pending.forgetChanges();
    this.#state = 'failed';
    const code = errorCode(error);
    if (this.#filter.shouldLog(code)) this.#options.onFailed(code, errorMessage(error));
  }
}

/** One after the other as they are written, never all at once. */
function* linesOf(changes: Iterable<PendingChange>): Generator<string> {
  for (const change of changes) yield toLine(change);
}
