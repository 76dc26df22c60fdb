/**
 * Gap records: which readings are lost, exactly (contract, section 3). Readings of ours are named by
 * epoch and sequence numbers, those of other programs by their stream ids.
 */
import { fieldOf, identityOf } from '@holdfast/redis';
import type { Gap, GapReason, StreamEntry } from '@holdfast/redis';
import type { GapRecord } from '../ports.ts';
import { parseGap } from './gap-json.ts';
import type { Passed, Span } from './span.ts';

/**
 * The gap records that stand for the loss of these entries, which follow each other in the stream; in
 * the order in which each begins. Consecutive sequence numbers share one, and so do all entries of
 * other programs, whatever stands between them. An entry that is itself a gap record keeps its exact
 * count: losing the record of a loss loses what it stood for.
 */
export function gapsOf(entries: readonly StreamEntry[], reason: GapReason): GapRecord[] {
  const records: GapRecord[] = [];
  /** Where the record is that the next loss of a kind may belong to. */
  const open = new Map<string, number>();
  for (const entry of entries) {
    const record = gapOf(entry, reason);
    const kind = kindOf(entry, record);
    const at = open.get(kind) ?? -1;
    const before = records[at];
    const merged = before === undefined ? undefined : mergeGaps(before, record);
    if (merged === undefined) open.set(kind, records.push(record) - 1);
    else records[at] = merged;
  }
  return records;
}

/** Losses of different kinds never share a record. */
function kindOf([id]: StreamEntry, { epoch, gap }: GapRecord): string {
  if ('from_seq' in gap) return JSON.stringify([gap.reason, epoch]);
  // The record of an earlier loss stands for entries elsewhere.
  return JSON.stringify(gap.from_id === id ? [gap.reason] : [gap.reason, 'at', id]);
}

function gapOf(entry: StreamEntry, reason: GapReason): GapRecord {
  const [id, fields] = entry;
  const text = fieldOf(fields, '_gap');
  const inner = text === undefined ? undefined : parseGap(text);
  const epoch = fieldOf(fields, '_epoch');
  if (inner !== undefined) return { epoch, gap: inner };
  const identity = identityOf(fields);
  if (identity === undefined) {
    return { epoch: undefined, gap: { from_id: id, to_id: id, count: 1, reason } };
  }
  const { seq } = identity;
  return { epoch: identity.epoch, gap: { from_seq: seq, to_seq: seq, count: 1, reason } };
}

/** One record for two of a kind; undefined when numbers between them are not lost. */
function mergeGaps(first: GapRecord, next: GapRecord): GapRecord | undefined {
  const count = first.gap.count + next.gap.count;
  if ('from_seq' in first.gap && 'from_seq' in next.gap) {
    if (next.gap.from_seq !== first.gap.to_seq + 1) return undefined;
    return { epoch: first.epoch, gap: { ...first.gap, to_seq: next.gap.to_seq, count } };
  }
  if ('from_id' in first.gap && 'from_id' in next.gap) {
    return { epoch: first.epoch, gap: { ...first.gap, to_id: next.gap.to_id, count } };
  }
  return undefined;
}

/**
 * Follows the sequence numbers of readings in order and finds what is missing between them: readings
 * that somebody removed from the stream without a word. A gap record in the stream explains the
 * numbers it covers; numbers that go back (a replay) prove nothing.
 */
export function findHoles(
  passed: Passed | undefined,
  spans: readonly Span[],
): { readonly passed: Passed | undefined; readonly holes: readonly GapRecord[] } {
  let last = passed;
  const holes: GapRecord[] = [];
  for (const span of spans) {
    const expected = expectedSeq(last, span, holes);
    if (expected !== undefined && span.from > expected) {
      holes.push(hole(span.epoch, expected, span.from - 1));
    }
    if (last === undefined || last.epoch !== span.epoch || span.to > last.seq) {
      last = { epoch: span.epoch, seq: span.to };
    }
  }
  return { passed: last, holes };
}

/** The number that should come next; adds the hole at the end of a life of the buffer. */
function expectedSeq(
  last: Passed | undefined,
  { epoch, previous }: Span,
  holes: GapRecord[],
): number | undefined {
  if (last === undefined) return undefined;
  if (last.epoch === epoch) return last.seq + 1;
  if (previous?.epoch === last.epoch && previous.seq > last.seq) {
    holes.push(hole(last.epoch, last.seq + 1, previous.seq));
  }
  return undefined;
}

/** Adds what is missing up to the reading that is known to have been the last one; undefined = unknown. */
export function withHolesUpTo(
  found: ReturnType<typeof findHoles>,
  last: Passed | undefined,
): ReturnType<typeof findHoles> {
  const { passed, holes } = found;
  if (last === undefined || passed?.epoch !== last.epoch || passed.seq >= last.seq) return found;
  return { passed: last, holes: [...holes, hole(last.epoch, passed.seq + 1, last.seq)] };
}

/** Readings of ours that somebody removed. */
export function hole(epoch: string, fromSeq: number, toSeq: number): GapRecord {
  const count = toSeq - fromSeq + 1;
  return { epoch, gap: { from_seq: fromSeq, to_seq: toSeq, count, reason: 'removed' } };
}

/** How many readings a list of gap records stands for. */
export function gapCount(records: readonly { readonly gap: Gap }[]): number {
  return records.reduce((sum, record) => sum + record.gap.count, 0);
}
