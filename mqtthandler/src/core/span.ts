/** Which sequence numbers entries stand for: all that continuity needs to know of them. */
import { fieldOf, identityOf } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
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
  const gap = parseGap(fieldOf(fields, '_gap') ?? '');
  if (epoch === undefined || gap === undefined || !('from_seq' in gap)) return undefined;
  return { epoch, from: gap.from_seq, to: gap.to_seq };
}

/** The spans of entries, in order. */
export function spansOf(entries: readonly StreamEntry[]): Span[] {
  return entries.flatMap(([, fields]) => spanOf(fields) ?? []);
}

/** The reading of ours that an entry ends at. */
export function passedAt(fields: readonly string[]): Passed | undefined {
  const span = spanOf(fields);
  return span === undefined ? undefined : { epoch: span.epoch, seq: span.to };
}
