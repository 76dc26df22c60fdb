/** Reads so that messages fill metering blocks (core/hub/blocks.ts). */
import type { StreamEntry } from '@holdfast/redis';
import { streamIdMs } from '@holdfast/redis';
import { batchOf } from '../core/batch.ts';
import type { Batch } from '../core/batch.ts';
import { fillingCount, messageBytes, patienceMs } from '../core/hub/blocks.ts';
import type { LaneContext, ReadLive } from '../lane-context.ts';
import type { MessagePacker } from '../core/message.ts';
import { CURSOR_LOOK_MS } from '../core/pace.ts';
import type { Chunk, PackedBatch, Readings } from '../ports.ts';

export interface BlockRules {
  readonly blockBytes: number;
  /** What the properties of a message count for. */
  readonly overheadBytes: number;
}

const NOTHING = batchOf([], true);
/** Enough to wake up for. */
const WAKE_READINGS = 10;
/** How often is looked whether a block is full: at a busy stream soon, then ever less often. */
const LOOK_MS = { first: 20, cap: 1_000 };

/** The stream of readings; what is read to be sent is cut where a block is full. */
export class BlockReadings implements Readings {
  readonly #readings: Readings;
  readonly #rules: BlockRules;
  readonly #packer: MessagePacker;

  constructor(readings: Readings, packer: MessagePacker, rules: BlockRules) {
    this.#readings = readings;
    this.#packer = packer;
    this.#rules = rules;
  }

  range(after: string, upTo: string | null, count: number): Promise<StreamEntry[]> {
    return this.#readings.range(after, upTo, count);
  }

  tail(after: string, count: number, signal: AbortSignal): Promise<StreamEntry[]> {
    return this.#readings.tail(after, count, signal);
  }

  lastId(): Promise<string> {
    return this.#readings.lastId();
  }

  chunk(after: string, upTo: string | null, count: number): Promise<Chunk> {
    return this.#readings.chunk(after, upTo, count);
  }

  async batch(after: string, upTo: string | null, count: number): Promise<PackedBatch> {
    const { entries, exhausted } = await this.#readings.chunk(after, upTo, count);
    const filling = exhausted ? entries : entries.slice(0, this.#filling(entries));
    const lastId = filling.at(-1)?.[0];
    return { lastId, exhausted, unpack: () => batchOf(filling, exhausted) };
  }

  async newest(after: string, upTo: string, count: number): Promise<Chunk> {
    const chunk = await this.#readings.newest(after, upTo, count);
    if (chunk.exhausted) return chunk;
    const filling = this.#filling(chunk.entries.toReversed());
    return { entries: chunk.entries.slice(-filling), exhausted: false };
  }

  /** The live lane: what fills blocks at once, what does not when its time is up. */
  readonly readLive: ReadLive = async (context, after, signal) => {
    const { clock } = context;
    const woken = await this.#readings.tail(after, WAKE_READINGS, signal);
    const first = woken[0];
    if (first === undefined) {
      if (!signal.aborted) await context.onIdle();
      return NOTHING;
    }
    const intervalMs = context.intervalSeconds() * 1_000;
    const untilMs =
      clock.monotonicMs() + patienceMs(streamIdMs(first[0]), clock.nowMs(), intervalMs);
    return await this.#gather(context, after, untilMs, signal);
  };

  async #gather(
    context: LaneContext,
    after: string,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<Batch> {
    const { clock, settings } = context;
    let lookedMs = clock.monotonicMs();
    for (let lookMs = LOOK_MS.first; ; lookMs = Math.min(LOOK_MS.cap, 2 * lookMs)) {
      if (signal.aborted) return NOTHING;
      const chunk = await this.#readings.chunk(after, null, settings.maxReadings);
      const leftMs = untilMs - clock.monotonicMs();
      const full = !chunk.exhausted || this.#bytes(chunk.entries) >= this.#rules.blockBytes;
      if (full) {
        const entries = chunk.entries.slice(0, this.#filling(chunk.entries));
        return batchOf(entries, chunk.exhausted);
      }
      if (leftMs <= 0) return batchOf(chunk.entries, chunk.exhausted);
      await clock.sleepMs(Math.min(leftMs, lookMs), signal);
      if (signal.aborted || clock.monotonicMs() - lookedMs < CURSOR_LOOK_MS) continue;
      lookedMs = clock.monotonicMs();
      await context.onIdle();
    }
  }

  #filling(entries: readonly StreamEntry[]): number {
    const { blockBytes, overheadBytes } = this.#rules;
    return fillingCount(this.#sizes(entries), blockBytes, overheadBytes);
  }

  #bytes(entries: readonly StreamEntry[]): number {
    return messageBytes(this.#sizes(entries), this.#rules.overheadBytes);
  }

  #sizes(entries: readonly StreamEntry[]): number[] {
    return entries.map((entry) => Buffer.byteLength(this.#packer.render(entry)));
  }
}
