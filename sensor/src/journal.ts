/**
 * Keeps readings that wait for Redis in a file too, so that they outlive this service. A card wears
 * by writing, so it is written only while Redis does not take readings.
 *
 * States
 * - idle: there is no file. → open when a reading has waited from one look to the next, or at the end.
 * - open: the file holds the queue as of the last look. → idle when nothing waits any more: the file
 *   goes. → failed when it cannot be written.
 * - failed: told when it begins. Tried again, ever less often. → open when that succeeds; → idle when
 *   nothing waits and the file could be removed.
 * - off: the file could neither be read to its end nor put aside, which is told. It is left alone.
 *
 * Readings that were stored since the last look are still in the file, and offered again by the next
 * life of the service. The store knows them, but searches a part of the stream only
 * (`AppendOptions.retry`): hence `MOST`, which a file that cannot be written does not keep to.
 */
import { RepeatFilter, backoffMs, errorCode, errorMessage } from '@holdfast/kit';
import type { BackoffPolicy, Clock, Random } from '@holdfast/kit';
import { fromLine, toLine } from './core/pending-lines.ts';
import type { PendingChange, PendingReadings } from './core/pending.ts';
import type { PendingFile } from './ports.ts';

const LOOK_MS = 1_000;
/** Readings stored between two looks, at most. */
const MOST = 500;
/** Lines beyond what the queue needs, until the file is written anew. */
const SPARE_LINES = 1_000;
/** Until a file that could not be written is tried again. */
const AGAIN: BackoffPolicy = { floorMs: 1_000, capMs: 60_000 };

export interface JournalOptions {
  readonly pending: PendingReadings;
  readonly file: PendingFile;
  readonly clock: Clock;
  readonly random: Random;
  readonly onFailed: (code: string, error: string) => void;
  /** The file could be read up to a line only; it is kept at `aside`. */
  readonly onBadFile: (badLine: number, aside: string) => void;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #filter = new RepeatFilter();
  #state: 'idle' | 'open' | 'failed' | 'off' = 'idle';
  #lines = 0;
  #failures = 0;
  #againMs = 0;
  /** Of `pending`, at the last look. */
  #storedThen = 0;
  #waitedThen = 0;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Takes over what an earlier life of the service left behind, first of all; how many readings. */
  async load(): Promise<number> {
    const { pending, file, clock, onBadFile } = this.#options;
    const badLine = await this.#redo();
    pending.takeOver();
    try {
      if (badLine !== undefined) onBadFile(badLine, await file.quarantine(clock.nowMs()));
    } catch (error) {
      this.#fail(error);
      this.#state = 'off';
      return pending.size;
    }
    try {
      await file.check();
      if (pending.size > 0) await this.#rewrite(true);
      else await file.remove();
    } catch (error) {
      this.#fail(error);
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
    if (this.#state === 'idle' || this.#options.pending.stored - this.#storedThen < MOST) return;
    await this.look(false);
  };

  /** To be waited for before a loss is told: the file must not bring back what stands as lost. */
  readonly losing = async (): Promise<void> => {
    if (this.#state !== 'idle') await this.look(false);
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
    const { pending, file, clock } = this.#options;
    const stuck = this.#waitedThen > pending.stored - this.#storedThen;
    this.#waitedThen = pending.size;
    this.#storedThen = pending.stored;
    if (this.#state === 'off') return;
    if (pending.size === 0) {
      if (this.#state === 'idle') return;
      pending.forgetChanges();
      await file.remove();
      this.#state = 'idle';
      this.#succeeded();
    } else if (this.#state === 'open') {
      if (this.#lines > 2 * pending.size + SPARE_LINES) {
        await this.#rewrite(!end);
      } else {
        const changes = pending.takeChanges();
        if (changes.length > 0) await file.append(linesOf(changes));
        this.#lines += changes.length;
      }
    } else {
      const due = this.#state === 'failed' && clock.monotonicMs() >= this.#againMs;
      if (end || due || (this.#state === 'idle' && stuck)) await this.#rewrite(!end);
    }
  }

  /** The number of the first line, from 1, that cannot be read; it and the rest are not used. */
  async #redo(): Promise<number | undefined> {
    let number = 1;
    try {
      for await (const line of this.#options.file.lines()) {
        const change = fromLine(line);
        if (change === undefined) return number;
        this.#options.pending.redo(change);
        number += 1;
      }
    } catch {
      return number;
    }
    return undefined;
  }

  async #rewrite(onCard: boolean): Promise<void> {
    const { pending, file } = this.#options;
    const changes = pending.snapshot();
    await file.replace(linesOf(changes), onCard);
    this.#lines = changes.length;
    this.#state = 'open';
    this.#succeeded();
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#filter.reset();
  }

  #fail(error: unknown): void {
    const { pending, clock, random, onFailed } = this.#options;
    pending.forgetChanges();
    this.#state = 'failed';
    this.#failures += 1;
    this.#againMs = clock.monotonicMs() + backoffMs(AGAIN, this.#failures, random);
    const code = errorCode(error);
    if (this.#filter.shouldLog(code)) onFailed(code, errorMessage(error));
  }
}

/** One after the other as they are written, never all at once. */
function* linesOf(changes: Iterable<PendingChange>): Generator<string> {
  for (const change of changes) yield toLine(change);
}
