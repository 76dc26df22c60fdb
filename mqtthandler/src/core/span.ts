/** Which sequence numbers entries stand for: all that continuity needs to know of them. */
import { fieldOf, identityOf } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import type { GapRecord } from '../ports.ts';
import { parseGap } from './gap-json.ts';

/** A reading of ours. */
export interface Passed {
  readonly epoch: string;
  readonly seq: number;
}

/** Numbers without a hole, of readings or of a gap record. */
export interface Span {
  readonly epoch: string;
  readonly from: number;
  readonly to: number;
  /** The last reading of the life before, told by the first of a new one. */
  readonly previous?: Passed;
}

/** What the readings of ours in a part of the stream say about its beginning and its end. */
export interface Edges {
  /** The last reading of ours before them; its number is 0 when they are the first of their life. */
  readonly before: Passed;
  readonly last: Passed;
}

/** The numbers an entry stands for; undefined for those of other programs. */
export function spanOf(fields: readonly string[]): Span | undefined {
  const identity = identityOf(fields);
  if (identity !== undefined) {
    const { epoch, seq } = identity;
    const before = fieldOf(fields, '_previous_epoch');
    if (before === undefined) return { epoch, from: seq, to: seq };
    const previous = { epoch: before, seq: Number(fieldOf(fields, '_previous_seq')) };
    return { epoch, from: seq, to: seq, previous };
  }
  const epoch = fieldOf(fields, '_epoch');
  const text = fieldOf(fields, '_gap');
  if (epoch === undefined || text === undefined) return undefined;
  const gap = parseGap(text);
  if (gap === undefined || !('from_seq' in gap)) return undefined;
  return { epoch, from: gap.from_seq, to: gap.to_seq };
}

/** The spans of entries, in order. */
export function spansOf(entries: readonly StreamEntry[]): Span[] {
  return entries.flatMap(([, fields]) => spanOf(fields) ?? []);
}

/** The spans of readings that are recorded as lost, in order. */
export function spansOfGaps(records: readonly GapRecord[]): Span[] {
  return records.flatMap(({ epoch, gap }) =>
    epoch === undefined || !('from_seq' in gap)
      ? []
      : { epoch, from: gap.from_seq, to: gap.to_seq },
  );
}

/** Undefined when there is none of ours. */
export function edgesOf(spans: readonly Span[]): Edges | undefined {
  const first = spans[0];
  let last: Passed | undefined;
  for (const { epoch, to } of spans) last = furthest(last, { epoch, seq: to });
  return first === undefined || last === undefined ? undefined : { before: beforeOf(first), last };
}

function beforeOf({ epoch, from, previous }: Span): Passed {
  const told = previous !== undefined && Number.isSafeInteger(previous.seq) && previous.seq > 0;
  return from === 1 && told ? previous : { epoch, seq: from - 1 };
}

/** The later of two readings, of which the second stands behind the first or was sent once more. */
export function furthest(
  first: Passed | undefined,
  second: Passed | undefined,
): Passed | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return first.epoch === second.epoch && first.seq > second.seq ? first : second;
}

/** Of all numbers that spans hold, in order, those from the `from`th to before the `to`th. */
export function sliceSpans(spans: readonly Span[], from: number, to: number): Span[] {
  const part: Span[] = [];
  let at = 0;
  for (const span of spans) {
    const start = Math.max(from - at, 0);
    const end = Math.min(to - at, span.to - span.from + 1);
    const { epoch } = span;
    if (start < end) part.push({ epoch, from: span.from + start, to: span.from + end - 1 });
    at += span.to - span.from + 1;
  }
  return part;
}
