/**
 * The numbers of the rules, and the waits made of them. Every wait is spread upwards only: a floor
 * holds for each attempt, and a fleet that was thrown off together does not come back together.
 *
 * Sources: best practices for large-scale deployments with DPS ("retry operations", "IoT Hub
 * connectivity considerations") and its reprovisioning concepts ("tip").
 */
import { backoffMs } from '@holdfast/kit';
import type { BackoffPolicy, Random } from '@holdfast/kit';

export type CredentialKind = 'sas' | 'x509';

/** Where the assignment comes from; `none` = nothing is configured. */
export type Source = 'none' | 'dps' | 'connection_string' | 'x509_variables';

export interface Fleet {
  /** Devices that may come at the same time. */
  readonly devices: number;
  /** Connections a second that the service allows. */
  readonly connectionsPerSecond: number;
  /** Share of that limit that may be used; smaller = slower. */
  readonly load: number;
}

export interface Rules {
  readonly source: Source;
  readonly kind: CredentialKind;
  /** The assignment itself, for sources other than `dps`. */
  readonly fixed?: { readonly host: string; readonly deviceId: string } | undefined;
  readonly idScope: string;
  readonly registrationId: string;
  /** Changes whenever a setting changes that DPS judges; says nothing about a key. */
  readonly settings: string;
  /** False = the stored assignment is not used at a start (`PROVISIONING_CACHE=none`). */
  readonly keepsAssignment: boolean;
  /** False where the transport has no status lookup (MQTT): DPS is asked to register instead. */
  readonly canLookUp: boolean;
  /** Shortest time between two registrations that are not a retry. */
  readonly intervalMs: number;
  /** Waits after 5xx and no answer. */
  readonly busy: BackoffPolicy;
  /** A registration that has not come to an end by then is begun anew. */
  readonly assigningLimitMs: number;
  /** Wait after a terminal answer. */
  readonly refusedMs: number;
  /** How long the same hub is tried; spread up to twice as long. */
  readonly hubRetryMs: number;
  /** Waits before the next attempt at a hub that is busy, says CONNACK 1 or throws us out. */
  readonly hubBusy: BackoffPolicy;
  readonly fleet: Fleet;
  /** Life of a SAS token, and how long before its end it is renewed. */
  readonly tokenMs: number;
  readonly tokenMarginMs: number;
}

/** At least so long between attempts at a hub ("at least one minute before a retry"). */
export const HUB_GAP_MS = 60_000;
/** DPS allows a device 5 polls in 10 s. */
export const POLL_FLOOR_MS = 2_000;
/** Without a Retry-After; what DPS usually says. */
const POLL_MS = 3_000;
/** min_retry_delay of the fleet formula. */
const FLEET_FLOOR_MS = 1_000;
/** No wait that DPS names is taken for longer: a number beyond this is a mistake of the other side. */
export const LONGEST_MS = 30 * 86_400_000;

/** Spreads a wait upwards: from `ms` to one and a half of it. */
export function spread(ms: number, random: Random): number {
  return ms * (1 + 0.5 * random.next());
}

/** max_retry_delay of the fleet formula: (1 / load) * N / cps. */
function fleetCeilingMs({ devices, connectionsPerSecond, load }: Fleet): number {
  return Math.max(FLEET_FLOOR_MS, (devices / connectionsPerSecond / load) * 1_000);
}

/**
 * 429 without Retry-After: uniform between one second and the ceiling; both double with every
 * further 429, so a fleet that was counted too small gets slower instead of knocking on.
 */
export function fleetWaitMs(rules: Rules, failures: number, random: Random): number {
  const doublings = 2 ** Math.min(Math.max(0, failures - 1), 20);
  const capMs = Math.max(rules.busy.capMs, fleetCeilingMs(rules.fleet));
  const floorMs = Math.min(FLEET_FLOOR_MS * doublings, capMs);
  const ceilingMs = Math.min(fleetCeilingMs(rules.fleet) * doublings, capMs);
  return floorMs + random.next() * (ceilingMs - floorMs);
}

/** 429 with Retry-After: never shorter; devices told the same moment are spread behind it. */
export function retryAfterWaitMs(rules: Rules, retryAfterMs: number, random: Random): number {
  const tailMs = Math.min(fleetCeilingMs(rules.fleet), Math.max(FLEET_FLOOR_MS, retryAfterMs));
  return Math.min(Math.max(0, retryAfterMs), LONGEST_MS) + random.next() * tailMs;
}

/**
 * 429 with Retry-After, the `failures`-th in a row. Nothing, or a date that is over, names no time: by
 * that alone DPS would be asked several times a second.
 */
export function throttledWaitMs(
  rules: Rules,
  retryAfterMs: number,
  failures: number,
  random: Random,
): number {
  return retryAfterMs < FLEET_FLOOR_MS
    ? fleetWaitMs(rules, failures, random)
    : retryAfterWaitMs(rules, retryAfterMs, random);
}

/** Until the next poll: what DPS says, and never faster than it allows. */
export function pollWaitMs(retryAfterMs: number | undefined): number {
  return Math.min(Math.max(retryAfterMs ?? POLL_MS, POLL_FLOOR_MS), LONGEST_MS);
}

/** Between attempts at a hub that must be left alone: exponential, and never under a minute. */
export function hubHoldMs(rules: Rules, failures: number, random: Random): number {
  return Math.max(spread(HUB_GAP_MS, random), backoffMs(rules.hubBusy, failures, random));
}

/** Between registrations that all left us without a hub: the first at once, then slower. */
export function fruitlessWaitMs(rules: Rules, fruitless: number, random: Random): number {
  if (fruitless === 0) return 0;
  const policy = { floorMs: rules.intervalMs, capMs: rules.refusedMs };
  return backoffMs(policy, fruitless, random);
}
