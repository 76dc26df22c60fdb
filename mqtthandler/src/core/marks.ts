/**
 * Marks: which reading of ours is the last one up to an id, known for the ids at which ranges of
 * progress begin and end. Entries of other programs have no numbers, and entries can be removed: so
 * the number that comes next behind such an id is remembered, not looked up there.
 *
 * A mark may be missing (nothing is known then), but never names a reading that is behind its id, or
 * one before the last that was delivered or recorded as lost: either would invent a loss or hide one.
 */
import type { Progress } from './progress.ts';
import type { Passed } from './span.ts';

export type Marks = ReadonlyMap<string, Passed>;

export const NO_MARKS: Marks = new Map();

/** Only those of the ids at which ranges begin or end, in order. */
export function marksOf(marks: Marks, progress: Progress): Marks {
  const kept = new Map<string, Passed>();
  for (const { after, upTo } of progress) {
    for (const id of [after, upTo]) {
      const passed = id === null ? undefined : marks.get(id);
      if (id !== null && passed !== undefined) kept.set(id, passed);
    }
  }
  return kept;
}

/** An epoch that can stand in a mark; other programs may write what they like into `_epoch`. */
const MARKABLE = /^[\w.-]{1,64}$/;

/**
 * `<sender>:mark` reads: last_id, its epoch and seq if they are known, then id, epoch and seq of each
 * further mark; null = the key is absent.
 */
export function encodeMarks(lastId: string, marks: Marks): string | null {
  const known = [...marks].filter(([, { epoch, seq }]) => MARKABLE.test(epoch) && seq > 0);
  if (known.length === 0) return null;
  const words = known.map(([id, { epoch, seq }]) => `${id} ${epoch} ${seq}`);
  return known[0]?.[0] === lastId ? words.join(' ') : [lastId, ...words].join(' ');
}

/** Empty when there are none, or when they belong to another `last_id`. */
export function decodeMarks(lastId: string, mark: string | null): Marks {
  const words = (mark ?? '').split(' ');
  const marks = new Map<string, Passed>();
  if (words[0] !== lastId) return marks;
  for (let i = words.length % 3; i < words.length; i += 3) {
    const [id = '', epoch = '', number] = words.slice(i, i + 3);
    const seq = Number(number);
    if (MARKABLE.test(epoch) && Number.isSafeInteger(seq) && seq > 0) marks.set(id, { epoch, seq });
  }
  return marks;
}
