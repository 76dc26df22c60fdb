/** How far a destination is: what it has still to get, and the marks where that begins and ends. */
import { FIRST_ID, compareIds } from '@holdfast/redis';
import { NO_MARKS, marksOf } from './marks.ts';
import type { Marks } from './marks.ts';
import { intersect, progressFrom, subtract } from './progress.ts';
import type { Progress } from './progress.ts';
import { furthest } from './span.ts';
import type { Edges, Passed } from './span.ts';

export interface Position {
  readonly progress: Progress;
  readonly marks: Marks;
}

/** Before everything. */
export const NOWHERE: Position = { progress: progressFrom(FIRST_ID), marks: NO_MARKS };

/** `(after, upTo]` */
export interface Part {
  readonly after: string;
  readonly upTo: string;
}

/**
 * Takes a part of the stream out of what is pending.
 *
 * @param position with further marks, of where other parts that are being sent end
 * @param edges of the readings of ours that were in it; undefined when there was none
 */
export function take(position: Position, part: Part, edges: Edges | undefined): Position {
  // It may be taken already: the cursor was set while it was under way.
  const taken = intersect(position.progress, part).length > 0;
  const progress = subtract(position.progress, part.after, part.upTo);
  const { marks } = position;
  return {
    progress,
    marks: taken ? marksAfter(marks, progress, part, edges) : marksOf(marks, progress),
  };
}

/** Where a part that was read begins and ends, whether it is taken or not. */
export function marksAround(marks: Marks, { after, upTo }: Part, edges: Edges | undefined): Marks {
  const before = marks.get(after) ?? (edges === undefined ? marks.get(upTo) : edges.before);
  const last = furthest(marks.get(after), edges?.last);
  const around = new Map<string, Passed>();
  if (before !== undefined) around.set(after, before);
  if (last !== undefined) around.set(upTo, last);
  return around;
}

function marksAfter(
  marks: Marks,
  progress: Progress,
  { after, upTo }: Part,
  edges: Edges | undefined,
): Marks {
  const next = new Map(marksOf(marks, progress));
  const before = marks.get(after) ?? edges?.before;
  const last = furthest(furthest(before, edges?.last), marks.get(upTo));
  // What was taken earlier on either side now is one with this part: it reaches from the end of one
  // range to the start of another.
  const end = endBefore(progress, after);
  if (end !== undefined && before !== undefined && !next.has(end)) next.set(end, before);
  const start = startBehind(progress, upTo);
  const passed = furthest(last, marks.get(start));
  if (passed !== undefined) next.set(start, passed);
  return marksOf(next, progress);
}

function endBefore(progress: Progress, id: string): string | undefined {
  return (
    progress.findLast(({ upTo }) => upTo !== null && compareIds(upTo, id) <= 0)?.upTo ?? undefined
  );
}

function startBehind(progress: Progress, id: string): string {
  return (progress.find(({ after }) => compareIds(after, id) >= 0) ?? progress[0]).after;
}
