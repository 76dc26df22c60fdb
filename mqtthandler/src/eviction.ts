/**
 * Giving up readings when the buffer is full (rules: core/buffer.ts).
 *
 * For each destination on its own: what it has still to get of the oldest entries, and has certainly
 * not got yet, is reserved, so that no lane sends it; gap records and the cursor past them are stored
 * in one step. An entry is removed once no destination waits for it any more. A crash in between
 * leaves entries nobody waits for, never a silent loss.
 */
import { FIRST_ID, compareIds } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import { entryBytes } from './core/buffer.ts';
import { findHoles, gapCount, gapsOf, withHolesUpTo } from './core/gap.ts';
import { intersect, isPending } from './core/progress.ts';
import type { Range } from './core/progress.ts';
import { edgesOf, spansOf } from './core/span.ts';
import type { Edges, Span } from './core/span.ts';
import type { Flight, Stretch } from './flight.ts';
import type { Forwarder } from './forwarder.ts';
import type { GapRecord, Readings, ReadingsBuffer } from './ports.ts';
import { without } from './underway.ts';

/** A destination, as far as the buffer is concerned. */
export type Waiting = Pick<
  Forwarder,
  'name' | 'flight' | 'tally' | 'moreWork' | 'windowReadings' | 'ensureLoaded'
>;

export interface EvictionParts {
  readonly buffer: ReadingsBuffer;
  readonly readings: Readings;
  readonly forwarders: readonly Waiting[];
  /** Called after readings were given up, or found to be removed by somebody else, for each kind. */
  readonly onLost: (event: LossEvent, destination: string, count: number) => void;
}

export type LossEvent = 'readings_evicted' | 'readings_removed';

/** Entries given up at a time, each time with a gap record for each destination. */
const STEP_READINGS = 1_000;
const REASON = 'buffer_full';

export class Eviction {
  readonly #parts: EvictionParts;
  readonly #exposed = new Set<Waiting>();
  /** By destination, since the last call. */
  readonly #lost = new Map<string, { readonly evicted: number; readonly removed: number }>();

  constructor(parts: EvictionParts) {
    this.#parts = parts;
  }

  /**
   * Removes about `bytes` of the oldest entries that may be given up; false when none went. Rejects
   * with Redis' error; what was recorded as lost before stays recorded.
   */
  async giveUp(bytes: number): Promise<boolean> {
    const { forwarders, onLost } = this.#parts;
    if (forwarders.length === 0) return await this.#drop(bytes);
    for (const forwarder of forwarders) await this.#exposeOnce(forwarder);
    this.#lost.clear();
    try {
      return await this.#giveUpOldest(bytes);
    } finally {
      for (const [name, { evicted, removed }] of this.#lost) {
        if (evicted > 0) onLost('readings_evicted', name, evicted);
        if (removed > 0) onLost('readings_removed', name, removed);
      }
    }
  }

  /** The loss of a record of an earlier loss is not told again: that has an event of its own. */
  #count(name: string, gaps: readonly GapRecord[], holes: readonly GapRecord[]): void {
    const { evicted, removed } = this.#lost.get(name) ?? { evicted: 0, removed: 0 };
    const own = gaps.filter(({ gap }) => gap.reason === REASON);
    const counted = { evicted: evicted + gapCount(own), removed: removed + gapCount(holes) };
    this.#lost.set(name, counted);
  }

  /** Nobody waits for anything: what is too much simply goes. */
  async #drop(bytes: number): Promise<boolean> {
    const { readings, buffer } = this.#parts;
    let last = FIRST_ID;
    for (let left = bytes; left > 0;) {
      const { entries, exhausted } = await readings.chunk(last, null, STEP_READINGS);
      left = exhausted ? 0 : left - entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
      last = entries.at(-1)?.[0] ?? last;
    }
    return (await buffer.trimBefore(last)) > 0;
  }

  /**
   * What an earlier life of this process may have sent: at most a window from the start of each
   * range. What this life has sent it knows itself.
   */
  async #exposeOnce(forwarder: Waiting): Promise<void> {
    if (this.#exposed.has(forwarder)) return;
    const { flight, windowReadings } = forwarder;
    const starts: Start[] = [];
    for (const { after, upTo } of flight.progress) {
      const start = await this.#lookAhead(after, upTo, windowReadings);
      if (start !== undefined) starts.push(start);
    }
    for (const start of starts) flight.expose(start, start);
    this.#exposed.add(forwarder);
  }

  /** Up to where at most `most` entries go; undefined when there are none. */
  async #lookAhead(after: string, upTo: string | null, most: number): Promise<Start | undefined> {
    let count = 0;
    let last: string | undefined;
    const spans: Span[] = [];
    for (let exhausted = false; !exhausted && count < most;) {
      const chunk = await this.#parts.readings.chunk(last ?? after, upTo, most - count);
      count += chunk.entries.length;
      last = chunk.entries.at(-1)?.[0] ?? last;
      spans.push(...spansOf(chunk.entries));
      exhausted = chunk.exhausted;
    }
    return last === undefined ? undefined : { after, upTo: last, count, edges: edgesOf(spans) };
  }

  async #giveUpOldest(bytes: number): Promise<boolean> {
    const { buffer, forwarders } = this.#parts;
    let left = bytes;
    while (left > 0) {
      const oldest = await this.#oldest(left);
      if (oldest === undefined) break;
      let lost = 0;
      for (const forwarder of forwarders) lost += await this.#forfeit(forwarder, oldest);
      if (lost === 0) break;
      const wanted = ([id]: StreamEntry) =>
        forwarders.some(({ flight }) => isPending(flight.progress, id));
      const unwanted = oldest.entries.filter((entry) => !wanted(entry));
      if (unwanted.length > 0) await buffer.remove(unwanted.map(([id]) => id));
      for (const entry of unwanted) left -= entryBytes(entry);
    }
    return left < bytes;
  }

  /**
   * The oldest entries that a destination may lose and no other has to keep, which would free
   * nothing; `bytes` at most; undefined if there are none.
   */
  async #oldest(bytes: number): Promise<Oldest | undefined> {
    const { readings, forwarders } = this.#parts;
    const kept = forwarders.flatMap(({ flight }) => flight.kept);
    const ranges = forwarders
      .flatMap(({ flight }): readonly Range[] => without(flight.forfeitable, kept))
      .toSorted((a, b) => compareIds(a.after, b.after));
    for (const { after, upTo } of ranges) {
      const { entries } = await readings.chunk(after, upTo, STEP_READINGS);
      let left = bytes;
      const enough = entries.findIndex((entry) => (left -= entryBytes(entry)) <= 0);
      const part = enough === -1 ? entries : entries.slice(0, enough + 1);
      const last = part.at(-1);
      if (last !== undefined) return { after, upTo: last[0], entries: part };
    }
    return undefined;
  }

  /** Gives up what this destination may lose of these entries; returns how many it loses. */
  async #forfeit({ name, flight, tally, moreWork }: Waiting, oldest: Oldest): Promise<number> {
    let lost = 0;
    for (const part of intersect(flight.forfeitable, oldest)) {
      const stretch = { ...part, count: 0 };
      if (!flight.reserve(stretch)) continue;
      try {
        const entries = oldest.entries.filter(([id]) => contains(stretch, id));
        // What somebody removed in front of them or between them will not be seen by any lane.
        const found = findHoles(flight.markAt(stretch.after), spansOf(entries));
        const removed = withHolesUpTo(found, flight.markAt(stretch.upTo));
        const holes = flight.told.claim(removed.holes);
        const gaps = gapsOf(entries, REASON);
        if (!(await forfeit(flight, stretch, gaps, holes))) continue;
        lost += entries.length;
        tally.gapReadings += gapCount(gaps) + gapCount(holes);
        this.#count(name, gaps, holes);
      } finally {
        // A lane may have found nothing to send meanwhile.
        flight.release(stretch);
        moreWork.ring();
      }
    }
    return lost;
  }
}

/** The start of a range. */
interface Start extends Stretch {
  readonly edges: Edges | undefined;
}

/** Entries, and the part of the stream they were read from: `(after, upTo]`. */
interface Oldest {
  readonly after: string;
  readonly upTo: string;
  readonly entries: readonly StreamEntry[];
}

/** As `Flight.forfeit`; holes that could not be recorded can be found again. */
async function forfeit(
  flight: Flight,
  stretch: Stretch,
  gaps: readonly GapRecord[],
  holes: readonly GapRecord[],
): Promise<boolean> {
  let done = false;
  try {
    done = await flight.forfeit(stretch, gaps, holes);
  } finally {
    if (!done) flight.told.release(holes);
  }
  return done;
}

function contains(stretch: Stretch, id: string): boolean {
  return compareIds(id, stretch.after) > 0 && compareIds(id, stretch.upTo) <= 0;
}
