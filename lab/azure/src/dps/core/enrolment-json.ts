/**
 * Enrolments as JSON: the bodies of the service's REST API (individual enrolment, enrolment group),
 * so that what was written for one works with the other. Short forms, for people who type:
 *
 * - `"attestation": "symmetricKey"` or `"x509"`: keys are made up; certificates of this cloud's CA
 * - `"reprovisionPolicy": "migrate" | "reset" | "never"`; `null` = none stored
 * - hubs by name (`hub-a`) as well as by host name
 */
import { isJsonObject } from '../../json.ts';
import type { Json, JsonObject } from '../../json.ts';
import { twinOf } from './allocation.ts';
import { ALLOCATIONS, POLICIES, isRegistrationId, normalId } from './enrolment.ts';
import type { AllocationKind, Attestation, Enrolment, ReprovisionPolicy } from './enrolment.ts';

/** What parsing needs from outside: chance and cryptography. */
export interface EnrolmentTools {
  /** A new random key, base64. */
  readonly newKey: () => string;
  /** SHA-256 of a certificate (PEM, or base64 of DER or PEM) in hexadecimal, upper case; undefined = not one. */
  readonly thumbprint: (certificate: string) => string | undefined;
  /** A CA certificate (PEM, or base64 of DER or PEM) as PEM; undefined = not one. */
  readonly toPem: (certificate: string) => string | undefined;
  readonly ownCaPem: string;
  /** Allocation of enrolments that name none. */
  readonly defaultAllocation: AllocationKind;
}

/** An enrolment without what the store adds. */
export type EnrolmentDraft = Omit<Enrolment, 'createdMs' | 'updatedMs' | 'etag'>;

export type ParsedEnrolment =
  | { readonly ok: true; readonly enrolment: EnrolmentDraft }
  | { readonly ok: false; readonly faults: readonly string[] };

type Faults = string[];

export function parseEnrolment(json: Json | undefined, tools: EnrolmentTools): ParsedEnrolment {
  if (!isJsonObject(json)) return { ok: false, faults: ['a JSON object is needed'] };
  const faults: Faults = [];
  const group = json['enrollmentGroupId'];
  const scope = group === undefined ? 'individual' : 'group';
  const given = group ?? json['registrationId'];
  const id = typeof given === 'string' ? given : '';
  if (!isRegistrationId(id)) {
    faults.push('registrationId or enrollmentGroupId must be up to 128 of A-Z a-z 0-9 - . _ :');
  }
  const enrolment: EnrolmentDraft = {
    scope,
    id: scope === 'individual' ? normalId(id) : id,
    deviceId: text(json, 'deviceId', faults),
    attestation: parseAttestation(json['attestation'], scope, tools, faults),
    enabled: parseStatus(json['provisioningStatus'], faults),
    allocation: word(json, 'allocationPolicy', ALLOCATIONS, faults) ?? tools.defaultAllocation,
    hubs: parseHubs(json, faults),
    policy: parsePolicy(json['reprovisionPolicy'], faults),
    initialTwin: twinOf(json['initialTwin']) ?? {},
    webhookUrl: parseWebhook(json['customAllocationDefinition'], faults),
  };
  return faults.length > 0 ? { ok: false, faults } : { ok: true, enrolment };
}

function text(json: JsonObject, name: string, faults: Faults): string | undefined {
  const value = json[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  faults.push(`${name} must be a text`);
  return undefined;
}

function word<W extends string>(
  json: JsonObject,
  name: string,
  words: readonly W[],
  faults: Faults,
): W | undefined {
  const value = json[name];
  if (value === undefined || value === null) return undefined;
  const wanted = typeof value === 'string' ? value.toLowerCase() : undefined;
  const found = words.find((known) => known.toLowerCase() === wanted);
  if (found === undefined) faults.push(`${name} must be one of ${words.join(', ')}`);
  return found;
}

function parseStatus(value: Json | undefined, faults: Faults): boolean {
  if (value === undefined || value === 'enabled') return true;
  if (value !== 'disabled') faults.push('provisioningStatus must be enabled or disabled');
  return false;
}

function parseHubs(json: JsonObject, faults: Faults): readonly string[] {
  const value = json['iotHubs'] ?? json['iotHubHostName'] ?? [];
  const list = Array.isArray(value) ? (value as readonly Json[]) : [value as Json];
  if (list.every((hub) => typeof hub === 'string')) return list;
  faults.push('iotHubs must be a list of names');
  return [];
}

/** Left out = the default of new enrolments; null = none stored. */
function parsePolicy(value: Json | undefined, faults: Faults): ReprovisionPolicy | undefined {
  if (value === null) return undefined;
  if (value === undefined) return 'migrate';
  if (typeof value === 'string') {
    return word({ reprovisionPolicy: value }, 'reprovisionPolicy', POLICIES, faults);
  }
  if (!isJsonObject(value)) {
    faults.push('reprovisionPolicy must be an object, a word or null');
    return undefined;
  }
  if (value['updateHubAssignment'] === false) return 'never';
  return value['migrateDeviceData'] === false ? 'reset' : 'migrate';
}

function parseWebhook(value: Json | undefined, faults: Faults): string | undefined {
  if (value === undefined || value === null) return undefined;
  const url = isJsonObject(value) ? value['webhookUrl'] : value;
  if (typeof url === 'string' && /^https?:\/\//.test(url)) return url;
  faults.push('customAllocationDefinition.webhookUrl must be an http or https address');
  return undefined;
}

function parseAttestation(
  value: Json | undefined,
  scope: 'individual' | 'group',
  tools: EnrolmentTools,
  faults: Faults,
): Attestation {
  const kind = isJsonObject(value) ? value['type'] : (value ?? 'symmetricKey');
  const body = isJsonObject(value) && typeof kind === 'string' ? value[kind] : undefined;
  if (kind === 'symmetricKey') return parseKeys(isJsonObject(body) ? body : {}, tools, faults);
  if (kind === 'x509') return parseX509(isJsonObject(body) ? body : {}, scope, tools, faults);
  faults.push('attestation.type must be symmetricKey or x509');
  return { kind: 'x509', thumbprints: [], caPem: undefined };
}

function parseKeys(body: JsonObject, tools: EnrolmentTools, faults: Faults): Attestation {
  const primaryKey = text(body, 'primaryKey', faults) ?? tools.newKey();
  const secondaryKey = text(body, 'secondaryKey', faults) ?? tools.newKey();
  for (const key of [primaryKey, secondaryKey]) {
    // 16 to 64 bytes, as the service has it.
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key) || key.length < 22 || key.length > 88) {
      faults.push('keys must be base64 of 16 to 64 bytes');
    }
  }
  return { kind: 'symmetric_key', primaryKey, secondaryKey };
}

function parseX509(
  body: JsonObject,
  scope: 'individual' | 'group',
  tools: EnrolmentTools,
  faults: Faults,
): Attestation {
  const clients = entries(body['clientCertificates']);
  const thumbprints = clients.flatMap((entry) => {
    const certificate = certificateOf(entry);
    const thumbprint =
      certificate === undefined ? knownThumbprint(entry) : tools.thumbprint(certificate);
    if (thumbprint === undefined) faults.push('clientCertificates holds no certificate');
    return thumbprint ?? [];
  });
  const [signing] = entries(body['signingCertificates']).flatMap((one) => certificateOf(one) ?? []);
  const given = signing === undefined ? undefined : tools.toPem(signing);
  if (signing !== undefined && given === undefined) {
    faults.push('signingCertificates holds no certificate');
  }
  if (scope === 'group' && thumbprints.length > 0) {
    faults.push('a group takes signingCertificates, not clientCertificates');
  }
  const caPem = given ?? (thumbprints.length > 0 ? undefined : tools.ownCaPem);
  return { kind: 'x509', thumbprints, caPem };
}

/** `{primary, secondary}` as a list. */
function entries(value: Json | undefined): readonly Json[] {
  if (!isJsonObject(value)) return [];
  return [value['primary'], value['secondary']].flatMap((entry) => entry ?? []);
}

/** `{certificate}`, or just its text. */
function certificateOf(entry: Json): string | undefined {
  const certificate = isJsonObject(entry) ? entry['certificate'] : entry;
  return typeof certificate === 'string' ? certificate : undefined;
}

/** What the service shows instead of the certificate: `{info: {sha256Thumbprint}}`. */
function knownThumbprint(entry: Json): string | undefined {
  const info = isJsonObject(entry) ? entry['info'] : undefined;
  const thumbprint = isJsonObject(info) ? info['sha256Thumbprint'] : undefined;
  return typeof thumbprint === 'string' ? thumbprint.toUpperCase() : undefined;
}
