/**
 * What an answer of DPS says, by its status and its JSON (REST reference "Runtime Registration" and
 * "Device Registration Status Lookup").
 */
import type { Answer, Registration } from './outcome.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * @param body parsed JSON, undefined when it was none
 * @param words what the transport said about a failure, for people
 */
export function answerOf(
  status: number,
  body: unknown,
  retryAfterMs: number | undefined,
  words = '',
): Answer {
  if (status >= 300) {
    return { kind: 'refused', status, retryAfterMs, message: refusalText(status, body, words) };
  }
  const json = asObject(body);
  if (json === undefined) return { kind: 'unreadable', message: 'the answer is not JSON' };
  // A lookup answers with the record itself, an operation carries it.
  const record = asObject(json['registrationState']) ?? json;
  const state = (text(json, 'status') || text(record, 'status')).toLowerCase();
  switch (state) {
    case 'assigned':
      return assigned(record);
    case 'assigning':
      return assigning(json, retryAfterMs);
    case 'failed':
    case 'disabled':
    case 'unassigned':
      return { kind: 'ended', status: state, message: endText(state, record) };
    default:
      return { kind: 'unreadable', message: 'the answer has no status known here' };
  }
}

function assigned(record: Json): Answer {
  const host = text(record, 'assignedHub');
  const deviceId = text(record, 'deviceId');
  if (host === '' || deviceId === '') {
    return { kind: 'unreadable', message: 'assigned, but to nothing' };
  }
  const payload = record['payload'];
  const registration: Registration = {
    host,
    deviceId,
    substatus: text(record, 'substatus'),
    etag: text(record, 'etag'),
    payload: payload === undefined || payload === null ? '' : JSON.stringify(payload),
  };
  return { kind: 'assigned', registration };
}

/** The record of a lookup may be `assigning` too, without an operation to ask about. */
function assigning(json: Json, retryAfterMs: number | undefined): Answer {
  const operationId = text(json, 'operationId');
  return operationId === ''
    ? { kind: 'unreadable', message: 'assigning, without an operation' }
    : { kind: 'assigning', operationId, retryAfterMs };
}

function refusalText(status: number, body: unknown, words: string): string {
  const json = asObject(body) ?? {};
  const code = json['errorCode'];
  const number = typeof code === 'number' || typeof code === 'string' ? ` (${code})` : '';
  return `status ${status}${number} ${text(json, 'message') || words}`.trim().slice(0, 300);
}

function endText(state: string, record: Json): string {
  const code = record['errorCode'];
  const number = typeof code === 'number' ? ` (${code})` : '';
  return `${state}${number} ${text(record, 'errorMessage')}`.trim().slice(0, 300);
}

function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
}

function text(json: Json, name: string): string {
  const value = json[name];
  return typeof value === 'string' ? value : '';
}
