/**
 * Redis stream ids, `<unix ms>-<n>`, as plain strings. They are compared by number: as text,
 * `10-0` would sort before `9-0`.
 */

/** Before every entry. */
export const FIRST_ID = '0-0';

const MAX_PART = (1n << 64n) - 1n;

/**
 * Parses what people and older programs write into a cursor: `123-0`, `(123-0`, `123` and `-`
 * (contract, section 1). Returns the canonical id, `0-0` for `-`, undefined for anything else.
 */
export function parseStreamId(raw: string): string | undefined {
  const text = raw.trim();
  if (text === '-') return FIRST_ID;
  const match = /^\(?(\d{1,20})(?:-(\d{1,20}))?$/.exec(text);
  if (match === null) return undefined;
  const ms = BigInt(match[1] ?? '0');
  const n = BigInt(match[2] ?? '0');
  return ms > MAX_PART || n > MAX_PART ? undefined : `${ms}-${n}`;
}

/** Milliseconds since 1970 of an id, by the clock the device had when it was given. */
export function streamIdMs(id: string): number {
  return Number(id.slice(0, id.indexOf('-')));
}

/** Negative, zero or positive as `a` is before, equal to or after `b`; both canonical. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  const dashA = a.indexOf('-');
  const dashB = b.indexOf('-');
  // Canonical parts have no leading zeros: the longer number is the greater one.
  if (dashA !== dashB) return dashA - dashB;
  const msA = a.slice(0, dashA);
  const msB = b.slice(0, dashB);
  if (msA !== msB) return msA < msB ? -1 : 1;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}
