/**
 * Answers (contract, section 4): the command's own members, then ours, which cannot be forged by a
 * member of the same name.
 */
import type { JsonObject } from './json.ts';
import type { Refusal } from './refusal.ts';

/** Members of ours in an answer. */
export interface Outcome {
  /** What get_config, set_config and get_status answer. */
  readonly value?: unknown;
  readonly status?: 'running' | 'queued' | 'requested' | 'done' | 'cancelled';
  /** Readings acknowledged by the destination. */
  readonly sent?: number;
  /** Readings the destination could not take, if any. */
  readonly skipped?: number;
  readonly error?: Refusal;
  /** With `replayed`: what the command was answered when it was carried out. */
  readonly answer?: unknown;
  /** With `rate_limited`: commands refused since the last such answer. */
  readonly count?: number;
}

const OURS = ['value', 'status', 'sent', 'skipped', 'error', 'answer', 'count'];

/** The JSON text of an answer. */
export function renderAnswer(echo: JsonObject, outcome: Outcome): string {
  const own = Object.entries(echo).filter(([name]) => !OURS.includes(name) || isInput(echo, name));
  return JSON.stringify({ ...Object.fromEntries(own), ...outcome });
}

/** `value` of set_config and `count` of send_measurements are the command's own. */
function isInput(echo: JsonObject, name: string): boolean {
  const { command } = echo;
  const known = typeof command === 'string' ? command.toLowerCase() : '';
  if (name === 'value') return known === 'set_config';
  return name === 'count' && known === 'send_measurements';
}

/** An answer too large for the way back: the same without what made it large. */
export function shortAnswer(echo: JsonObject): string {
  const { command, id } = echo;
  const short = (value: unknown) =>
    typeof value === 'number' || (typeof value === 'string' && value.length <= 64);
  return renderAnswer(
    { ...(short(command) ? { command } : {}), ...(short(id) ? { id } : {}) },
    { error: { code: 'failed', message: 'the answer is too large for a message' } },
  );
}
