/**
 * What a destination has still to get, as a set of ranges of stream ids.
 *
 * In the steady state there is one range, open at its end: everything after the last acknowledged
 * reading. While a backlog drains beside the live lane there are more: the backlog's, closed, and
 * the live lane's, open. A range is `(after, upTo]`; `upTo` null means open. Ranges are in order, do
 * not overlap, and the last one is always open.
 *
 * Stored in two keys (contract, section 1): `<sender>:last_id` = start of the first range, so that
 * everything up to it is acknowledged; `<sender>:pending` = the whole set, only while there is more
 * than one range. `pending` begins with the `last_id` it belongs to: when somebody sets `last_id` by
 * hand the two no longer agree, and what was set counts: everything after it is sent again.
 */
import { compareIds, FIRST_ID, parseStreamId } from '@holdfast/redis';
import { NO_MARKS, encodeMarks } from './marks.ts';
import type { Marks } from './marks.ts';

export interface Range {
  /** Exclusive. */
  readonly after: string;
  /** Inclusive; null = open. */
  readonly upTo: string | null;
}

/** Never empty, in order, the last one open. */
export type Progress = readonly [Range, ...Range[]];

/** More ranges than this are not made: each costs bytes at every write of the cursor. */
export const MAX_RANGES = 16;

export function progressFrom(after: string): Progress {
  return [{ after, upTo: null }];
}

/** Everything up to here is acknowledged. */
export function lowWater(progress: Progress): string {
  return progress[0].after;
}

/** The open range: where new readings arrive. */
export function openRange(progress: Progress): Range {
  return progress[progress.length - 1] ?? progress[0];
}

/** Whether an id is still to be sent. */
export function isPending(progress: Progress, id: string): boolean {
  return progress.some(
    (range) =>
      compareIds(id, range.after) > 0 && (range.upTo === null || compareIds(id, range.upTo) <= 0),
  );
}

/** Whether all of `(after, upTo]` is still to be sent. */
export function covers(
  progress: Progress,
  part: { readonly after: string; readonly upTo: string },
): boolean {
  return progress.some(
    (range) =>
      compareIds(range.after, part.after) <= 0 &&
      (range.upTo === null || compareIds(part.upTo, range.upTo) <= 0),
  );
}

/** The parts of `(after, upTo]` that are in the set. */
export function intersect(
  ranges: readonly Range[],
  part: { readonly after: string; readonly upTo: string },
): { readonly after: string; readonly upTo: string }[] {
  return ranges.flatMap((range) => {
    if (!overlaps(range, part.after, part.upTo)) return [];
    const upTo =
      range.upTo === null || compareIds(part.upTo, range.upTo) < 0 ? part.upTo : range.upTo;
    return [{ after: maxId(range.after, part.after), upTo }];
  });
}

/** Takes `(after, upTo]` out of the set: it was acknowledged, or is recorded as lost. */
export function subtract<R extends readonly Range[]>(ranges: R, after: string, upTo: string): R {
  if (compareIds(after, upTo) >= 0) return ranges;
  const left: Range[] = [];
  for (const range of ranges) {
    if (!overlaps(range, after, upTo)) {
      left.push(range);
      continue;
    }
    if (compareIds(range.after, after) < 0) left.push({ after: range.after, upTo: after });
    if (range.upTo === null || compareIds(upTo, range.upTo) < 0) {
      left.push({ after: maxId(range.after, upTo), upTo: range.upTo });
    }
  }
  // An open range stays, so progress stays progress.
  return left as readonly Range[] as R;
}

function overlaps(range: Range, after: string, upTo: string): boolean {
  const startsBeforeEnd = compareIds(range.after, upTo) < 0;
  return startsBeforeEnd && (range.upTo === null || compareIds(after, range.upTo) < 0);
}

/**
 * Cuts the open range at `at`: what is before becomes backlog, the live lane goes on after it.
 * Unchanged when nothing lies between, or when there are too many ranges already.
 */
export function splitOpen(progress: Progress, at: string): Progress {
  const open = openRange(progress);
  if (compareIds(at, open.after) <= 0 || progress.length >= MAX_RANGES) return progress;
  const closed = progress.slice(0, -1);
  return [...closed, { after: open.after, upTo: at }, { after: at, upTo: null }] as unknown as [
    Range,
    ...Range[],
  ];
}

export interface StoredProgress {
  readonly lastId: string;
  /** Null = the key is absent. */
  readonly pending: string | null;
  /** Which readings of ours are the last ones up to where ranges meet; null = the key is absent. */
  readonly mark: string | null;
}

/** `pending` reads: last_id, then `after:upTo` of each range, an open one as `after:`. */
export function encodeProgress(progress: Progress, marks: Marks = NO_MARKS): StoredProgress {
  const lastId = lowWater(progress);
  const mark = encodeMarks(lastId, marks);
  if (progress.length === 1) return { lastId, pending: null, mark };
  const ranges = progress.map((range) => `${range.after}:${range.upTo ?? ''}`);
  return { lastId, pending: [lastId, ...ranges].join(' '), mark };
}

export type DecodedProgress =
  | { readonly kind: 'stored'; readonly progress: Progress }
  /** No cursor yet: everything in the stream is still to be sent. */
  | { readonly kind: 'missing'; readonly progress: Progress }
  /** `last_id` is nothing that can be read; everything is sent again rather than nothing. */
  | { readonly kind: 'unreadable'; readonly progress: Progress };

export function decodeProgress(lastId: string | null, pending: string | null): DecodedProgress {
  if (lastId === null) return { kind: 'missing', progress: progressFrom(FIRST_ID) };
  const after = parseStreamId(lastId);
  if (after === undefined) return { kind: 'unreadable', progress: progressFrom(FIRST_ID) };
  const ranges = pending === null ? undefined : decodeRanges(pending, after);
  return { kind: 'stored', progress: ranges ?? progressFrom(after) };
}

function decodeRanges(pending: string, lastId: string): Progress | undefined {
  const [belongsTo, ...words] = pending.split(' ');
  if (belongsTo !== lastId) return undefined;
  const ranges: Range[] = [];
  for (const word of words) {
    const [after = '', upTo = ''] = word.split(':');
    if (parseStreamId(after) !== after) return undefined;
    if (upTo !== '' && parseStreamId(upTo) !== upTo) return undefined;
    ranges.push({ after, upTo: upTo === '' ? null : upTo });
  }
  return isProgress(ranges) && ranges[0].after === lastId ? ranges : undefined;
}

function isProgress(ranges: readonly Range[]): ranges is Progress {
  return (
    ranges.length > 0 &&
    ranges.every((range, i) => {
      const next = ranges[i + 1];
      if (next === undefined) return range.upTo === null;
      if (range.upTo === null) return false;
      return compareIds(range.after, range.upTo) < 0 && compareIds(range.upTo, next.after) <= 0;
    })
  );
}

function maxId(a: string, b: string): string {
  return compareIds(a, b) >= 0 ? a : b;
}
