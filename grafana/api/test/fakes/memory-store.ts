/** A Redis in memory, in as far as the service asks it anything. */
import { TransientError } from '@holdfast/kit';
import { compareIds, streamIdMs } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import type { Facts, Memory } from '../../src/core/facts.ts';
import { stepStartMs } from '../../src/core/grid.ts';
import type { Grid } from '../../src/core/grid.ts';
import type { Destination } from '../../src/core/links.ts';
import type { Store } from '../../src/ports.ts';
import { facts } from './knowledge.ts';

export class MemoryStore implements Store {
  /** Oldest first. */
  values: StreamEntry[] = [];
  told: StreamEntry[] = [];
  records: Partial<Record<Destination, StreamEntry[]>> = {};
  known: Facts = facts();
  away = false;
  /** How often each question was asked. */
  readonly asked = new Map<keyof Store, number>();

  get ready(): boolean {
    return !this.away;
  }

  async facts(): Promise<Facts> {
    return this.#answer('facts', {
      ...this.known,
      entries: this.values.length,
      oldestId: this.values[0]?.[0] ?? null,
      mqttGaps: this.records.mqtt?.length ?? 0,
      hubGaps: this.records.hub?.length ?? 0,
    });
  }

  async memory(): Promise<Memory> {
    return this.#answer('memory', { usedBytes: 1, limitBytes: null, aofBytes: 1 });
  }

  async newest(count: number): Promise<StreamEntry[]> {
    return this.#answer('newest', this.values.slice(-count).toReversed());
  }

  async page(
    after: string | undefined,
    fromMs: number,
    toMs: number,
    count: number,
  ): Promise<StreamEntry[]> {
    const follows = (id: string) =>
      after === undefined ? streamIdMs(id) >= fromMs : compareIds(id, after) > 0;
    const inside = this.values.filter(([id]) => follows(id) && streamIdMs(id) <= toMs);
    return this.#answer('page', inside.slice(0, count));
  }

  async windows(grid: Grid, size: number, first: number, count: number): Promise<StreamEntry[][]> {
    const between = (values: readonly StreamEntry[], from: number, end: number) => {
      const [fromMs, endMs] = [stepStartMs(grid, from), stepStartMs(grid, end)];
      return values.filter(([id]) => streamIdMs(id) >= fromMs && streamIdMs(id) < endMs);
    };
    const all = between(this.values, first, first + count);
    const windows = Array.from({ length: count }, (_, i) =>
      between(all, first + i, first + i + 1).slice(0, size),
    );
    return this.#answer('windows', windows);
  }

  async events(): Promise<StreamEntry[]> {
    return this.#answer('events', this.told);
  }

  async gaps(destination: Destination, count: number): Promise<StreamEntry[]> {
    return this.#answer('gaps', (this.records[destination] ?? []).slice(0, count));
  }

  async #answer<T>(question: keyof Store, value: T): Promise<T> {
    this.asked.set(question, (this.asked.get(question) ?? 0) + 1);
    await Promise.resolve();
    if (this.away) throw new TransientError('away');
    return value;
  }
}
