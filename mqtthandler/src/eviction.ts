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
import { MIN_EVICTION } from './core/buffer.ts';
import { gapCount, gapsOf } from './core/gap.ts';
import { intersect, isPending } from './core/progress.ts';
import type { Stretch } from './flight.ts';
import type { Forwarder } from './forwarder.ts';
import type { Readings, ReadingsBuffer } from './ports.ts';

/** A destination, as far as the buffer is concerned. */
export type Waiting = Pick<
  Forwarder,
  'name' | 'flight' | 'tally' | 'moreWork' | 'windowReadings' | 'ensureLoaded'
>;

export interface EvictionParts {
  readonly buffer: ReadingsBuffer;
  readonly readings: Readings;
  readonly forwarders: readonly Waiting[];
  /** Called after readings were given up. */
  readonly onEvicted: (destination: string, count: number) => void;
}

export class Eviction {
  readonly #parts: EvictionParts;
  readonly #exposed = new Set<Waiting>();

  constructor(parts: EvictionParts) {
    this.#parts = parts;
  }

  /**
   * Removes about `count` of the oldest entries that may be given up. Rejects with Redis' error;
   * what was recorded as lost before stays recorded.
   */
  async giveUp(count: number): Promise<void> {
    if (count <= 0) return;
    const { forwarders, onEvicted } = this.#parts;
    if (forwarders.length === 0) {
      await this.#drop(count);
      return;
    }
    for (const forwarder of forwarders) await this.#exposeOnce(forwarder);
    const lostBefore = forwarders.map(({ tally }) => tally.gapReadings);
    try {
      await this.#giveUpOldest(count);
    } finally {
      for (const [i, { name, tally }] of forwarders.entries()) {
        const lost = tally.gapReadings - (lostBefore[i] ?? 0);
        if (lost > 0) onEvicted(name, lost);
      }
    }
  }

  /** Nobody waits for anything: what is too much simply goes. */
  async #drop(count: number): Promise<void> {
    const last = await this.#lookAhead(FIRST_ID, null, count);
    if (last !== undefined) await this.#parts.buffer.trimBefore(last.upTo);
  }

  /**
   * What an earlier life of this process may have sent: at most a window from the start of each
   * range. What this life has sent it knows itself.
   */
  async #exposeOnce(forwarder: Waiting): Promise<void> {
    if (this.#exposed.has(forwarder)) return;
    const { flight, windowReadings } = forwarder;
    const starts: Stretch[] = [];
    for (const { after, upTo } of flight.progress) {
      const start = await this.#lookAhead(after, upTo, windowReadings);
      if (start !== undefined) starts.push(start);
    }
    for (const start of starts) flight.expose(start);
    this.#exposed.add(forwarder);
  }

  /** Up to where at most `most` entries go; undefined when there are none. */
  async #lookAhead(after: string, upTo: string | null, most: number): Promise<Stretch | undefined> {
    let count = 0;
    let last: string | undefined;
    for (let exhausted = false; !exhausted && count < most;) {
      const chunk = await this.#parts.readings.chunk(last ?? after, upTo, most - count);
      count += chunk.entries.length;
      last = chunk.entries.at(-1)?.[0] ?? last;
      exhausted = chunk.exhausted;
    }
    return last === undefined ? undefined : { after, upTo: last, count };
  }

  async #giveUpOldest(count: number): Promise<void> {
    const { buffer, forwarders } = this.#parts;
    for (let left = count; left > 0;) {
      const oldest = await this.#oldest(Math.min(left, MIN_EVICTION));
      if (oldest === undefined) return;
      let lost = 0;
      for (const forwarder of forwarders) lost += await this.#forfeit(forwarder, oldest);
      if (lost === 0) return;
      const unwanted = oldest.entries
        .map(([id]) => id)
        .filter((id) => !forwarders.some(({ flight }) => isPending(flight.progress, id)));
      if (unwanted.length > 0) await buffer.remove(unwanted);
      left -= unwanted.length;
    }
  }

  /** The oldest entries that a destination may lose; undefined when there are none. */
  async #oldest(count: number): Promise<Oldest | undefined> {
    const { readings, forwarders } = this.#parts;
    const ranges = forwarders
      .flatMap(({ flight }) => flight.forfeitable)
      .toSorted((a, b) => compareIds(a.after, b.after));
    for (const { after, upTo } of ranges) {
      const { entries } = await readings.chunk(after, upTo, count);
      const last = entries.at(-1);
      if (last !== undefined) return { after, upTo: last[0], entries };
    }
    return undefined;
  }

  /** Gives up what this destination may lose of these entries; returns how many it loses. */
  async #forfeit({ flight, tally, moreWork }: Waiting, oldest: Oldest): Promise<number> {
    let lost = 0;
    for (const part of intersect(flight.forfeitable, oldest)) {
      const stretch = { ...part, count: 0 };
      if (!flight.reserve(stretch)) continue;
      try {
        const entries = oldest.entries.filter(([id]) => contains(stretch, id));
        const gaps = gapsOf(entries, 'buffer_full');
        if (!(await flight.forfeit(stretch, gaps))) continue;
        lost += entries.length;
        tally.gapReadings += gapCount(gaps);
      } finally {
        // A lane may have found nothing to send meanwhile.
        flight.release(stretch);
        moreWork.ring();
      }
    }
    return lost;
  }
}

/** Entries, and the part of the stream they were read from: `(after, upTo]`. */
interface Oldest {
  readonly after: string;
  readonly upTo: string;
  readonly entries: readonly StreamEntry[];
}

function contains(stretch: Stretch, id: string): boolean {
  return compareIds(id, stretch.after) > 0 && compareIds(id, stretch.upTo) <= 0;
}
