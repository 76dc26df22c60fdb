/**
 * Watches that what a lane reads has no hole: readings removed from the stream by somebody else are
 * found by their missing sequence numbers and recorded as gaps, never skipped in silence.
 */
import type { StreamEntry } from '@holdfast/redis';
import { FIRST_ID } from '@holdfast/redis';
import { findHoles } from './core/gap.ts';
import type { Passed } from './core/gap.ts';
import { previousId } from './core/previous-id.ts';
import type { GapRecord, Readings } from './ports.ts';

export class Continuity {
  readonly #readings: Readings;
  /** Up to where this lane has read. */
  #upTo: string | undefined;
  #passed: Passed | undefined;

  constructor(readings: Readings) {
    this.#readings = readings;
  }

  /**
   * Takes entries read directly after `after`, in order; returns what is missing before or between
   * them. Where a lane begins anew, the entry it begins after says which number comes next; when
   * that entry is gone nothing can be said.
   */
  async follow(after: string, entries: readonly StreamEntry[]): Promise<readonly GapRecord[]> {
    if (after !== this.#upTo) {
      this.#passed = undefined;
      if (after !== FIRST_ID) {
        const start = await this.#readings.range(previousId(after), after, 1);
        this.#passed = findHoles(undefined, start).passed;
      }
    }
    const { passed, holes } = findHoles(this.#passed, entries);
    this.#passed = passed;
    this.#upTo = entries.at(-1)?.[0] ?? after;
    return holes;
  }
}
