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
import { commonName } from '../../src/certificates.ts';
import { startCloud } from '../../src/cloud.ts';
import type { Cloud } from '../../src/cloud.ts';
import type { Dps, DpsSettings } from '../../src/dps/index.ts';
import type { DeviceProof, DpsAddress } from './dps-device.ts';

/** A cloud with hub-a and hub-b whose DPS answers without pauses. */
export async function startTestCloud(settings: Partial<DpsSettings> = {}): Promise<Cloud> {
  return startCloud({ dps: { settings: { retryAfterSeconds: 0, ...settings } } });
}

/** Where devices find the DPS of a cloud. */
export function addressOf({ dps, ca }: Cloud): DpsAddress {
  const { host, httpsPort, mqttPort, idScope } = dps;
  return { host, httpsPort, mqttPort, idScope, ca };
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
