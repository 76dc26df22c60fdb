/** Batches of the stream, copied from Redis' bytes into messages; decisions in `core/read-size.ts`. */
import { isUtf8 } from 'node:buffer';
import { KEYS } from '@holdfast/redis';
import { batchOf, renderedBatch } from '../core/batch.ts';
import type { Batch } from '../core/batch.ts';
import { entriesIn, entriesOf, lastIdGuess } from '../core/range-reply.ts';
import {
  READ_SIZE_START,
  afterMeasured,
  afterRead,
  afterVain,
  entriesToAsk,
} from '../core/read-size.ts';
import type { Rendered, Transcoder } from '../core/transcode.ts';
import type { PackedBatch } from '../ports.ts';
import type { PayloadPool } from './payload-pool.ts';
import type { RangeConnection, RangeReply } from './range-connection.ts';

/** What renders readings while they are read. */
export interface Rendering {
  readonly transcoder: Transcoder;
  readonly payloads: PayloadPool;
}

/** Entries differ in size: so much more memory than their share is taken for those of a message. */
const ROOM = 1.125;

export class RenderedBatches {
  readonly #ranges: RangeConnection;
  readonly #rendering: Rendering;
  #size = READ_SIZE_START;

  constructor(ranges: RangeConnection, rendering: Rendering) {
    this.#ranges = ranges;
    this.#rendering = rendering;
  }

  /**
   * As `Readings.batch`; undefined when the entries have to be measured, or something is unusual:
   * then another way is taken, and its result told to `measured`.
   */
  async read(
    after: string,
    upTo: string | null,
    count: number,
    messages: number,
  ): Promise<PackedBatch | undefined> {
    const asked = entriesToAsk(this.#size, count * messages);
    if (asked < 1) return undefined;
    const { key } = KEYS.values;
    const reply = await this.#ranges.read(key, `(${after}`, upTo ?? '+', asked);
    const range = typeof reply === 'string' ? undefined : entriesIn(reply.bytes);
    if (typeof reply === 'string' || range === undefined) {
      this.#size = afterVain(this.#size);
      return undefined;
    }
    this.#size = afterRead(this.#size, range.count, reply.bytes.length);
    const exhausted = range.count < asked;
    return {
      lastId: lastIdGuess(reply.bytes),
      exhausted,
      unpack: () => {
        const batch = this.#unpack(reply, range, count, exhausted);
        reply.release();
        return batch;
      },
    };
  }

  /** Entries that were read the other way, and their size. */
  measured(entries: number, bytes: number): void {
    this.#size = afterMeasured(this.#size, entries, bytes);
  }

  #unpack(
    { bytes }: RangeReply,
    range: { readonly count: number; readonly at: number },
    count: number,
    exhausted: boolean,
  ): Batch {
    const rendered = isUtf8(bytes) ? this.#render(bytes, range, count) : undefined;
    if (rendered !== undefined) return renderedBatch(rendered, exhausted);
    return batchOf(entriesOf(bytes), exhausted);
  }

  /** Undefined when one of the entries takes more than copying. */
  #render(
    bytes: Buffer,
    range: { readonly count: number; readonly at: number },
    count: number,
  ): Rendered[] | undefined {
    const { transcoder, payloads } = this.#rendering;
    const parts: Rendered[] = [];
    let { at } = range;
    for (let left = range.count; left > 0;) {
      const wanted = Math.min(count, left);
      const share =
        wanted === left ? bytes.length - at : (bytes.length / range.count) * wanted * ROOM;
      const memory = payloads.take(transcoder.targetBytes(Math.ceil(share), wanted));
      const part = transcoder.run(bytes, at, wanted, memory);
      if (part === undefined) {
        for (const { payload } of [...parts, { payload: memory }]) payloads.giveBack(payload);
        return undefined;
      }
      parts.push(part);
      at = part.sourceEnd;
      left -= part.ends.length;
    }
    return parts;
  }
}
