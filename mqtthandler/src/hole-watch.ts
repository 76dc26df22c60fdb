/** Records each reading that somebody removed from the stream, once, whichever lane finds it missing. */
import type { Bell } from './bell.ts';
import { Continuity } from './continuity.ts';
import type { Extent } from './core/batch.ts';
import { gapCount } from './core/gap.ts';
import type { Passed } from './core/span.ts';
import type { ForwarderParts } from './forwarder-parts.ts';
import type { LaneName } from './lane-context.ts';
import type { Tally } from './tally.ts';

/** Holes remembered as told. */
const MAX_TOLD = 1_000;

export class HoleWatch {
  readonly #parts: ForwarderParts;
  readonly #tally: Tally;
  readonly #moreWork: Bell;
  readonly #continuity: Readonly<Record<LaneName, Continuity>>;
  /** Recorded already: what is read again after a lost connection shows them again. */
  readonly #told = new Set<string>();

  /** @param marks identities of the readings at which ranges meet */
  constructor(
    parts: ForwarderParts,
    tally: Tally,
    moreWork: Bell,
    marks: ReadonlyMap<string, Passed>,
  ) {
    this.#parts = parts;
    this.#tally = tally;
    this.#moreWork = moreWork;
    const watch = () => new Continuity(parts.readings, marks);
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
    const holes = found.filter((hole) => !this.#told.has(JSON.stringify(hole)));
    if (holes.length === 0) return;
    for (const hole of holes) {
      await ledger.recordGap(hole);
      if (this.#told.size >= MAX_TOLD) this.#told.clear();
      this.#told.add(JSON.stringify(hole));
    }
    const count = gapCount(holes);
    this.#tally.gapReadings += count;
    report('warn', 'readings_removed', { destination: destination.name, count });
    this.#moreWork.ring();
  }
}
