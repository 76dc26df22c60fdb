/** Fault rules as they come over the admin API, checked. */
import type { FaultAction, FaultPoint, FaultRule } from '../faults.ts';
import { isJsonObject } from '../json.ts';
import type { Json, JsonObject } from '../json.ts';
import { AdminError } from './router.ts';

export const FAULT_POINTS: readonly FaultPoint[] = [
  'hub_connect',
  'hub_publish',
  'hub_subscribe',
  'twin_get',
  'twin_patch',
  'dps_connect',
  'dps_register',
  'dps_poll',
  'dps_lookup',
];

const PLAIN_ACTIONS = ['hang', 'close', 'withhold', 'process_and_close', 'pass'] as const;

/** @throws AdminError 400 */
export function parseFaultRule(json: Json | undefined): FaultRule {
  if (!isJsonObject(json)) throw new AdminError(400, 'a fault rule is an object {at, action, ...}');
  const at = FAULT_POINTS.find((point) => point === json['at']);
  if (at === undefined) throw new AdminError(400, `at must be one of ${FAULT_POINTS.join(', ')}`);
  const { service, id } = json;
  return {
    at,
    action: parseAction(json['action']),
    ...(typeof service === 'string' ? { service } : {}),
    ...(typeof id === 'string' ? { id } : {}),
    ...numbers(json, ['count', 'skip', 'probability', 'delayMs']),
  };
}

function numbers(json: JsonObject, names: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of names) {
    const value = json[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || value < 0) throw new AdminError(400, `${name} is no number`);
    found[name] = value;
  }
  return found;
}

function parseAction(json: Json | undefined): FaultAction {
  if (!isJsonObject(json)) throw new AdminError(400, 'action must be an object {kind, ...}');
  const plain = PLAIN_ACTIONS.find((kind) => kind === json['kind']);
  if (plain !== undefined) return { kind: plain };
  const { kind, code, status, text } = json;
  if (kind === 'connack') {
    if (code === 1 || code === 2 || code === 3 || code === 4 || code === 5) return { kind, code };
    throw new AdminError(400, 'action.code must be 1 to 5');
  }
  if (kind === 'status') {
    if (typeof status !== 'number' || !Number.isInteger(status) || status < 400 || status > 599) {
      throw new AdminError(400, 'action.status must be 400 to 599');
    }
    return { kind, status, ...retryAfter(json['retryAfter']), ...bodyText(json['body']) };
  }
  if (kind === 'body' && typeof text === 'string') return { kind, text };
  throw new AdminError(400, 'action.kind must be connack, status, body or one of ' + PLAIN_ACTIONS);
}

function retryAfter(json: Json | undefined) {
  if (json === undefined) return {};
  const seconds = isJsonObject(json) ? json['seconds'] : json;
  const as = isJsonObject(json) && json['as'] === 'date' ? 'date' : 'seconds';
  if (typeof seconds !== 'number') throw new AdminError(400, 'retryAfter.seconds is no number');
  return { retryAfter: { seconds, as } as const };
}

function bodyText(json: Json | undefined) {
  return typeof json === 'string' ? { body: json } : {};
}
