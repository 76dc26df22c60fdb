/**
 * What the hub sends, made harmless for the SDK that parses it, and what we send, sized and named.
 *
 * The SDK (azure-iot-device-mqtt 1.16.4) ends the process when a twin request is answered with an
 * error status and no body, and takes a refused patch for a success; it throws on bodies that are
 * not JSON; it loses methods that nobody listens for by that very name. So each PUBLISH is looked at
 * before the SDK sees it.
 */
import type { JsonObject } from '../commands/json.ts';
import { isObject } from '../commands/json.ts';
import type { MessageIds } from '../../ports.ts';

/** Direct methods of every name arrive as this one, with their name in the body. */
export const ANY_METHOD = 'command';

/** A PUBLISH to pass on in place of the one that came; undefined = not to be passed on. */
export type Tamed = { readonly topic: string; readonly payload: string } | 'as_it_is' | undefined;

const METHOD = /^\$iothub\/methods\/POST\/([^/?]*)\/?\?(.*)$/;
const TWIN_ANSWER = /^\$iothub\/twin\/res\/(\d+)\/?\?(.*)$/;
const DESIRED = '$iothub/twin/PATCH/properties/desired/';

export function tame(topic: string, payload: Uint8Array): Tamed {
  const method = METHOD.exec(topic);
  if (method !== null) {
    const [, name = '', query = ''] = method;
    const body = { name: decoded(name), text: textOf(payload) };
    return {
      topic: `$iothub/methods/POST/${ANY_METHOD}/?${query}`,
      payload: JSON.stringify(body),
    };
  }
  const answer = TWIN_ANSWER.exec(topic);
  if (answer !== null) return tameTwinAnswer(topic, payload, Number(answer[1]), answer[2] ?? '');
  if (topic.startsWith(DESIRED)) return isJson(textOf(payload)) ? 'as_it_is' : undefined;
  return 'as_it_is';
}

/** Why a twin request failed. */
export interface TwinFailure {
  /** As HTTP: 400, 429, 5xx; 502 for an answer that is no JSON. */
  readonly status: number;
  readonly retryAfterMs: number;
}

const FAILURE = 'twin_failure ';

/** What `tame` has put into the SDK's error; undefined for an error of the SDK itself. */
export function twinFailure(message: string): TwinFailure | undefined {
  if (!message.startsWith(FAILURE)) return undefined;
  const [status = '', seconds = ''] = message.slice(FAILURE.length).split(' ');
  return { status: Number(status), retryAfterMs: Number(seconds) * 1_000 };
}

function tameTwinAnswer(
  topic: string,
  payload: Uint8Array,
  status: number,
  query: string,
): Exclude<Tamed, undefined> {
  const text = textOf(payload).trim();
  const good = status >= 200 && status < 300;
  if (good && (text === '' || isJson(text))) return 'as_it_is';
  const seconds = /(?:^|&)retry-after=(\d+)/i.exec(query)?.[1] ?? '0';
  const message = `${FAILURE}${good ? 502 : status} ${seconds}`;
  return { topic, payload: JSON.stringify({ errorCode: status, message }) };
}

/** A direct method as a command of the engine: its members, with the method's name as `command`. */
export function commandOfMethod(body: unknown): JsonObject | Uint8Array {
  const { name, text } = isObject(body) ? body : {};
  const raw = typeof text === 'string' ? text : '';
  let members: unknown;
  try {
    members = raw.trim() === '' ? {} : JSON.parse(raw);
  } catch {
    return new TextEncoder().encode(raw);
  }
  if (members === null) members = {};
  // Not an object: refused by the engine, in its own words.
  if (!isObject(members)) return new TextEncoder().encode(raw);
  // A signed command names itself inside.
  if (Object.hasOwn(members, 'signed')) return members;
  return { ...members, command: typeof name === 'string' ? name : '' };
}

const STATUS_OF_ERROR: Readonly<Record<string, number>> = {
  unknown_command: 404,
  forbidden_key: 403,
  missing_signature: 401,
  bad_signature: 401,
  replayed: 409,
  expired: 410,
  too_large: 413,
  busy: 429,
  rate_limited: 429,
  not_supported: 501,
  failed: 500,
};

/** The status of a method's response: 200, 202 for what goes on, 4xx and 5xx for errors. */
export function statusOfAnswer(answer: JsonObject): number {
  const { error, status } = answer;
  if (isObject(error)) {
    const { code } = error;
    return (typeof code === 'string' ? STATUS_OF_ERROR[code] : undefined) ?? 400;
  }
  return status === 'running' || status === 'queued' || status === 'requested' ? 202 : 200;
}

/** As the hub wants them for its routing by body. */
export const CONTENT_TYPE = 'application/json;charset=utf-8';
export const CONTENT_ENCODING = 'utf-8';
/** Azure IoT Hub, quotas: body and properties of one message together. */
export const MAX_MESSAGE_BYTES = 262_144;
const MAX_ID_CHARACTERS = 128;

/**
 * Names a message the same whenever it is sent again: device, first and last stream id, and a digest
 * of the body, because stream ids can repeat after a power cut with a clock that went backwards.
 * @param digest a few hexadecimal digits
 */
export function messageId(deviceId: string, ids: MessageIds, digest: string): string {
  const rest = `:${ids.firstId}:${ids.lastId}:${digest}`;
  return deviceId.slice(0, MAX_ID_CHARACTERS - rest.length) + rest;
}

/** What the properties of a message count for, at most: names, values and the longest message id. */
export const PROPERTY_BYTES =
  MAX_ID_CHARACTERS + CONTENT_TYPE.length + CONTENT_ENCODING.length + '$.mid$.ct$.ce'.length;

function textOf(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
