/**
 * The commands (contract, section 4) and what their members may be. Types are exact: a number in a
 * string is no number. Members a command does not know are never looked at; the answer echoes them.
 */
import { FIRST_ID, allowedText, isAllowed, keySpec, parseStreamId } from '@holdfast/redis';
import type { KeySpec } from '@holdfast/redis';
import { previousId } from '../previous-id.ts';
import type { JsonObject } from './json.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** Names a command for its sender; the same id is carried out once. */
export type CommandId = string | number;

export type Command =
  | { readonly name: 'reboot' }
  | { readonly name: 'reprovision' }
  | { readonly name: 'get_status' }
  | { readonly name: 'get_config'; readonly key: string }
  | { readonly name: 'set_config'; readonly key: string; readonly value: string }
  | {
      readonly name: 'send_measurements';
      /** Stream id, exclusive. */
      readonly after: string;
      /** Stream id, inclusive; null = what is stored when the command is carried out. */
      readonly upTo: string | null;
      /** Readings at most; null = all. */
      readonly count: number | null;
    }
  | { readonly name: 'cancel'; readonly target: CommandId };

export type CommandName = Command['name'];
export type ParsedCommand = { readonly command: Command } | { readonly refusal: Refusal };

const MAX_ID_LENGTH = 64;
const MAX_VALUE_LENGTH = 256;
/** XRANGE reads an id without its second part as the last of that millisecond, at an end. */
const LAST_N = '18446744073709551615';

/** Reads the command a JSON object stands for. */
export function parseMembers(members: JsonObject): ParsedCommand {
  const { command } = own(members);
  if (typeof command !== 'string') return refuse('bad_type', 'command: a text is needed');
  const name = command.toLowerCase();
  switch (name as CommandName) {
    case 'reboot':
    case 'reprovision':
    case 'get_status':
      return { command: { name: name as 'reboot' } };
    case 'get_config':
      return getConfig(members);
    case 'set_config':
      return setConfig(members);
    case 'send_measurements':
      return sendMeasurements(members);
    case 'cancel':
      return cancel(members);
  }
  return refuse('unknown_command', 'there is no such command');
}

/** The id of a command: undefined when absent. */
export function parseId(
  members: JsonObject,
): { readonly id: CommandId | undefined } | { readonly refusal: Refusal } {
  const { id } = own(members);
  if (id === undefined) return { id };
  if (typeof id === 'number') {
    return Number.isSafeInteger(id)
      ? { id }
      : { refusal: refusal('bad_value', 'id: a number must be a whole one below 2^53') };
  }
  if (typeof id !== 'string') return { refusal: refusal('bad_type', 'id: a text or a number') };
  return id.length >= 1 && id.length <= MAX_ID_LENGTH
    ? { id }
    : { refusal: refusal('bad_value', `id: 1 to ${MAX_ID_LENGTH} characters`) };
}

/** `expires`, unix milliseconds; undefined when absent. */
export function parseExpires(
  members: JsonObject,
): { readonly expiresMs: number | undefined } | { readonly refusal: Refusal } {
  const { expires } = own(members);
  if (expires === undefined) return { expiresMs: undefined };
  return typeof expires === 'number' && Number.isFinite(expires)
    ? { expiresMs: expires }
    : { refusal: refusal('bad_type', 'expires: a number, milliseconds since 1970') };
}

/** Own members only: nothing inherited is ever taken for a member. */
function own(members: JsonObject): JsonObject {
  return Object.assign(Object.create(null) as object, members);
}

function getConfig(members: JsonObject): ParsedCommand {
  const found = remoteKey(members, ['get', 'get_set']);
  return 'refusal' in found ? found : { command: { name: 'get_config', key: found.spec.key } };
}

function setConfig(members: JsonObject): ParsedCommand {
  const found = remoteKey(members, ['get_set']);
  if ('refusal' in found) return found;
  const { key, value: rule } = found.spec;
  const { value } = own(members);
  if (typeof value !== 'string' && typeof value !== 'number') {
    return refuse('bad_type', 'value: a text or a number is needed');
  }
  const text = String(value).trim();
  if (rule === undefined) return refuse('forbidden_key', `${key} cannot be set from afar`);
  if (text.length > MAX_VALUE_LENGTH || !isAllowed(text, rule)) {
    return refuse('bad_value', `value: ${key} takes ${allowedText(rule)}`);
  }
  return { command: { name: 'set_config', key, value: text } };
}

function remoteKey(
  members: JsonObject,
  access: readonly KeySpec['remote'][],
): { readonly spec: KeySpec } | { readonly refusal: Refusal } {
  const { key } = own(members);
  if (typeof key !== 'string') return refuse('bad_type', 'key: a text is needed');
  const spec = keySpec(key);
  if (spec === undefined || spec.type !== 'string' || !access.includes(spec.remote)) {
    return refuse('forbidden_key', 'this key cannot be touched from afar');
  }
  return { spec };
}

function sendMeasurements(members: JsonObject): ParsedCommand {
  // Programs written for the reference send null for what they leave out.
  const { min_id: minId = null, max_id: maxId = null, count = null } = own(members);
  const after = minId === null ? FIRST_ID : startOf(minId);
  if (typeof after !== 'string') return { refusal: after };
  const upTo = maxId === null || maxId === '+' ? null : endOf(maxId);
  if (upTo !== null && typeof upTo !== 'string') return { refusal: upTo };
  if (count !== null && typeof count !== 'number') {
    return refuse('bad_type', 'count: a number is needed');
  }
  if (count !== null && (!Number.isSafeInteger(count) || count < 1)) {
    return refuse('bad_value', 'count: a whole number from 1');
  }
  return { command: { name: 'send_measurements', after, upTo, count } };
}

/** `min_id` as XRANGE reads it: inclusive unless `(` stands before it. Returned exclusive. */
function startOf(raw: unknown): string | Refusal {
  const text = idText(raw);
  const id = text === undefined ? undefined : parseStreamId(text);
  if (text === undefined) return refusal('bad_type', 'min_id: a stream id is needed');
  if (id === undefined)
    return refusal('bad_value', `min_id: ${allowedText({ kind: 'stream_id' })}`);
  return text.startsWith('(') || id === FIRST_ID ? id : previousId(id);
}

/** `max_id` as XRANGE reads it: inclusive unless `(` stands before it. Returned inclusive. */
function endOf(raw: unknown): string | Refusal {
  const text = idText(raw);
  const id = text === undefined ? undefined : parseStreamId(text);
  if (text === undefined) return refusal('bad_type', 'max_id: a stream id is needed');
  if (id === undefined) {
    return refusal('bad_value', `max_id: + or ${allowedText({ kind: 'stream_id' })}`);
  }
  if (text.startsWith('(')) return id === FIRST_ID ? id : previousId(id);
  return /^\d+$/.test(text) ? id.replace(/0$/, LAST_N) : id;
}

/** Ids are texts; whole numbers (milliseconds) are taken too, as the reference did. */
function idText(raw: unknown): string | undefined {
  if (typeof raw === 'string') return raw.length <= 64 ? raw.trim() : 'too long';
  return typeof raw === 'number' && Number.isSafeInteger(raw) ? String(raw) : undefined;
}

function cancel(members: JsonObject): ParsedCommand {
  const parsed = parseId(members);
  if ('refusal' in parsed) return parsed;
  if (parsed.id === undefined) return refuse('bad_type', 'id: of the command to be cancelled');
  return { command: { name: 'cancel', target: parsed.id } };
}

function refuse(code: Refusal['code'], message: string): { readonly refusal: Refusal } {
  return { refusal: refusal(code, message) };
}
