/** A device's call and what it gets for it, whatever the transport. */
import { isJsonObject, parseJson } from '../json.ts';
import type { JsonObject } from '../json.ts';
import { isRegistrationId, normalId } from './core/enrolment.ts';
import type { DpsAnswer } from './core/answer.ts';
import type { Presented } from './credentials.ts';

/** Largest body of a registration, bytes. */
export const MAX_BODY_BYTES = 96 * 1_024;

export type DpsOperation = 'register' | 'poll' | 'lookup';

export interface DpsCall {
  readonly operation: DpsOperation;
  readonly transport: 'http' | 'mqtt';
  readonly idScope: string;
  readonly registrationId: string;
  readonly apiVersion: string;
  readonly presented: Presented;
  readonly body: string;
  /** Of a poll. */
  readonly operationId?: string;
}

/** What the transport has to do. */
export type Delivery =
  /** `text` replaces the body of the answer. */
  | { readonly kind: 'answer'; readonly answer: DpsAnswer; readonly text?: string }
  /** Nothing, and the connection stays. */
  | { readonly kind: 'hang' }
  /** End the connection. */
  | { readonly kind: 'close' };

/** The body as an object; a poll has none that counts (one SDK sends `{}`, MQTT a blank). */
export function readBody(call: DpsCall): JsonObject | 'malformed' | 'too_large' {
  if (!isRegistrationId(call.registrationId)) return 'malformed';
  if (!/^\d{4}-\d{2}-\d{2}(-preview)?$/.test(call.apiVersion)) return 'malformed';
  if (call.operation === 'poll') return {};
  if (Buffer.byteLength(call.body) > MAX_BODY_BYTES) return 'too_large';
  const body = parseJson(call.body);
  if (!isJsonObject(body)) return 'malformed';
  const id = body['registrationId'];
  const isSame = typeof id === 'string' && normalId(id) === call.registrationId;
  return isSame ? body : 'malformed';
}
