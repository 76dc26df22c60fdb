/** Who may connect to a hub: user name, client id and credentials of a CONNECT packet, judged. */
import { X509Certificate, createHash } from 'node:crypto';
import type { IConnectPacket } from 'mqtt-packet';
import { commonName, isIssuedBy, isTimely } from '../certificates.ts';
import { parseDeviceTopic, parseHubUserName } from '../core/topics.ts';
import type { HubUserName } from '../core/topics.ts';
import { verifySas } from '../sas.ts';
import type { Device } from './device.ts';

export type Admission = Admitted | Refused;

export interface Admitted {
  readonly ok: true;
  readonly device: Device;
  readonly userName: HubUserName;
  readonly attestation: 'sas' | 'x509';
  /** End of the token or certificate, unix milliseconds by the cloud's clock. */
  readonly expiresMs: number;
}

export interface Refused {
  readonly ok: false;
  /** 0 = the connection is closed without CONNACK. */
  readonly connack: 0 | 1 | 2 | 3 | 4 | 5;
  readonly reason: string;
}

export interface AdmissionRules {
  readonly findDevice: (deviceId: string) => Device | undefined;
  /** Whether the hub goes by this host name (port included where the client used one). */
  readonly isHost: (host: string) => boolean;
  readonly trusted: readonly X509Certificate[];
  /** The clock of the cloud. */
  readonly nowMs: number;
}

/**
 * Decides about a CONNECT packet. Which code Azure gives for which cause is not documented.
 * @param chain of the client's certificate, asked for only where it counts: reading it takes time
 */
export function admit(
  connect: IConnectPacket,
  chain: () => readonly X509Certificate[],
  rules: AdmissionRules,
): Admission {
  if (connect.protocolVersion !== 4) return refused(1, 'only MQTT 3.1.1 is spoken');
  const userName = parseHubUserName(connect.username ?? '');
  if (userName === undefined) return refused(4, '400023 user name is malformed');
  if (connect.clientId !== userName.deviceId) {
    return refused(2, '400023 client id is not the device id');
  }
  if (!rules.isHost(userName.host)) return refused(5, '401002 another hub is meant');
  const device = rules.findDevice(userName.deviceId);
  if (device === undefined) return refused(5, '404001 DeviceNotFound');
  const credentials = checkCredentials(connect, chain, device, userName, rules);
  if ('connack' in credentials) return credentials;
  if (!device.identity.enabled) return refused(5, '403012 DeviceDisabled');
  const willTopic = connect.will && parseDeviceTopic(connect.will.topic, device.id);
  if (connect.will && willTopic?.kind !== 'event') return refused(0, 'will on a foreign topic');
  return { ok: true, device, userName, ...credentials };
}

type Credentials = Pick<Admitted, 'attestation' | 'expiresMs'>;

function checkCredentials(
  connect: IConnectPacket,
  chain: () => readonly X509Certificate[],
  device: Device,
  userName: HubUserName,
  rules: AdmissionRules,
): Credentials | Refused {
  const { authentication } = device.identity;
  if (authentication.kind !== 'sas') return checkCertificate(chain(), device, rules);
  const verdict = verifySas(connect.password?.toString() ?? '', {
    audiences: [`${userName.host}/devices/${device.id}`],
    keys: [authentication.primaryKey, authentication.secondaryKey],
    nowMs: rules.nowMs,
  });
  if (verdict.ok) return { attestation: 'sas', expiresMs: verdict.expiresMs };
  const code = verdict.reason === 'expired' ? '401003' : '401002';
  return refused(5, `${code} token ${verdict.reason}`);
}

function checkCertificate(
  chain: readonly X509Certificate[],
  device: Device,
  rules: AdmissionRules,
): Credentials | Refused {
  const { authentication } = device.identity;
  const [leaf] = chain;
  if (leaf === undefined) return refused(5, '401002 no client certificate');
  if (!isTimely(leaf, rules.nowMs)) return refused(5, '401003 client certificate out of its time');
  const known =
    authentication.kind === 'x509_thumbprint'
      ? [authentication.primary, authentication.secondary].some(
          (wanted) => wanted !== undefined && hasThumbprint(leaf, wanted),
        )
      : commonName(leaf) === device.id && isIssuedBy(chain, rules.trusted, rules.nowMs);
  if (!known) return refused(5, '401002 client certificate is not the one of the device');
  return { attestation: 'x509', expiresMs: Date.parse(leaf.validTo) };
}

/** SHA-1 (40 digits) or SHA-256 (64), with or without colons. */
function hasThumbprint(certificate: X509Certificate, wanted: string): boolean {
  const digits = wanted.replaceAll(/[^0-9A-Fa-f]/g, '').toLowerCase();
  const hash = digits.length === 64 ? 'sha256' : 'sha1';
  return createHash(hash).update(certificate.raw).digest('hex') === digits;
}

function refused(connack: Refused['connack'], reason: string): Refused {
  return { ok: false, connack, reason };
}
