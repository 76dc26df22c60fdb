/** Asks whoever decides for a hub: the enrolment itself, a webhook, or a function in this process. */
import { errorMessage } from '@holdfast/kit';
import { isJsonObject, parseJson } from '../json.ts';
import type { Json, JsonObject } from '../json.ts';
import {
  allocate,
  candidates,
  checkCustomAllocation,
  customFault,
  customStatusFault,
} from './core/allocation.ts';
import type { AllocationFault, CustomAllocation, LinkedHub } from './core/allocation.ts';
import type { Enrolment } from './core/enrolment.ts';
import { effectivePolicy } from './core/reprovision.ts';
import type { AllocationFunction } from './enrolments.ts';
import { renderEnrolment } from './render-enrolment.ts';
import type { Registration } from './registrations.ts';
import type { DpsSettings } from './settings.ts';

export interface AllocationOrder {
  readonly enrolment: Enrolment;
  readonly registrationId: string;
  readonly apiVersion: string;
  /** What the device sent along. */
  readonly payload: Json | undefined;
  /** Of an earlier registration. */
  readonly known: Registration | undefined;
  readonly linked: readonly LinkedHub[];
  /** Custom allocation in this process. */
  readonly allocate: AllocationFunction | undefined;
}

export type AllocationResult =
  ({ readonly ok: true } & CustomAllocation) | ({ readonly ok: false } & AllocationFault);

export async function chooseHub(
  order: AllocationOrder,
  settings: Readonly<DpsSettings>,
): Promise<AllocationResult> {
  const { enrolment, registrationId, linked } = order;
  if (enrolment.allocation !== 'custom') {
    const chosen = allocate(enrolment, registrationId, linked, settings.latencyMs);
    if (!chosen.ok) return chosen;
    return { ok: true, hub: chosen.hub, initialTwin: undefined, payload: undefined };
  }
  const hubs = offeredHubs(order);
  const request = allocationRequest(order, hubs);
  const answer = await ask(order, request, settings.webhookTimeoutMs);
  if (!answer.ok) return answer;
  const checked = checkCustomAllocation(answer.value, hubs);
  // A device that may not move is not held up by a webhook that would move it: the webhook is called
  // whatever the policy, for its payload ("device reprovisioning concepts").
  if (checked.ok || !isSticky(order) || hubs[0] === undefined) return checked;
  const named = checkCustomAllocation(answer.value, linked);
  return named.ok ? { ...named, hub: hubs[0] } : named;
}

/** A device that never moves is offered its present hub only. */
function offeredHubs(order: AllocationOrder): readonly LinkedHub[] {
  const hubs = candidates(order.enrolment, order.linked);
  if (!isSticky(order)) return hubs;
  const present = order.linked.find((hub) => hub.name === order.known?.hub);
  return present === undefined ? hubs : [present];
}

function isSticky({ enrolment, apiVersion, known }: AllocationOrder): boolean {
  return known?.hub !== undefined && effectivePolicy(enrolment.policy, apiVersion) === 'never';
}

function allocationRequest(order: AllocationOrder, hubs: readonly LinkedHub[]): JsonObject {
  const { enrolment, known, payload } = order;
  const hostOf = (name: string) => order.linked.find((hub) => hub.name === name)?.host;
  const currentHost = known?.hub === undefined ? undefined : hostOf(known.hub);
  const name = enrolment.scope === 'group' ? 'enrollmentGroup' : 'individualEnrollment';
  return {
    [name]: renderEnrolment(enrolment, hostOf, 'hidden'),
    deviceRuntimeContext: {
      registrationId: order.registrationId,
      ...(currentHost === undefined ? {} : { currentIotHubHostName: currentHost }),
      ...(known?.deviceId === undefined ? {} : { currentDeviceId: known.deviceId }),
      ...(enrolment.attestation.kind === 'x509' ? { x509: {} } : { symmetricKey: {} }),
      ...(payload === undefined ? {} : { payload }),
    },
    linkedHubs: hubs.map((hub) => hub.host),
  };
}

type Answered =
  { readonly ok: true; readonly value: unknown } | ({ readonly ok: false } & AllocationFault);

async function ask(
  order: AllocationOrder,
  request: JsonObject,
  timeoutMs: number,
): Promise<Answered> {
  try {
    if (order.allocate !== undefined) return { ok: true, value: await order.allocate(request) };
    const { webhookUrl } = order.enrolment;
    if (webhookUrl === undefined) return customFault('the enrolment names no webhook');
    return await post(webhookUrl, request, timeoutMs);
  } catch (error) {
    return customFault(errorMessage(error));
  }
}

async function post(url: string, request: JsonObject, timeoutMs: number): Promise<Answered> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await response.text();
  if (!response.ok) return customStatusFault(response.status);
  const value = parseJson(text);
  return isJsonObject(value) ? { ok: true, value } : customFault('no JSON object returned');
}
