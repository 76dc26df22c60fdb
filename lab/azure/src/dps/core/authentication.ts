/**
 * Who is calling: finds the enrolment a registration belongs to and checks the proof against it.
 *
 * An individual enrolment comes first and is final: a device it refuses does not get in through a
 * group (that is how one device of a group is locked out). Among groups, keys are tried one by one
 * and certificates go to the group whose CA is nearest to the device's certificate, so that a
 * disabled intermediate CA locks out its devices though the root's group is enabled.
 */
import { normalId } from './enrolment.ts';
import type { Enrolment } from './enrolment.ts';

/** What a device presented, with the cryptography left to the caller. */
export type Proof =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'sas';
      /** Whether the signature was made with this key (base64). */
      readonly isSignedWith: (keyBase64: string) => boolean;
    }
  | {
      readonly kind: 'x509';
      readonly commonName: string;
      /** SHA-256 of the certificate, hexadecimal in upper case. */
      readonly thumbprint: string;
      /** Steps up the chain to this CA, 1 = it signed the certificate itself; undefined = not its. */
      readonly stepsTo: (caPem: string) => number | undefined;
    };

/** What the device will present to its hub. */
export type DeviceCredentials =
  | { readonly kind: 'symmetric_key'; readonly primaryKey: string; readonly secondaryKey: string }
  /** SHA-256; of an enrolment by CA, that of the certificate shown at this registration. */
  | { readonly kind: 'x509'; readonly thumbprints: readonly string[] };

export type Authentication =
  | { readonly ok: true; readonly enrolment: Enrolment; readonly credentials: DeviceCredentials }
  | {
      readonly ok: false;
      readonly reason: 'no_enrolment' | 'wrong_key' | 'wrong_certificate' | 'wrong_kind_of_proof';
    };

/** Key of one device of a group: base64(HMAC-SHA256(group key, registration id)). */
export type DeriveKey = (groupKeyBase64: string, registrationId: string) => string;

export interface AuthenticationInput {
  readonly registrationId: string;
  readonly proof: Proof;
  readonly enrolments: Iterable<Enrolment>;
  readonly deriveKey: DeriveKey;
}

export function authenticate(input: AuthenticationInput): Authentication {
  const id = normalId(input.registrationId);
  const groups: Enrolment[] = [];
  for (const enrolment of input.enrolments) {
    if (enrolment.scope === 'group') groups.push(enrolment);
    else if (enrolment.id === id) return byIndividual(enrolment, input);
  }
  const { proof } = input;
  if (proof.kind === 'sas') return byGroupKey(groups, id, proof, input.deriveKey);
  if (proof.kind === 'x509') return byGroupCertificate(groups, id, proof);
  return { ok: false, reason: 'no_enrolment' };
}

function byIndividual(enrolment: Enrolment, input: AuthenticationInput): Authentication {
  const { attestation } = enrolment;
  const { proof } = input;
  if (attestation.kind === 'symmetric_key') {
    if (proof.kind !== 'sas') return { ok: false, reason: 'wrong_kind_of_proof' };
    const keys = [attestation.primaryKey, attestation.secondaryKey];
    if (!keys.some((key) => proof.isSignedWith(key))) return { ok: false, reason: 'wrong_key' };
    return { ok: true, enrolment, credentials: attestation };
  }
  if (proof.kind !== 'x509') return { ok: false, reason: 'wrong_kind_of_proof' };
  const known =
    attestation.thumbprints.includes(proof.thumbprint) ||
    (attestation.caPem !== undefined && proof.stepsTo(attestation.caPem) !== undefined);
  if (!known || normalId(proof.commonName) !== enrolment.id) {
    return { ok: false, reason: 'wrong_certificate' };
  }
  return {
    ok: true,
    enrolment,
    credentials: certificateOf(attestation.thumbprints, proof.thumbprint),
  };
}

function byGroupKey(
  groups: readonly Enrolment[],
  id: string,
  proof: Extract<Proof, { kind: 'sas' }>,
  deriveKey: DeriveKey,
): Authentication {
  let tried = false;
  for (const enrolment of groups) {
    const { attestation } = enrolment;
    if (attestation.kind !== 'symmetric_key') continue;
    tried = true;
    const primaryKey = deriveKey(attestation.primaryKey, id);
    const secondaryKey = deriveKey(attestation.secondaryKey, id);
    if (proof.isSignedWith(primaryKey) || proof.isSignedWith(secondaryKey)) {
      const credentials = { kind: 'symmetric_key', primaryKey, secondaryKey } as const;
      return { ok: true, enrolment, credentials };
    }
  }
  return { ok: false, reason: tried ? 'wrong_key' : 'no_enrolment' };
}

function byGroupCertificate(
  groups: readonly Enrolment[],
  id: string,
  proof: Extract<Proof, { kind: 'x509' }>,
): Authentication {
  let nearest: { enrolment: Enrolment; steps: number } | undefined;
  let tried = false;
  for (const enrolment of groups) {
    const { attestation } = enrolment;
    if (attestation.kind !== 'x509' || attestation.caPem === undefined) continue;
    tried = true;
    const steps = proof.stepsTo(attestation.caPem);
    if (steps === undefined || (nearest !== undefined && nearest.steps <= steps)) continue;
    nearest = { enrolment, steps };
  }
  if (nearest === undefined || normalId(proof.commonName) !== id) {
    return { ok: false, reason: tried ? 'wrong_certificate' : 'no_enrolment' };
  }
  const credentials = certificateOf([], proof.thumbprint);
  return { ok: true, enrolment: nearest.enrolment, credentials };
}

/** By CA the hub learns the certificate shown here: a renewed one has to be registered first. */
function certificateOf(thumbprints: readonly string[], shown: string): DeviceCredentials {
  return { kind: 'x509', thumbprints: thumbprints.includes(shown) ? thumbprints : [shown] };
}
