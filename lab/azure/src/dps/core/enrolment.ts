/**
 * Enrolments: which devices may register, with what proof, where they go and what happens to their
 * data when they come back. Names follow the documents of the service, in the shapes of this code;
 * `enrolment-json.ts` translates from and to the service's own JSON.
 */
import type { JsonObject } from '../../json.ts';

/** Tags and desired properties a new twin starts with. */
export interface InitialTwin {
  readonly tags?: JsonObject;
  readonly desired?: JsonObject;
}

/** Base64 keys. Of a group they are the group's: a device's own are derived from them. */
export interface SymmetricKeys {
  readonly kind: 'symmetric_key';
  readonly primaryKey: string;
  readonly secondaryKey: string;
}

/**
 * Certificates. An individual enrolment lists the thumbprints it takes (SHA-256, hexadecimal in upper case)
 * or a CA; a group names its CA. Either way the common name must be the registration id.
 */
export interface X509Attestation {
  readonly kind: 'x509';
  readonly thumbprints: readonly string[];
  readonly caPem: string | undefined;
}

export type Attestation = SymmetricKeys | X509Attestation;

export const ALLOCATIONS = ['static', 'hashed', 'geoLatency', 'custom'] as const;
export type AllocationKind = (typeof ALLOCATIONS)[number];

/**
 * What happens to a device that registers again. `undefined` in an enrolment = none stored: then the
 * API version of the request decides (see reprovision.ts).
 */
export const POLICIES = ['migrate', 'reset', 'never'] as const;
export type ReprovisionPolicy = (typeof POLICIES)[number];

export interface Enrolment {
  readonly scope: 'individual' | 'group';
  /** Registration id of an individual enrolment (lower case), name of a group. */
  readonly id: string;
  /** Device id at the hub; individual enrolments only, default: the registration id. */
  readonly deviceId: string | undefined;
  readonly attestation: Attestation;
  readonly enabled: boolean;
  readonly allocation: AllocationKind;
  /** Names of hubs that may be chosen; empty = every linked hub. */
  readonly hubs: readonly string[];
  readonly policy: ReprovisionPolicy | undefined;
  readonly initialTwin: InitialTwin;
  /** Where custom allocation asks; undefined = a function in this process. */
  readonly webhookUrl: string | undefined;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly etag: string;
}

/** Registration ids are compared without case: they are kept in lower case throughout. */
export function normalId(registrationId: string): string {
  return registrationId.toLowerCase();
}

/**
 * Up to 128 letters, digits and `-._:`, the last one a letter, a digit or `-`
 * (documentation of the service, "registration ID").
 */
export function isRegistrationId(text: string): boolean {
  return text.length <= 128 && /^[A-Za-z0-9]([A-Za-z0-9\-._:]*[A-Za-z0-9-])?$/.test(text);
}
