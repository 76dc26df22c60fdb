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
import type { RangeConnection } from './range-connection.ts';

/** What renders readings while they are read. */
export interface Rendering {
  readonly transcoder: Transcoder;
  readonly payloads: PayloadPool;
}

export class RenderedBatches {
  readonly #ranges: RangeConnection;
  readonly #rendering: Rendering;
  /** New entries and old ones differ: what a busy live lane finds says nothing about a backlog. */
  readonly #sizes = { open: READ_SIZE_START, closed: READ_SIZE_START };

  constructor(ranges: RangeConnection, rendering: Rendering) {
    this.#ranges = ranges;
    this.#rendering = rendering;
  }

  /**
   * As `Readings.batch`; undefined when the entries have to be measured, or something is unusual:
   * then another way is taken, and its result told to `measured`.
   */
  async read(after: string, upTo: string | null, count: number): Promise<PackedBatch | undefined> {
    const kind = kindOf(upTo);
    const asked = entriesToAsk(this.#sizes[kind], count);
    if (asked < 1 || !this.#ranges.ready) return undefined;
    const reply = await this.#ranges
      .read(KEYS.values.key, `(${after}`, upTo ?? '+', asked)
      // The other way has its own words for what is wrong, if anything is.
      .catch(() => 'unavailable' as const);
    const found = typeof reply === 'string' ? undefined : entriesIn(reply.bytes);
    if (typeof reply === 'string' || found === undefined) {
      this.#sizes[kind] = afterVain(this.#sizes[kind]);
      return undefined;
    }
    this.#sizes[kind] = afterRead(this.#sizes[kind], found, reply.bytes.length);
    const exhausted = found < asked;
    const unpack = () => {
      const batch = this.#unpack(reply.bytes, found, exhausted);
      reply.release();
      return batch;
    };
    return { lastId: lastIdGuess(reply.bytes), exhausted, unpack };
  }

  /** What was read the other way. */
  measured(upTo: string | null, entries: number, bytes: number): void {
    const kind = kindOf(upTo);
    this.#sizes[kind] = afterMeasured(this.#sizes[kind], entries, bytes);
  }

  #unpack(reply: Buffer, entries: number, exhausted: boolean): Batch {
    const rendered = isUtf8(reply) ? this.#render(reply, entries) : undefined;
    if (rendered !== undefined) return renderedBatch(rendered, exhausted);
    return batchOf(entriesOf(reply), exhausted);
  }

  /** Undefined when one of the entries takes more than copying. */
  #render(reply: Buffer, entries: number): Rendered | undefined {
    const { transcoder, payloads } = this.#rendering;
    const memory = payloads.take(transcoder.targetBytes(reply.length, entries));
    const rendered = transcoder.run(reply, memory);
    if (rendered === undefined) payloads.giveBack(memory);
    return rendered;
  }
}

function kindOf(upTo: string | null): 'open' | 'closed' {
  return upTo === null ? 'open' : 'closed';
}
