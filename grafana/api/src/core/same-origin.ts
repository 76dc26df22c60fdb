/**
 * Whether a request that changes something comes from the page itself. There is no login, so nothing
 * a stranger's page could borrow; what it must not do is reach the device through the browser of
 * somebody who can:
 *
 * - the header of our own cannot be sent across origins without a preflight, which is not answered;
 * - `Origin` (Fetch standard, section 3.2) and `Sec-Fetch-Site` must say that it is our own page;
 * - the name it was asked under must be one of a local network, so that a public name that is made to
 *   point here (DNS rebinding) does not count as our own;
 * - and not the name by which Grafana asks: its plugin lets everybody who may look send any method and
 *   any header, but the address is fixed, and `Host` is made from it.
 */

/** The name of the service in docker-compose.yml, which only containers know. */
export const SERVICE_NAME = 'grafana-api';

export interface Asked {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly contentType: string | undefined;
  /** `X-Holdfast-Control`. */
  readonly control: string | undefined;
}

const LOCAL_NAMES = [
  // An IPv4 or IPv6 address.
  /^\d{1,3}(\.\d{1,3}){3}$/,
  /^\[[\da-f:.]+\]$/,
  // A name without a domain, or with one that is never public (RFC 6762, 8375; ICANN).
  /^[\w-]+$/,
  /\.(local|localhost|lan|internal|home\.arpa|fritz\.box)$/,
  // The public address balena gives to a device.
  /^[\da-f]{32,}\.(balena-devices|balena-staging|devices\.balena)\.com$/,
];

/** Why the request is refused; undefined when it is not. */
export function refusedBecause(asked: Asked): string | undefined {
  const { host, origin, fetchSite, contentType, control } = asked;
  if (control !== '1') return 'the header X-Holdfast-Control is missing';
  if (!/^application\/json\b/i.test(contentType ?? '')) return 'the body must be application/json';
  if (fetchSite !== undefined && fetchSite !== 'same-origin') return 'not asked by the page itself';
  if (host === undefined || origin === undefined) return 'Host or Origin is missing';
  if (!/^https?:\/\//i.test(origin) || origin.replace(/^https?:\/\//i, '') !== host) {
    return 'not asked by the page itself';
  }
  const name = host.replace(/\.?(:\d+)?$/, '').toLowerCase();
  if (name === SERVICE_NAME) return 'not asked by the page itself, but through Grafana';
  return LOCAL_NAMES.some((local) => local.test(name))
    ? undefined
    : `${JSON.stringify(name.slice(0, 80))} is not a name of a local network`;
}
