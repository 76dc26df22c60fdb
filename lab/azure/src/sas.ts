/**
 * Shared access signatures of DPS and IoT Hub.
 *
 * `SharedAccessSignature sr={resource}&sig={signature}&se={expiry}[&skn={policy}]`, signature =
 * base64(HMAC-SHA256(key, sr + "\n" + se)). The official Node SDK signs a plain `sr` for DPS and a
 * URL-encoded one for the hub, other SDKs always encode: what counts is `sr` exactly as received.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export type SasVerdict =
  | { readonly ok: true; readonly expiresMs: number; readonly policy: string | undefined }
  | { readonly ok: false; readonly reason: SasFault };

/** Why a token does not count, in the order of checking. */
export type SasFault = 'malformed' | 'wrong_audience' | 'bad_signature' | 'expired';

export interface SasCheck {
  /** Resources the token may be made out to, plain text; compared without regard to case. */
  readonly audiences: readonly string[];
  /** Keys that may have signed it, base64: primary and secondary. */
  readonly keys: readonly string[];
  /** The clock of the cloud, unix milliseconds, its offset included. */
  readonly nowMs: number;
}

export interface SasOrder {
  /** `{scope}/registrations/{id}` or `{host}/devices/{id}`; encode it first where the SDK would. */
  readonly resource: string;
  /** Base64. */
  readonly key: string;
  /** Unix seconds. */
  readonly expiresSeconds: number;
  /** `skn`: `registration` for DPS, nothing for the hub. */
  readonly policy?: string;
}

const PREFIX = 'SharedAccessSignature ';

/** Never throws, whatever the text is. */
export function verifySas(token: string, check: SasCheck): SasVerdict {
  const fields = parseToken(token);
  const sr = fields?.get('sr');
  const sig = fields?.get('sig');
  const se = fields?.get('se');
  if (!sr || !sig || !se || !/^\d{1,12}$/.test(se)) return { ok: false, reason: 'malformed' };
  const audience = decoded(sr)?.toLowerCase();
  if (!check.audiences.some((wanted) => wanted.toLowerCase() === audience)) {
    return { ok: false, reason: 'wrong_audience' };
  }
  const given = Buffer.from(decoded(sig) ?? '', 'base64');
  if (!check.keys.some((key) => sameBytes(given, signature(key, sr, se)))) {
    return { ok: false, reason: 'bad_signature' };
  }
  const expiresMs = Number(se) * 1000;
  if (expiresMs <= check.nowMs) return { ok: false, reason: 'expired' };
  return { ok: true, expiresMs, policy: fields?.get('skn') };
}

/** A token as a device would make it: for tests, tools and clients of our own. */
export function createSas(order: SasOrder): string {
  const se = String(Math.floor(order.expiresSeconds));
  const sig = encodeURIComponent(signature(order.key, order.resource, se).toString('base64'));
  const policy = order.policy === undefined ? '' : `&skn=${order.policy}`;
  return `${PREFIX}sr=${order.resource}&sig=${sig}&se=${se}${policy}`;
}

/** The key of one device of a symmetric-key enrolment group, base64. */
export function deriveDeviceKey(groupKey: string, registrationId: string): string {
  const hmac = createHmac('sha256', Buffer.from(groupKey, 'base64'));
  return hmac.update(registrationId).digest('base64');
}

/** The resource a token is made out to, decoded; undefined when it is none. For logs. */
export function sasResource(token: string): string | undefined {
  const sr = parseToken(token)?.get('sr');
  return sr === undefined ? undefined : decoded(sr);
}

function parseToken(token: string): ReadonlyMap<string, string> | undefined {
  if (!token.startsWith(PREFIX)) return undefined;
  const fields = new Map<string, string>();
  for (const part of token.slice(PREFIX.length).split('&')) {
    const at = part.indexOf('=');
    if (at > 0) fields.set(part.slice(0, at), part.slice(at + 1));
  }
  return fields;
}

function signature(key: string, sr: string, se: string): Buffer {
  return createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${se}`).digest();
}

function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
