/** Texts from Redis as values: whatever is not certain is null. */
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** A finite decimal number; null for everything else, also for `0x10`, `NaN`, blanks and nothing. */
export function finite(raw: string | null | undefined): number | null {
  if (raw === null || raw === undefined) return null;
  const trimmed = raw.trim();
  const value = Number(trimmed);
  return NUMBER.test(trimmed) && Number.isFinite(value) ? value : null;
}

/** The same, rounded to a whole number. */
export function whole(raw: string | null | undefined): number | null {
  const value = finite(raw);
  return value === null || Math.abs(value) > Number.MAX_SAFE_INTEGER ? null : Math.round(value);
}

/** A time in unix milliseconds, or as ISO 8601 text; null for 0 and what cannot be a time. */
export function timeOf(raw: string | null | undefined): number | null {
  const iso = /^\d{4}-\d\d-\d\dT/.test(raw ?? '') ? isoMs(raw ?? '') : null;
  const value = iso ?? whole(raw);
  return value !== null && value > 0 && value <= 8.64e15 ? value : null;
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?Z$/;

/** `toISOString` backwards (RFC 3339, UTC only), by the proleptic Gregorian calendar. */
function isoMs(raw: string): number | null {
  const match = ISO.exec(raw);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, h = 0, m = 0, s = 0] = match.slice(1, 7).map(Number);
  const ms = Number((match[7] ?? '0').padEnd(3, '0'));
  return ((daysSince1970(year, month, day) * 24 + h) * 60 + m) * 60_000 + s * 1_000 + ms;
}

/** Days from 1970-01-01: years counted from March, so that the leap day comes last. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const leaps = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return 365 * y + leaps + dayOfYear - 719_468;
}

/** At most so many characters: texts of other programs may be of any length. */
export function short(raw: string, characters = 200): string {
  return raw.length > characters ? `${raw.slice(0, characters - 1)}…` : raw;
}

/** The middle value; null without values. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** Three significant decimals are enough for a screen; keeps answers short. */
export function rounded(value: number): number {
  return Math.abs(value) >= 1e6 ? Math.round(value) : Number(value.toPrecision(7));
}

export type Fields = Readonly<Record<string, string>>;

/** The first of these fields that is there and not empty. */
export function firstOf(fields: Fields, ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = fields[name];
    if (value !== undefined && value !== '') return value;
  }
  return null;
}
