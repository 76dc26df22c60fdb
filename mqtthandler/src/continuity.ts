/**
 * Watches that what a lane reads has no hole: readings removed from the stream by somebody else are
 * found by their missing sequence numbers and recorded as gaps, never skipped in silence.
 */
import { FIRST_ID } from '@holdfast/redis';
import { findHoles, withHolesUpTo } from './core/gap.ts';
import type { Extent } from './core/batch.ts';
import { spansOf } from './core/span.ts';
import type { Passed, Span } from './core/span.ts';
import { previousId } from './core/previous-id.ts';
import type { GapRecord, Readings } from './ports.ts';

export class Continuity {
  readonly #readings: Readings;
  /** Up to where this lane has read. */
  #upTo: string | undefined;
  #passed: Passed | undefined;
  /** Going backwards: the first reading of ours above `upTo`. */
  #above: { readonly upTo: string; readonly spans: readonly Span[] } | undefined;

  readonly #markAt: (id: string) => Passed | undefined;

  /** @param markAt the last reading of ours up to where a range begins or ends (core/marks.ts) */
  constructor(readings: Readings, markAt: (id: string) => Passed | undefined) {
    this.#readings = readings;
    this.#markAt = markAt;
  }

  /**
   * Takes what was read directly after `after`, in order; returns what is missing before or between
   * them. Where a lane begins anew, a mark or the entry it begins after says which number comes next;
   * without the one, and when the other is gone or not ours, nothing can be said. With `end` there is
   * nothing more up to there.
   */
  async follow(
    after: string,
    { spans, lastId }: Extent,
    end?: string,
  ): Promise<readonly GapRecord[]> {
    if (after !== this.#upTo) {
      this.#passed = this.#markAt(after) ?? (await identityAt(this.#readings, after));
    }
    const { passed, holes } = this.#untilMark(findHoles(this.#passed, spans), end);
    this.#passed = passed;
    this.#upTo = end ?? lastId ?? after;
    return holes;
  }

  /**
   * As `follow`, for a lane that goes from the newest to the oldest: takes all entries of
   * `(after, upTo]`, in order, and returns what is missing between them and around them.
   */
  async precede(
    after: string,
    { spans, firstId }: Extent,
    upTo: string,
  ): Promise<readonly GapRecord[]> {
    const isWhole = firstId === undefined || previousId(firstId) !== after;
    const below = isWhole
      ? (this.#markAt(after) ?? (await identityAt(this.#readings, after)))
      : undefined;
    const above = this.#above?.upTo === upTo ? this.#above.spans : [];
    const all = [...spans, ...above];
    this.#above =
      firstId === undefined ? undefined : { upTo: previousId(firstId), spans: all.slice(0, 1) };
    if (above.length > 0) return findHoles(below, all).holes;
    return this.#untilMark(findHoles(below, spans), upTo).holes;
  }

  #untilMark(found: ReturnType<typeof findHoles>, end: string | undefined): typeof found {
    return withHolesUpTo(found, end === undefined ? undefined : this.#markAt(end));
  }
}

/** The identity of the reading with this id; undefined when it is gone or not ours. */
export async function identityAt(readings: Readings, id: string): Promise<Passed | undefined> {
  if (id === FIRST_ID) return undefined;
  const entries = await readings.range(previousId(id), id, 1);
  return findHoles(undefined, spansOf(entries)).passed;
}
