/** The buffer over the stream in memory, held to the same suite as the one in Redis. */
import type { StreamEntry } from '@holdfast/redis';
import { compareIds } from '@holdfast/redis';
import { entryBytes } from '../../src/core/buffer.ts';
import type { BufferSize, ReadingsBuffer } from '../../src/ports.ts';
import type { FakeReadings } from './fake-readings.ts';

export class FakeBuffer implements ReadingsBuffer {
  readonly #readings: FakeReadings;

  constructor(readings: FakeReadings) {
    this.#readings = readings;
  }

  measure(): Promise<BufferSize> {
    const { entries } = this.#readings;
    return Promise.resolve({
      entries: entries.length,
      bytes: entries.reduce((sum, entry) => sum + entryBytes(entry), 0),
      added: entries.length,
      first: entries[0],
      last: entries.at(-1),
      maxMemoryBytes: 0,
      usedMemoryBytes: 0,
    });
  }

  trimBefore(id: string): Promise<number> {
    const before = this.#readings.entries.length;
    this.#readings.remove(([other]) => compareIds(other, id) >= 0);
    return Promise.resolve(before - this.#readings.entries.length);
  }

  remove(ids: readonly string[]): Promise<void> {
    const gone = new Set(ids);
    this.#readings.remove(([id]) => !gone.has(id));
    return Promise.resolve();
  }

  firstAfter(after: string): Promise<StreamEntry | undefined> {
    return Promise.resolve(this.#readings.entries.find(([id]) => compareIds(id, after) > 0));
  }
}
