/**
 * From a payload to a command that may be carried out, or to the reason why not. Never throws,
 * changes nothing. Order of the checks: retained, size, JSON, signature, command, members, expiry.
 *
 * Signed commands (when `verify` is given): the payload is
 * `{"signed": "<base64 of the command's JSON text>", "signature": "<base64>"}`. Ed25519 (RFC 8032)
 * over exactly these bytes, so nothing has to be put into a canonical form. The command inside must
 * carry `id` and `expires`, so that a recorded message is worth nothing later; a member `device`
 * that names another device makes it worth nothing there.
 */
import { decodeObject, decodeText, isObject } from './json.ts';
import type { Decoded, JsonObject } from './json.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { parseExpires, parseId, parseMembers } from './schema.ts';
import type { Command, CommandId } from './schema.ts';

export interface ParseOptions {
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: number;
  /** Uuid of this device. */
  readonly device: string;
  /** Present = only signed commands are taken. Checks a signature over exactly these bytes. */
  readonly verify: ((signed: Uint8Array, signature: Uint8Array) => boolean) | undefined;
}

/** A command as it arrived: as bytes, or already parsed by the transport. */
export type CommandPayload = Uint8Array | JsonObject;

export interface AcceptedCommand {
  readonly kind: 'accepted';
  readonly command: Command;
  /** Undefined for `cancel`, whose `id` names its target. */
  readonly id: CommandId | undefined;
  readonly expiresMs: number | undefined;
  readonly signed: boolean;
  /** The command's own members, for the answer. */
  readonly echo: JsonObject;
  /** Its JSON text: `parseTaken` reads it again after a restart. */
  readonly text: string;
}

export interface RefusedCommand {
  readonly kind: 'refused';
  readonly refusal: Refusal;
  /** What is known of its members; empty when nothing could be read. */
  readonly echo: JsonObject;
}

export type ParseResult = AcceptedCommand | RefusedCommand;

/** An id is remembered for so long; a signed command must not live longer. */
export const MAX_SIGNED_LIFE_MS = 7 * 86_400_000;

export function parseCommand(
  payload: CommandPayload,
  retained: boolean,
  options: ParseOptions,
): ParseResult {
  const text = textOf(payload);
  const outer = 'refusal' in text ? text : decodeObject(text.value);
  const echo = 'refusal' in outer ? {} : outer.value;
  if (retained) {
    return refused(refusal('retained', 'a retained command is never carried out'), echo);
  }
  if ('refusal' in text) return refused(text.refusal, echo);
  if ('refusal' in outer) return refused(outer.refusal, echo);
  if (options.verify !== undefined) return parseSigned(outer.value, options, options.verify);
  if (isEnvelope(outer.value)) {
    const message = 'signed commands need COMMAND_PUBLIC_KEY to be set';
    return refused(refusal('not_supported', message), envelopeEcho(outer.value));
  }
  return parseObject(outer.value, text.value, false, options.nowMs);
}

/** Reads a command again that was accepted before; only its expiry can have changed. */
export function parseTaken(text: string, signed: boolean, nowMs: number): ParseResult {
  const decoded = decodeObject(text);
  if ('refusal' in decoded) return refused(decoded.refusal, {});
  return parseObject(decoded.value, text, signed, nowMs);
}

function parseSigned(
  envelope: JsonObject,
  options: ParseOptions,
  verify: NonNullable<ParseOptions['verify']>,
): ParseResult {
  if (!isEnvelope(envelope)) {
    const message = 'only signed commands are taken: {"signed": base64, "signature": base64}';
    return refused(refusal('missing_signature', message), envelope);
  }
  const echo = envelopeEcho(envelope);
  const bytes = fromBase64(envelope['signed']);
  const signature = fromBase64(envelope['signature']);
  if (bytes === undefined || signature === undefined || !verify(bytes, signature)) {
    return refused(refusal('bad_signature', 'the signature does not fit'), echo);
  }
  const text = decodeText(bytes);
  if ('refusal' in text) return refused(text.refusal, echo);
  const members = decodeObject(text.value);
  if ('refusal' in members) return refused(members.refusal, echo);
  const fault = signedFault(members.value, options);
  if (fault !== undefined) return refused(fault, members.value);
  return parseObject(members.value, text.value, true, options.nowMs);
}

/** What a signed command must have beyond an unsigned one. */
function signedFault(members: JsonObject, options: ParseOptions): Refusal | undefined {
  const { id, expires, device } = members;
  if (id === undefined) return refusal('bad_type', 'id: a signed command needs one');
  if (typeof expires !== 'number') {
    return refusal('bad_type', 'expires: a signed command needs it');
  }
  if (expires > options.nowMs + MAX_SIGNED_LIFE_MS) {
    return refusal('bad_value', 'expires: at most 7 days ahead for a signed command');
  }
  if (device !== undefined && device !== options.device) {
    return refusal('bad_value', 'device: signed for another device');
  }
  return undefined;
}

function parseObject(
  members: JsonObject,
  text: string,
  signed: boolean,
  nowMs: number,
): ParseResult {
  const parsed = parseMembers(members);
  if ('refusal' in parsed) return refused(parsed.refusal, members);
  const id = parseId(members);
  if ('refusal' in id) return refused(id.refusal, members);
  const expires = parseExpires(members);
  if ('refusal' in expires) return refused(expires.refusal, members);
  const { expiresMs } = expires;
  if (expiresMs !== undefined && expiresMs <= nowMs) {
    return refused(refusal('expired', `expired; the device's clock says ${nowMs}`), members);
  }
  return {
    kind: 'accepted',
    command: parsed.command,
    id: parsed.command.name === 'cancel' ? undefined : id.id,
    expiresMs,
    signed,
    echo: members,
    text,
  };
}

function textOf(payload: CommandPayload): Decoded<string> {
  if (payload instanceof Uint8Array) return decodeText(payload);
  try {
    const text = JSON.stringify(payload) as string | undefined;
    if (text !== undefined) return { value: text };
  } catch {
    // Refers to itself, or nests without end.
  }
  return { refusal: refusal('not_json', 'the payload is not JSON') };
}

function isEnvelope(members: JsonObject): members is { signed: string; signature: string } {
  return (
    isObject(members) &&
    Object.hasOwn(members, 'signed') &&
    Object.hasOwn(members, 'signature') &&
    typeof members['signed'] === 'string' &&
    typeof members['signature'] === 'string'
  );
}

/** The sender knows the command again by its signature; the rest is not proved to be anybody's. */
function envelopeEcho(envelope: JsonObject): JsonObject {
  const { signature } = envelope;
  return typeof signature === 'string' ? { signature: signature.slice(0, 128) } : {};
}

/** Strict base64 (RFC 4648, section 4), also without padding. */
function fromBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function refused(why: Refusal, echo: JsonObject): RefusedCommand {
  return { kind: 'refused', refusal: why, echo };
}
