/**
 * Looks after the cursor where nothing else does: set by hand on a quiet stream, pointing beyond the
 * end, between ranges whose readings somebody removes.
 */
import { FIRST_ID, compareIds } from '@holdfast/redis';
import { identityAt } from './continuity.ts';
import type { Passed } from './core/span.ts';
import { openRange } from './core/progress.ts';
import type { Flight } from './flight.ts';
import type { ForwarderParts } from './forwarder-parts.ts';

export class CursorCare {
  readonly #parts: ForwarderParts;
  readonly #flight: Flight;
  readonly #marks: Map<string, Passed>;
  readonly #reload: () => void;

  constructor(
    parts: ForwarderParts,
    flight: Flight,
    marks: Map<string, Passed>,
    reload: () => void,
  ) {
    this.#parts = parts;
    this.#flight = flight;
    this.#marks = marks;
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

  /** Remembers which reading stands where ranges meet: it may be removed before they are sent. */
  async mark(): Promise<void> {
    this.#marks.clear();
    const { lowWater, passed, progress } = this.#flight;
    if (passed !== undefined) this.#marks.set(lowWater, passed);
    for (const { after } of progress) {
      const identity = await identityAt(this.#parts.readings, after);
      if (identity !== undefined) this.#marks.set(after, identity);
    }
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
