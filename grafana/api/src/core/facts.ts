/** What is known at one moment: the small keys of the device, and what its newest readings tell. */
import { KEYS } from '@holdfast/redis';
import type { Now, Seen, SensorSeen } from './readings.ts';
import type { Fields } from './values.ts';

/** Hashes; one that does not exist is empty. */
export const HASHES = {
  sensor: KEYS.sensorStatus.key,
  startstopbutton: KEYS.buttonStatus.key,
  mqtthandler: KEYS.handlerStatus.key,
  provisioner: KEYS.provisionerStatus.key,
  redis: KEYS.redisStatus.key,
  provisioning: KEYS.provisioningState.key,
  assignment: KEYS.hubAssignment.key,
  hubLink: KEYS.hubLink.key,
} as const;
export type HashName = keyof typeof HASHES;

export const STRINGS = {
  enabled: KEYS.enabled.key,
  mqttEnabled: KEYS.mqttEnabled.key,
  hubEnabled: KEYS.hubEnabled.key,
  mqttLastId: KEYS.mqttLastId.key,
  hubLastId: KEYS.hubLastId.key,
  request: KEYS.provisioningRequest.key,
} as const;
export type StringName = keyof typeof STRINGS;

export interface Facts {
  readonly hashes: Readonly<Record<HashName, Fields>>;
  readonly strings: Readonly<Record<StringName, string | null>>;
  /** Readings in the buffer. */
  readonly entries: number;
  /** Stream id of the oldest; null without any. */
  readonly oldestId: string | null;
  /** Gap records waiting to be delivered. */
  readonly mqttGaps: number;
  readonly hubGaps: number;
}

/** Redis' own figures; null where it does not tell. */
export interface Memory {
  readonly usedBytes: number | null;
  /** null = no limit. */
  readonly limitBytes: number | null;
  readonly aofBytes: number | null;
}

export interface Knowledge {
  readonly now: Now;
  readonly facts: Facts;
  readonly memory: Memory;
  /** By sensor; also those that have been silent for long. */
  readonly sensors: ReadonlyMap<string, SensorSeen>;
  readonly newest: Seen | undefined;
  /** The mqtthandler should have reported for so long and has not; undefined when it does. */
  readonly handlerSilentMs: number | undefined;
  readonly control: boolean;
  readonly device: string;
}
