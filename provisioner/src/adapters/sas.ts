/** Shared access signatures, as DPS and IoT Hub check them. */
import { createHmac } from 'node:crypto';
import type { HubSigner } from '../ports.ts';

/** encodeURIComponent leaves some characters alone that the services encode. */
function encoded(value: string): string {
  return encodeURIComponent(value).replaceAll(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * @param resource not encoded
 * @param key base64
 * @param expiresMs unix ms
 * @param policy `registration` for DPS, none for a device at its hub
 */
export function sharedAccessSignature(
  resource: string,
  key: string,
  expiresMs: number,
  policy?: string,
): string {
  const sr = encoded(resource);
  const se = Math.ceil(expiresMs / 1_000);
  const hmac = createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${se}`);
  const sig = encoded(hmac.digest('base64'));
  const skn = policy === undefined ? '' : `&skn=${policy}`;
  return `SharedAccessSignature sr=${sr}&sig=${sig}${skn}&se=${se}`;
}

export class KeySigner implements HubSigner {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  token(host: string, deviceId: string, expiresMs: number): string {
    return sharedAccessSignature(`${host}/devices/${deviceId}`, this.#key, expiresMs);
  }
}
