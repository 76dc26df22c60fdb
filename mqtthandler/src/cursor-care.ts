/**
 * Looks after the cursor where nothing else does: set by hand on a quiet stream, pointing beyond the
 * end, between ranges whose readings somebody removes.
 */
import { FIRST_ID, compareIds } from '@holdfast/redis';
import { identityAt } from './continuity.ts';
import { edgesOf, spansOf } from './core/span.ts';
import type { Passed } from './core/span.ts';
import { openRange } from './core/progress.ts';
import type { Flight } from './flight.ts';
import type { ForwarderParts } from './forwarder-parts.ts';

/** The last reading of ours is mostly the last of all; else it is looked for among so many. */
const SEARCH_READINGS = [10, 1_000];

export class CursorCare {
  readonly #parts: ForwarderParts;
  readonly #flight: Flight;
  readonly #reload: () => void;

  constructor(parts: ForwarderParts, flight: Flight, reload: () => void) {
    this.#parts = parts;
    this.#flight = flight;
    this.#reload = reload;
  }

  /** The stored cursor was read just now. Rejects with Redis' error. */
  async afterLoad(): Promise<void> {
    await this.#startOverIfAhead();
    await this.mark();
  }

  /** Nothing has arrived for a few seconds; somebody may have set `last_id`, or deleted the stream. */
  async whenIdle(): Promise<void> {
    if (!(await this.#flight.isOurs()) || (await this.#startOverIfAhead())) this.#reload();
  }

  /**
   * Marks (core/marks.ts) where ranges begin and end, as far as there are none: what is needed to know
   * them may be removed before it is sent.
   */
  async mark(): Promise<void> {
    const { readings } = this.#parts;
    for (const { after, upTo } of this.#flight.progress) {
      // Only that very entry: what was before it may be gone since it was delivered.
      const begin = this.#flight.markAt(after) ?? (await identityAt(readings, after));
      if (begin !== undefined) this.#flight.note(after, begin);
      if (upTo === null || this.#flight.markAt(upTo) !== undefined) continue;
      const last = await this.#lastOf(after, upTo, begin);
      if (last !== undefined) this.#flight.note(upTo, last);
    }
  }

  /** The last reading of ours up to the end of a range; undefined when it is too far to look for. */
  async #lastOf(
    after: string,
    upTo: string,
    before: Passed | undefined,
  ): Promise<Passed | undefined> {
    for (const count of SEARCH_READINGS) {
      const { entries, exhausted } = await this.#parts.readings.newest(after, upTo, count);
      const edges = edgesOf(spansOf(entries));
      if (edges !== undefined) return edges.last;
      if (exhausted) return before;
    }
    return undefined;
  }

  /** A cursor beyond the newest reading would let what comes next pass unsent. */
  async #startOverIfAhead(): Promise<boolean> {
    const { readings, report, destination } = this.#parts;
    // Read first: what is acknowledged meanwhile may be newer than the answer.
    const { after } = openRange(this.#flight.progress);
    const newest = await readings.lastId();
    if (newest === FIRST_ID || compareIds(after, newest) <= 0) return false;
    const fields = { destination: destination.name, reason: 'ahead', after, newest };
    report('warn', 'cursor_reset', fields);
    this.#flight.startOver();
    await this.#flight.settled();
    return true;
  }
}
