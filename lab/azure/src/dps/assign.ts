/** The work behind one registration: choose a hub, decide about the data, change the hubs. */
import { errorMessage } from '@holdfast/kit';
import { HubError } from '../ports.ts';
import type { HubDirectory } from '../ports.ts';
import { chooseHub } from './allocator.ts';
import type { AllocationOrder } from './allocator.ts';
import { findHub } from './core/allocation.ts';
import type { AllocationFault, CustomAllocation } from './core/allocation.ts';
import type { DeviceCredentials } from './core/authentication.ts';
import { planReprovision } from './core/reprovision.ts';
import type { Plan } from './core/reprovision.ts';
import { newEtag } from './enrolments.ts';
import { carryOut } from './mover.ts';
import type { Registration } from './registrations.ts';
import type { DpsSettings } from './settings.ts';

export interface AssignOrder extends Omit<AllocationOrder, 'linked'> {
  readonly credentials: DeviceCredentials;
  readonly nowMs: number;
}

/** Never rejects: what goes wrong is a registration of status `failed`, and no data has moved. */
export async function assign(
  order: AssignOrder,
  hubs: HubDirectory,
  settings: Readonly<DpsSettings>,
): Promise<Registration> {
  const linked = hubs.all.map(({ name, host }) => ({
    name,
    host,
    weight: settings.weights[name] ?? 1,
  }));
  const chosen = await chooseHub({ ...order, linked }, settings);
  if (!chosen.ok) return failed(order, chosen);
  const deviceId = order.enrolment.deviceId ?? order.registrationId;
  const pin = settings.pins[order.registrationId];
  const pinned = pin === undefined ? undefined : findHub(linked, pin);
  const plan = decide(order, { ...chosen, hub: pinned ?? chosen.hub }, deviceId, hubs);
  try {
    carryOut({ plan, deviceId, credentials: order.credentials }, hubs);
  } catch (error) {
    const errorCode = error instanceof HubError ? error.code : 500000;
    return failed(order, { errorCode, errorMessage: errorMessage(error) });
  }
  return {
    ...begun(order),
    status: 'assigned',
    substatus: plan.substatus,
    hub: plan.hub,
    deviceId,
    payload: chosen.payload,
  };
}

function decide(
  order: AssignOrder,
  chosen: CustomAllocation,
  deviceId: string,
  hubs: HubDirectory,
): Plan {
  const hub = order.known?.hub;
  const isKnown = hub !== undefined && hubs.find(hub)?.registry.get(deviceId) !== undefined;
  return planReprovision({
    policy: order.enrolment.policy,
    apiVersion: order.apiVersion,
    current: hub === undefined ? undefined : { hub, known: isKnown },
    chosenHub: chosen.hub.name,
    initialTwin: order.enrolment.initialTwin,
    returnedTwin: chosen.initialTwin,
  });
}

/** The registration while nothing is decided; what was known of an earlier one stays. */
export function begun(order: AssignOrder): Registration {
  const { enrolment, known, nowMs } = order;
  return {
    registrationId: order.registrationId,
    status: 'assigning',
    substatus: undefined,
    hub: known?.hub,
    deviceId: known?.deviceId,
    scope: enrolment.scope,
    enrolmentId: enrolment.id,
    attestation: enrolment.attestation.kind,
    payload: undefined,
    errorCode: undefined,
    errorMessage: undefined,
    createdMs: known?.createdMs ?? nowMs,
    updatedMs: nowMs,
    etag: newEtag(),
  };
}

function failed(order: AssignOrder, { errorCode, errorMessage }: AllocationFault): Registration {
  return { ...begun(order), status: 'failed', errorCode, errorMessage };
}
