/** A stream of readings in memory, held to the same suite as the one in Redis. */
import { FIRST_ID, compareIds } from '@holdfast/redis';
import type { Clock } from '@holdfast/kit';
import type { StreamEntry } from '@holdfast/redis';
import { batchOf, renderedBatch } from '../../src/core/batch.ts';
import type { Batch } from '../../src/core/batch.ts';
import type { Rendered, Transcoder } from '../../src/core/transcode.ts';
import type { PackedBatch, Chunk, Readings } from '../../src/ports.ts';
import { rangeReply } from './range-reply.ts';

/** A tail without news ends after so long. */
const TAIL_MS = 5_000;

export class FakeReadings implements Readings {
  /** Set = every read fails with it. */
  failure: Error | undefined;
  #entries: StreamEntry[] = [];
  #lastId = FIRST_ID;
  #lastMs = 1_000;
  readonly #waiting = new Set<() => void>();
  readonly #clock: Clock;

  readonly #transcoder: Transcoder | undefined;

  /** @param transcoder renders what `batch` reads */
  constructor(clock: Clock, transcoder?: Transcoder) {
    this.#clock = clock;
    this.#transcoder = transcoder;
  }

  get entries(): readonly StreamEntry[] {
    return this.#entries;
  }

  /** Appends an entry; returns its id. Ids are not evenly spaced, as in life. */
  append(fields: readonly string[], id = `${(this.#lastMs += 1 + (this.#lastMs % 3))}-0`): string {
    this.#entries.push([id, fields]);
    this.#lastId = id;
    for (const wake of this.#waiting) wake();
    return id;
  }

  /** What DEL does. */
  clear(): void {
    this.#entries = [];
    this.#lastId = FIRST_ID;
  }

  /** What XDEL does. */
  remove(keep: (entry: StreamEntry) => boolean): void {
    this.#entries = this.#entries.filter(keep);
  }

  range(after: string, upTo: string | null, count: number): Promise<StreamEntry[]> {
    return this.#read(() => this.#between(after, upTo).slice(0, Math.max(0, count)));
  }

  chunk(after: string, upTo: string | null, count: number): Promise<Chunk> {
    return this.#read(() => {
      const found = this.#between(after, upTo);
      return { entries: found.slice(0, Math.max(0, count)), exhausted: found.length < count };
    });
  }

  batch(after: string, upTo: string | null, count: number): Promise<PackedBatch> {
    return this.#read(() => {
      const found = this.#between(after, upTo);
      const entries = found.slice(0, Math.max(0, count));
      const exhausted = found.length < count;
      const unpack = () => this.#unpack(entries, exhausted);
      return { lastId: entries.at(-1)?.[0], exhausted, unpack };
    });
  }

  newest(after: string, upTo: string, count: number): Promise<Chunk> {
    return this.#read(() => {
      const found = this.#between(after, upTo);
      return { entries: count > 0 ? found.slice(-count) : [], exhausted: found.length < count };
    });
  }

  async tail(after: string, count: number, signal: AbortSignal): Promise<StreamEntry[]> {
    const news = await this.range(after, null, count);
    if (signal.aborted || news.length > 0) return signal.aborted ? [] : news;
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#waiting.add(wake);
    await this.#clock.sleepMs(TAIL_MS, AbortSignal.any([signal, woken.signal]));
    this.#waiting.delete(wake);
    return signal.aborted ? [] : this.range(after, null, count);
  }

  lastId(): Promise<string> {
    return this.#read(() => this.#lastId);
  }

  /** Fails whoever waits for news, as a connection that breaks does. */
  interrupt(): void {
    for (const wake of this.#waiting) wake();
  }

  async #read<T>(answer: () => T): Promise<T> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    return answer();
  }

  #unpack(entries: readonly StreamEntry[], exhausted: boolean): Batch {
    const rendered = this.#render(entries);
    return rendered === undefined
      ? batchOf(entries, exhausted)
      : renderedBatch(rendered, exhausted);
  }

  #render(entries: readonly StreamEntry[]): Rendered | undefined {
    if (this.#transcoder === undefined) return undefined;
    const source = rangeReply(entries);
    const target = new Uint8Array(this.#transcoder.targetBytes(source.length, entries.length));
    return this.#transcoder.run(source, target);
  }

  #between(after: string, upTo: string | null): StreamEntry[] {
    return this.#entries.filter(
      ([id]) => compareIds(id, after) > 0 && (upTo === null || compareIds(id, upTo) <= 0),
    );
  }
}
