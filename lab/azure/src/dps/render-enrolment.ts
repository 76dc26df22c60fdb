/** Enrolments in the service's own JSON. */
import type { JsonObject } from '../json.ts';
import type { Attestation, Enrolment, InitialTwin } from './core/enrolment.ts';

const POLICY_FLAGS = {
  migrate: { updateHubAssignment: true, migrateDeviceData: true },
  reset: { updateHubAssignment: true, migrateDeviceData: false },
  never: { updateHubAssignment: false, migrateDeviceData: false },
};

/** @param keys whether to show symmetric keys: to administrators, never to webhooks */
export function renderEnrolment(
  enrolment: Enrolment,
  hostOf: (hub: string) => string | undefined,
  keys: 'shown' | 'hidden',
): JsonObject {
  const { scope, id, deviceId, policy, webhookUrl } = enrolment;
  return {
    ...(scope === 'group' ? { enrollmentGroupId: id } : { registrationId: id }),
    ...(deviceId === undefined ? {} : { deviceId }),
    attestation: renderAttestation(enrolment.attestation, keys),
    capabilities: { iotEdge: false },
    etag: enrolment.etag,
    provisioningStatus: enrolment.enabled ? 'enabled' : 'disabled',
    reprovisionPolicy: policy === undefined ? null : POLICY_FLAGS[policy],
    createdDateTimeUtc: new Date(enrolment.createdMs).toISOString(),
    lastUpdatedDateTimeUtc: new Date(enrolment.updatedMs).toISOString(),
    allocationPolicy: enrolment.allocation,
    iotHubs: enrolment.hubs.map((hub) => hostOf(hub) ?? hub),
    initialTwin: renderTwin(enrolment.initialTwin),
    ...(webhookUrl === undefined
      ? {}
      : { customAllocationDefinition: { webhookUrl, apiVersion: '2021-10-01' } }),
  };
}

function renderAttestation(attestation: Attestation, keys: 'shown' | 'hidden'): JsonObject {
  if (attestation.kind === 'symmetric_key') {
    const { primaryKey, secondaryKey } = attestation;
    const shown = keys === 'shown' ? { symmetricKey: { primaryKey, secondaryKey } } : {};
    return { type: 'symmetricKey', ...shown };
  }
  const { thumbprints, caPem } = attestation;
  const [primary, secondary] = thumbprints.map((sha256) => ({
    info: { sha256Thumbprint: sha256 },
  }));
  const clientCertificates = {
    ...(primary === undefined ? {} : { primary }),
    ...(secondary === undefined ? {} : { secondary }),
  };
  return {
    type: 'x509',
    x509: {
      ...(primary === undefined ? {} : { clientCertificates }),
      ...(caPem === undefined ? {} : { signingCertificates: { primary: { certificate: caPem } } }),
    },
  };
}

export function renderTwin(twin: InitialTwin): JsonObject {
  return { tags: twin.tags ?? {}, properties: { desired: twin.desired ?? {} } };
}
