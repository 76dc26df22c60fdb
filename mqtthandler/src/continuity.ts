/**
 * Watches that what a lane reads has no hole: readings removed from the stream by somebody else are
 * found by their missing sequence numbers and recorded as gaps, never skipped in silence.
 */
import type { StreamEntry } from '@holdfast/redis';
import { FIRST_ID } from '@holdfast/redis';
import { findHoles, hole } from './core/gap.ts';
import type { Passed } from './core/gap.ts';
import { previousId } from './core/previous-id.ts';
import type { GapRecord, Readings } from './ports.ts';

export class Continuity {
  readonly #readings: Readings;
  /** Up to where this lane has read. */
  #upTo: string | undefined;
  #passed: Passed | undefined;

  /** Identities of readings that ranges begin or end at, known even when those are removed. */
  readonly #marks: ReadonlyMap<string, Passed>;

  constructor(readings: Readings, marks: ReadonlyMap<string, Passed>) {
    this.#readings = readings;
    this.#marks = marks;
  }

  /**
   * Takes entries read directly after `after`, in order; returns what is missing before or between
   * them. Where a lane begins anew, the entry it begins after says which number comes next; when
   * that entry is gone and unknown, nothing can be said. With `end` there is nothing more up to there.
   */
  async follow(
    after: string,
    entries: readonly StreamEntry[],
    end?: string,
  ): Promise<readonly GapRecord[]> {
    if (after !== this.#upTo) {
      this.#passed = this.#marks.get(after) ?? (await identityAt(this.#readings, after));
    }
    const { passed, holes } = findHoles(this.#passed, entries);
    this.#passed = passed;
    this.#upTo = end ?? entries.at(-1)?.[0] ?? after;
    const last = end === undefined ? undefined : this.#marks.get(end);
    if (last === undefined || passed?.epoch !== last.epoch || passed.seq >= last.seq) return holes;
    this.#passed = last;
    return [...holes, hole(last.epoch, passed.seq + 1, last.seq)];
  }
}

/** The identity of the reading with this id; undefined when it is gone or not ours. */
export async function identityAt(readings: Readings, id: string): Promise<Passed | undefined> {
  if (id === FIRST_ID) return undefined;
  return findHoles(undefined, await readings.range(previousId(id), id, 1)).passed;
}
