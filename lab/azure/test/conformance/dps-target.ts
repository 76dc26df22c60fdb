/**
 * What the conformance tests of DPS run against: a DPS of this lab, or the real one.
 *
 * The real one is used when these variables are set; what needs to change enrolments or to provoke
 * failures is skipped then:
 * - AZURE_DPS_ID_SCOPE, and optionally AZURE_DPS_ENDPOINT (default: Azure's global one)
 * - AZURE_DPS_REGISTRATION_ID and AZURE_DPS_SYMMETRIC_KEY (an individual enrolment, or derived)
 * - AZURE_DPS_X509_CERTFILE and AZURE_DPS_X509_KEYFILE; registration id = its common name
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { systemClock, systemRandom } from '@holdfast/kit';
import { commonName, createAuthority } from '../../src/certificates.ts';
import type { Authority } from '../../src/certificates.ts';
import { startDps } from '../../src/dps/index.ts';
import type { Dps, DpsSettings } from '../../src/dps/index.ts';
import { EventLog } from '../../src/event-log.ts';
import { Faults } from '../../src/faults.ts';
import type { HubDirectory } from '../../src/ports.ts';
import { fakeHubs } from '../fakes/hubs.ts';
import type { DeviceProof, DpsAddress } from './dps-device.ts';

export interface LocalDps extends AsyncDisposable {
  readonly dps: Dps;
  readonly address: DpsAddress;
  readonly ca: Authority;
  readonly log: EventLog;
  readonly faults: Faults;
  readonly hubs: HubDirectory;
}

/** A DPS with the hubs hub-a and hub-b, which do nothing but keep their registries. */
export async function startLocalDps(settings: Partial<DpsSettings> = {}): Promise<LocalDps> {
  const ca = await createAuthority('Conformance root');
  const log = new EventLog(systemClock);
  const faults = new Faults(systemRandom, log);
  const hubs = fakeHubs('hub-a', 'hub-b');
  const host = 'localhost';
  const dps = await startDps({
    clock: systemClock,
    log,
    faults,
    hubs,
    caPem: ca.certificatePem,
    server: await ca.issueServer([host]),
    listenHost: '127.0.0.1',
    host,
    settings: { retryAfterSeconds: 0, ...settings },
  });
  const { httpsPort, mqttPort, idScope } = dps;
  const address = { host, httpsPort, mqttPort, idScope, ca: ca.certificatePem };
  return { dps, address, ca, log, faults, hubs, [Symbol.asyncDispose]: () => dps.close() };
}

export interface Candidate {
  readonly address: DpsAddress;
  readonly registrationId: string;
  readonly proof: DeviceProof;
}

/** A device the real service knows; undefined when the variables for this kind are not set. */
export function realCandidate(kind: DeviceProof['kind']): Candidate | undefined {
  const { env } = process;
  const idScope = env['AZURE_DPS_ID_SCOPE'];
  if (idScope === undefined) return undefined;
  const host = env['AZURE_DPS_ENDPOINT'] ?? 'global.azure-devices-provisioning.net';
  const address = { host, httpsPort: 443, mqttPort: 8883, idScope, ca: undefined };
  if (kind === 'key') {
    const registrationId = env['AZURE_DPS_REGISTRATION_ID'];
    const key = env['AZURE_DPS_SYMMETRIC_KEY'];
    if (registrationId === undefined || key === undefined) return undefined;
    return { address, registrationId, proof: { kind, key } };
  }
  const certificateFile = env['AZURE_DPS_X509_CERTFILE'];
  const keyFile = env['AZURE_DPS_X509_KEYFILE'];
  if (certificateFile === undefined || keyFile === undefined) return undefined;
  const certificatePem = readFileSync(certificateFile, 'utf8');
  const registrationId = commonName(new X509Certificate(certificatePem)) ?? '';
  return {
    address,
    registrationId,
    proof: { kind, certificatePem, keyPem: readFileSync(keyFile, 'utf8') },
  };
}

/** The primary key of an enrolment by key. */
export function primaryKey(enrolment: ReturnType<Dps['enrol']>): string {
  const { attestation } = enrolment;
  if (attestation.kind !== 'symmetric_key') throw new Error('not an enrolment by key');
  return attestation.primaryKey;
}
