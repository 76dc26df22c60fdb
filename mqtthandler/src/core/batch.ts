/** Readings that were read to be sent: as entries, or rendered already. */
import type { StreamEntry } from '@holdfast/redis';
import type { Message, MessagePacker, PackLimits } from './message.ts';
import { spansOf } from './span.ts';
import type { Span } from './span.ts';
import type { Rendered } from './transcode.ts';

/** What is known of readings without looking at what they say. */
export interface Extent {
  readonly count: number;
  /** Undefined when there are none. */
  readonly firstId: string | undefined;
  readonly lastId: string | undefined;
  readonly spans: readonly Span[];
}

export interface Batch extends Extent {
  /** The range holds nothing more. */
  readonly exhausted: boolean;
  /** As messages within the limits, in order (`MessagePacker.pack`). */
  pack(packer: MessagePacker, limits: PackLimits): Message[];
}

export function batchOf(entries: readonly StreamEntry[], exhausted: boolean): Batch {
  return {
    ...extentOf(entries),
    exhausted,
    pack: (packer, limits) => packer.pack(entries, limits),
  };
}

export function renderedBatch(rendered: Rendered, exhausted: boolean): Batch {
  const { ends, firstId, lastId, spans } = rendered;
  return {
    count: ends.length,
    firstId,
    lastId,
    spans,
    exhausted,
    pack: (packer, limits) => packer.packRendered(rendered, limits),
  };
}

export function extentOf(entries: readonly StreamEntry[]): Extent {
  return {
    count: entries.length,
    firstId: entries[0]?.[0],
    lastId: entries.at(-1)?.[0],
    spans: spansOf(entries),
  };
}
