/**
 * What the provisioner publishes in `hub:credentials`: which hub, as which device, and how to prove
 * it. The device key is not among it: a token lives for an hour, certificates are named by path.
 */

export interface HubCredentials {
  /** Counts every change of host, device or kind of credentials. */
  readonly generation: string;
  /** May carry `:port`. */
  readonly host: string;
  readonly deviceId: string;
  readonly auth: SasAuth | X509Auth;
  /** No attempt to connect before this time by the wall clock, milliseconds; 0 = none. */
  readonly notBeforeMs: number;
}

export interface SasAuth {
  readonly kind: 'sas';
  readonly token: string;
  /** By the wall clock, milliseconds; 0 = unknown. */
  readonly expiresMs: number;
}

export interface X509Auth {
  readonly kind: 'x509';
  /** Paths of PEM files; undefined when the PEM text is in a variable of our own environment. */
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** Reads the hash; undefined while it is missing or incomplete. */
export function parseCredentials(
  fields: Readonly<Record<string, string>>,
): HubCredentials | undefined {
  const host = fields['host'] ?? '';
  const deviceId = fields['device_id'] ?? '';
  const auth = parseAuth(fields);
  if (host === '' || deviceId === '' || auth === undefined) return undefined;
  return {
    generation: fields['generation'] ?? '',
    host,
    deviceId,
    auth,
    notBeforeMs: milliseconds(fields['not_before_ms']),
  };
}

/** The place and identity these lead to: another one means that the device was moved. */
export function targetOf({ generation, host, deviceId, auth }: HubCredentials): string {
  return [generation, host, deviceId, auth.kind].join(' ');
}

/** Whether a session opened with `a` should be opened anew because of `b`. */
export function isRenewed(a: HubCredentials, b: HubCredentials): boolean {
  if (a.auth.kind === 'sas') return b.auth.kind === 'sas' && a.auth.token !== b.auth.token;
  if (b.auth.kind === 'sas') return false;
  return a.auth.certFile !== b.auth.certFile || a.auth.keyFile !== b.auth.keyFile;
}

function parseAuth(fields: Readonly<Record<string, string>>): HubCredentials['auth'] | undefined {
  const { sas_token: token, expires_ms: expires, certfile, keyfile } = fields;
  const kind = fields['kind'];
  if (kind === 'x509') {
    return { kind, certFile: certfile || undefined, keyFile: keyfile || undefined };
  }
  if (kind !== 'sas' || token === undefined || token === '') return undefined;
  return { kind, token, expiresMs: milliseconds(expires) };
}

function milliseconds(text: string | undefined): number {
  const value = Number(text ?? '');
  return Number.isFinite(value) && value > 0 ? value : 0;
}
