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
  /** Going backwards: the entry read last, directly above `upTo`. */
  #above: { readonly upTo: string; readonly entry: StreamEntry } | undefined;

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
    const { passed, holes } = this.#untilMark(findHoles(this.#passed, entries), end);
    this.#passed = passed;
    this.#upTo = end ?? entries.at(-1)?.[0] ?? after;
    return holes;
  }

  /**
   * As `follow`, for a lane that goes from the newest to the oldest: takes all entries of
   * `(after, upTo]`, in order, and returns what is missing between them and around them.
   */
  async precede(
    after: string,
    entries: readonly StreamEntry[],
    upTo: string,
  ): Promise<readonly GapRecord[]> {
    const first = entries[0];
    const isWhole = first === undefined || previousId(first[0]) !== after;
    const below = isWhole
      ? (this.#marks.get(after) ?? (await identityAt(this.#readings, after)))
      : undefined;
    const above = this.#above?.upTo === upTo ? this.#above.entry : undefined;
    this.#above = first === undefined ? undefined : { upTo: previousId(first[0]), entry: first };
    if (above !== undefined) return findHoles(below, [...entries, above]).holes;
    return this.#untilMark(findHoles(below, entries), upTo).holes;
  }

  /** Adds what is missing up to the reading that is known to have been at `end`. */
  #untilMark(found: ReturnType<typeof findHoles>, end: string | undefined): typeof found {
    const { passed, holes } = found;
    const last = end === undefined ? undefined : this.#marks.get(end);
    if (last === undefined || passed?.epoch !== last.epoch || passed.seq >= last.seq) return found;
    return { passed: last, holes: [...holes, hole(last.epoch, passed.seq + 1, last.seq)] };
  }
}

/** The identity of the reading with this id; undefined when it is gone or not ours. */
export async function identityAt(readings: Readings, id: string): Promise<Passed | undefined> {
  if (id === FIRST_ID) return undefined;
  return findHoles(undefined, await readings.range(previousId(id), id, 1)).passed;
}
