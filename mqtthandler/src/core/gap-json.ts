/** Gap records as JSON, in the field `_gap` of an entry and on the wire (contract, section 3). */
import type { Gap } from '@holdfast/redis';

/** Whether a field's text is a gap record of ours, and not somebody else's idea of `_gap`. */
export function isGapJson(text: string): boolean {
  return parseGap(text) !== undefined;
}

/** Reads a gap record; undefined when it is none. */
export function parseGap(text: string): Gap | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const gap = value as Record<string, unknown>;
  const [count, from, to] = [gap['count'], gap['from_seq'], gap['to_seq']];
  if (!isCount(count) || typeof gap['reason'] !== 'string') return undefined;
  const bySeq = isCount(from) && isCount(to) && from <= to;
  const byId = typeof gap['from_id'] === 'string' && typeof gap['to_id'] === 'string';
  return bySeq || byId ? (value as Gap) : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}
