/** Records each reading that somebody removed from the stream, once, whichever lane finds it missing. */
import type { Bell } from './bell.ts';
import { Continuity } from './continuity.ts';
import type { Extent } from './core/batch.ts';
import { gapCount } from './core/gap.ts';
import type { Flight } from './flight.ts';
import type { ForwarderParts } from './forwarder-parts.ts';
import type { LaneName } from './lane-context.ts';
import type { GapRecord } from './ports.ts';
import type { Tally } from './tally.ts';

export class HoleWatch {
  readonly #parts: ForwarderParts;
  readonly #tally: Tally;
  readonly #moreWork: Bell;
  readonly #flight: Flight;
  readonly #continuity: Readonly<Record<LaneName, Continuity>>;

  constructor(parts: ForwarderParts, tally: Tally, moreWork: Bell, flight: Flight) {
    this.#parts = parts;
    this.#tally = tally;
    this.#moreWork = moreWork;
    this.#flight = flight;
    const watch = () => new Continuity(parts.readings, (id) => flight.markAt(id));
    this.#continuity = { live: watch(), backlog: watch(), gaps: watch() };
  }

  /** What a lane reads, as it reads it (`LaneContext.onRead`). Rejects with Redis' error. */
  async onRead(
    lane: LaneName,
    after: string,
    read: Extent,
    end: string | undefined,
  ): Promise<void> {
    const { ledger, report, destination, settings } = this.#parts;
    const continuity = this.#continuity[lane];
    const backwards = lane === 'backlog' && settings.backlogOrder === 'newest';
    const found = backwards
      ? await continuity.precede(after, read, end ?? after)
      : await continuity.follow(after, read, end);
    const { told } = this.#flight;
    const holes = told.claim(found);
    if (holes.length === 0) return;
    let recorded = 0;
    try {
      for (; recorded < holes.length; recorded += 1) {
        const hole = holes[recorded];
        if (hole !== undefined) await ledger.recordGap(hole);
      }
    } finally {
      told.release(holes.slice(recorded));
    }
    for (const hole of found) this.#passOver(after, hole);
    const count = gapCount(holes);
    this.#tally.gapReadings += count;
    report('warn', 'readings_removed', { destination: destination.name, count });
    this.#moreWork.ring();
  }

  /** A hole directly behind where a range begins need not be found again by the next process. */
  #passOver(after: string, { epoch, gap }: GapRecord): void {
    const mark = this.#flight.markAt(after);
    if (epoch === undefined || epoch !== mark?.epoch || !('from_seq' in gap)) return;
    if (gap.from_seq === mark.seq + 1) this.#flight.note(after, { epoch, seq: gap.to_seq });
  }
}
