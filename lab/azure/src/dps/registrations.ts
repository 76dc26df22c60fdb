/** What DPS remembers of each device that has registered. */
import type { JsonObject, Json } from '../json.ts';
import type { Substatus } from './core/reprovision.ts';
import type { Enrolment } from './core/enrolment.ts';

export type RegistrationStatus = 'unassigned' | 'assigning' | 'assigned' | 'failed' | 'disabled';

export interface Registration {
  readonly registrationId: string;
  readonly status: RegistrationStatus;
  readonly substatus: Substatus | undefined;
  /** Name of the hub the device was last assigned to; kept while it is assigned anew. */
  readonly hub: string | undefined;
  readonly deviceId: string | undefined;
  readonly scope: Enrolment['scope'];
  readonly enrolmentId: string;
  readonly attestation: 'symmetric_key' | 'x509';
  readonly payload: Json | undefined;
  readonly errorCode: number | undefined;
  readonly errorMessage: string | undefined;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly etag: string;
}

/** `registrationState` as devices get it; members without a value are left out. */
export function renderRegistration(
  registration: Registration,
  hostOf: (hub: string) => string | undefined,
): JsonObject {
  const { status, hub } = registration;
  const isAssigned = status === 'assigned';
  const group =
    registration.scope === 'group' ? { enrollmentGroupId: registration.enrolmentId } : {};
  return compact({
    ...(registration.attestation === 'x509' ? { x509: group } : { symmetricKey: group }),
    registrationId: registration.registrationId,
    createdDateTimeUtc: new Date(registration.createdMs).toISOString(),
    assignedHub: isAssigned && hub !== undefined ? hostOf(hub) : undefined,
    deviceId: isAssigned ? registration.deviceId : undefined,
    status,
    substatus: isAssigned ? registration.substatus : undefined,
    errorCode: registration.errorCode,
    errorMessage: registration.errorMessage,
    lastUpdatedDateTimeUtc: new Date(registration.updatedMs).toISOString(),
    etag: registration.etag,
    payload: isAssigned ? registration.payload : undefined,
  });
}

function compact(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  const kept: Record<string, Json> = {};
  for (const [name, value] of Object.entries(members)) if (value !== undefined) kept[name] = value;
  return kept;
}
