/** What a device needs to connect: everything its maker has to type in, and nothing else. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud } from '../cloud.ts';
import { normalId } from '../dps/core/enrolment.ts';
import type { Enrolment } from '../dps/core/enrolment.ts';
import { deriveDeviceKey } from '../sas.ts';
import { AdminError } from './router.ts';

export interface DeviceConnection {
  readonly idScope: string;
  readonly registrationId: string;
  /** `host:port`. */
  readonly httpsEndpoint: string;
  readonly mqttEndpoint: string;
  /** PEM file of the authority that the servers' certificates are signed by. */
  readonly caFile: string;
  /** Base64; of a group derived for this device. */
  readonly symmetricKey?: string;
  /** PEM, made for this call. */
  readonly certificatePem?: string;
  readonly keyPem?: string;
  /** The same as files, in the cloud's folder. */
  readonly certificateFile?: string;
  readonly keyFile?: string;
}

/**
 * @param group name of the group the device belongs to; default: its own enrolment, or the only group
 * @throws AdminError 404, 409
 */
export async function connectionOf(
  cloud: Cloud,
  registrationId: string,
  group: string | undefined,
): Promise<DeviceConnection> {
  const id = normalId(registrationId);
  const enrolment = enrolmentOf(cloud, id, group);
  const common = {
    idScope: cloud.dps.idScope,
    registrationId: id,
    httpsEndpoint: cloud.dps.endpoint,
    mqttEndpoint: cloud.dps.mqttEndpoint,
    caFile: cloud.caFile,
  };
  const { attestation, scope } = enrolment;
  if (attestation.kind === 'symmetric_key') {
    const { primaryKey } = attestation;
    const symmetricKey = scope === 'group' ? deriveDeviceKey(primaryKey, id) : primaryKey;
    return { ...common, symmetricKey };
  }
  if (attestation.caPem !== cloud.ca) {
    throw new AdminError(409, 'its certificates are signed by an authority of your own');
  }
  const { certificatePem, keyPem } = await cloud.authority.issueDevice(id);
  const base = join(cloud.caFile, '..', id.replaceAll(':', '_'));
  const [certificateFile, keyFile] = [`${base}.cert.pem`, `${base}.key.pem`];
  await writeFile(certificateFile, certificatePem);
  await writeFile(keyFile, keyPem, { mode: 0o600 });
  return { ...common, certificatePem, keyPem, certificateFile, keyFile };
}

function enrolmentOf(cloud: Cloud, id: string, group: string | undefined): Enrolment {
  const { enrolments } = cloud.dps;
  if (group !== undefined) {
    const named = enrolments.get('group', group);
    if (named === undefined) throw new AdminError(404, `there is no group ${group}`);
    return named;
  }
  const own = enrolments.get('individual', id);
  if (own !== undefined) return own;
  const [first, second] = enrolments.all.filter(({ scope }) => scope === 'group');
  if (first === undefined) throw new AdminError(404, `there is no enrolment for ${id}`);
  if (second !== undefined) throw new AdminError(409, 'there is more than one group: name it');
  return first;
}
