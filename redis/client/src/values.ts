/** Reading the string keys that people and other programs may set by hand. */
import { parseStreamId } from './stream-id.ts';
import type { ValueRule } from './keys.ts';

/** `measurement:enabled` and its like: `0` = off, anything else or missing = on (contract, section 1). */
export function parseEnabled(raw: string | null): boolean {
  return raw?.trim() !== '0';
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false };

/** A decimal number within the rule's range; anything else is refused, never clamped. */
export function parseNumber(
  raw: string,
  rule: { readonly min: number; readonly max: number },
): Parsed<number> {
  const text = raw.trim();
  const value = Number(text);
  const ok = /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text) && value >= rule.min && value <= rule.max;
  return ok ? { ok, value } : { ok: false };
}

/** What a rule allows, in words, for error messages. */
export function allowedText(rule: ValueRule): string {
  switch (rule.kind) {
    case 'flag':
      return '0 or 1';
    case 'number':
      return `a number from ${rule.min} to ${rule.max}`;
    case 'stream_id':
      return 'a stream id such as 1700000000000-0, (1700000000000-0 or -';
  }
}

/** Whether `raw` may be stored under a key with this rule. */
export function isAllowed(raw: string, rule: ValueRule): boolean {
  switch (rule.kind) {
    case 'flag':
      return raw === '0' || raw === '1';
    case 'number':
      return parseNumber(raw, rule).ok;
    case 'stream_id':
      return parseStreamId(raw) !== undefined;
  }
}
