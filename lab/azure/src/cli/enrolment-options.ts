/** Options that describe an enrolment, for `enrol` and `start`. */
import { readFileSync } from 'node:fs';
import { isJsonObject, parseJson } from '../json.ts';
import type { Json, JsonObject } from '../json.ts';
import { UsageError } from './command.ts';
import type { Given, Option } from './command.ts';

export const ENROLMENT_OPTIONS: Readonly<Record<string, Option>> = {
  x509: { help: 'by certificate of this cloud’s CA instead of by key' },
  ca: { value: 'FILE', help: 'by certificate of this CA (PEM)' },
  cert: { value: 'FILE', help: 'by this very certificate (PEM); single devices only' },
  key: { value: 'BASE64', help: 'primary key; default a new one' },
  policy: {
    value: 'POLICY',
    help: 'migrate (default), reset, never, or none: by the API version of the device',
  },
  allocation: { value: 'KIND', help: 'hashed (default), static, geoLatency or custom' },
  'use-hubs': { value: 'A,B,...', help: 'hubs that may be chosen; default all' },
  webhook: { value: 'URL', help: 'custom allocation asks here' },
  twin: { value: 'JSON|FILE', help: 'initial twin {tags, properties: {desired}}' },
};

/** In the JSON of the service, without the id. */
export function enrolmentJson(given: Given): JsonObject {
  const policy = given.text('policy');
  const webhook = given.text('webhook');
  const allocation = given.text('allocation') ?? (webhook === undefined ? undefined : 'custom');
  const hubs = given.text('use-hubs');
  const twin = given.text('twin');
  return {
    attestation: attestation(given),
    ...(policy === undefined ? {} : { reprovisionPolicy: policy === 'none' ? null : policy }),
    ...(allocation === undefined ? {} : { allocationPolicy: allocation }),
    ...(hubs === undefined ? {} : { iotHubs: hubs.split(',') }),
    ...(webhook === undefined ? {} : { customAllocationDefinition: { webhookUrl: webhook } }),
    ...(twin === undefined ? {} : { initialTwin: jsonOrFile(twin) }),
  };
}

function attestation(given: Given): Json {
  const certificate = given.text('cert');
  const ca = given.text('ca');
  const key = given.text('key');
  if (certificate !== undefined) {
    const primary = { certificate: readFileSync(certificate, 'utf8') };
    return { type: 'x509', x509: { clientCertificates: { primary } } };
  }
  if (ca !== undefined) {
    const primary = { certificate: readFileSync(ca, 'utf8') };
    return { type: 'x509', x509: { signingCertificates: { primary } } };
  }
  if (given.flag('x509')) return 'x509';
  const symmetricKey = key === undefined ? {} : { primaryKey: key };
  return { type: 'symmetricKey', symmetricKey };
}

/** A JSON object as typed, or the name of a file that holds one. @throws UsageError */
export function jsonOrFile(text: string): JsonObject {
  const typed = text.trimStart().startsWith('{');
  const json = parseJson(typed ? text : readFileSync(text, 'utf8'));
  if (isJsonObject(json)) return json;
  throw new UsageError(`${text} is no JSON object`);
}
