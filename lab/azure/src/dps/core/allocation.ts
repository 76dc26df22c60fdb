/**
 * Which hub a device goes to.
 *
 * - static: the first hub of the enrolment.
 * - hashed: by a hash of the registration id, in proportion to the weights of the hubs; the same
 *   device gets the same hub again, and a new hub takes devices from all others evenly (rendezvous
 *   hashing). Azure's own hash is not public: which device lands where differs, the shares do not.
 * - geoLatency: the hub nearest to the device by a configured table; equals are hashed. Azure
 *   measures by DNS, which says nothing on loopback.
 * - custom: a webhook or function answers; `checkCustomAllocation` judges what it says.
 */
import { isJsonObject } from '../../json.ts';
import type { Json } from '../../json.ts';
import type { Enrolment, InitialTwin } from './enrolment.ts';

export interface LinkedHub {
  readonly name: string;
  /** What devices are told: `assignedHub`. */
  readonly host: string;
  /** Share of the hashed allocation; 0 = takes no new devices by hash. */
  readonly weight: number;
}

/** Latency of hubs in ms by hub name; a hub that is not listed is the farthest. */
export type LatencyTable = Readonly<Record<string, number>>;

/** What failed allocations report; the numbers are those of the service where they are known. */
export interface AllocationFault {
  readonly errorCode: number;
  readonly errorMessage: string;
}

export type Allocation =
  { readonly ok: true; readonly hub: LinkedHub } | ({ readonly ok: false } & AllocationFault);

/** A failed call: 400207 with this wording is what devices of the real service have received. */
export const CUSTOM_ALLOCATION_FAILED = 400207;
/** Documented as LinkedHubNotFound. */
export const LINKED_HUB_NOT_FOUND = 404210;

/** The hubs an enrolment may use: those it names, by name or host, or all that are linked. */
export function candidates(
  enrolment: Enrolment,
  linked: readonly LinkedHub[],
): readonly LinkedHub[] {
  if (enrolment.hubs.length === 0) return linked;
  return enrolment.hubs.flatMap((named) => findHub(linked, named) ?? []);
}

export function findHub(linked: readonly LinkedHub[], named: string): LinkedHub | undefined {
  return linked.find((hub) => hub.name === named || hub.host === named);
}

/** Static, hashed and geoLatency; custom is asked elsewhere. */
export function allocate(
  enrolment: Enrolment,
  registrationId: string,
  linked: readonly LinkedHub[],
  latencyMs: LatencyTable,
): Allocation {
  const hubs = candidates(enrolment, linked);
  const hub = choose(enrolment, registrationId, hubs, latencyMs);
  if (hub !== undefined) return { ok: true, hub };
  const errorMessage = 'No linked IoT hub can take the device.';
  return { ok: false, errorCode: LINKED_HUB_NOT_FOUND, errorMessage };
}

function choose(
  enrolment: Enrolment,
  registrationId: string,
  hubs: readonly LinkedHub[],
  latencyMs: LatencyTable,
): LinkedHub | undefined {
  switch (enrolment.allocation) {
    case 'static':
      return hubs[0];
    case 'hashed':
    case 'custom':
      return byHash(registrationId, hubs);
    case 'geoLatency': {
      const distance = (hub: LinkedHub) => latencyMs[hub.name] ?? Infinity;
      const nearest = Math.min(...hubs.map(distance));
      return byHash(
        registrationId,
        hubs.filter((hub) => distance(hub) === nearest),
      );
    }
  }
}

/** Weighted rendezvous hashing: the smallest `-ln(u) / weight` wins, u from 0 to 1 by hash. */
function byHash(registrationId: string, hubs: readonly LinkedHub[]): LinkedHub | undefined {
  let best: { hub: LinkedHub; score: number } | undefined;
  for (const hub of hubs) {
    if (hub.weight <= 0) continue;
    const score = -Math.log(unitHash(`${registrationId}\n${hub.name}`)) / hub.weight;
    if (best === undefined || score < best.score) best = { hub, score };
  }
  return best?.hub;
}

/** FNV-1a with a final mix (its last bits alone are too regular); in (0, 1). */
export function unitHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return ((hash >>> 0) + 0.5) / 2 ** 32;
}

export interface CustomAllocation {
  readonly hub: LinkedHub;
  readonly initialTwin: InitialTwin | undefined;
  /** Returned to the device whatever the reprovisioning policy says. */
  readonly payload: Json | undefined;
}

/** What a webhook or function answered: `{iotHubHostName, initialTwin?, payload?}`. */
export function checkCustomAllocation(
  answer: unknown,
  hubs: readonly LinkedHub[],
): ({ readonly ok: true } & CustomAllocation) | ({ readonly ok: false } & AllocationFault) {
  if (!isJsonObject(answer)) return customFault('no JSON object returned');
  const { iotHubHostName, initialTwin, payload } = answer;
  if (typeof iotHubHostName !== 'string') return customFault('iotHubHostName is missing');
  const hub = findHub(hubs, iotHubHostName);
  if (hub === undefined) return customFault(`${iotHubHostName} is not one of linkedHubs`);
  return { ok: true, hub, initialTwin: twinOf(initialTwin), payload: payload ?? undefined };
}

export function customFault(why: string): { readonly ok: false } & AllocationFault {
  return {
    ok: false,
    errorCode: CUSTOM_ALLOCATION_FAILED,
    errorMessage: `Custom allocation failed: ${why}`,
  };
}

/** The wording of the service when the webhook's HTTP status is not a success. */
export function customStatusFault(status: number): { readonly ok: false } & AllocationFault {
  return {
    ok: false,
    errorCode: CUSTOM_ALLOCATION_FAILED,
    errorMessage: `Custom allocation failed with status code: ${status}`,
  };
}

/** `{tags, properties: {desired}}`, the service's form of an initial twin. */
export function twinOf(json: Json | undefined): InitialTwin | undefined {
  if (!isJsonObject(json)) return undefined;
  const tags = json['tags'];
  const properties = json['properties'];
  const desired = isJsonObject(properties) ? properties['desired'] : undefined;
  return {
    ...(isJsonObject(tags) ? { tags } : {}),
    ...(isJsonObject(desired) ? { desired } : {}),
  };
}
