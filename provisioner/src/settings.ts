/**
 * From the variables to what the service works with: the rules for the core, and the secrets for the
 * adapters that need them. What does not fit together ends the service before it begins.
 */
import { createHash } from 'node:crypto';
import { ConfigError, errorMessage } from '@holdfast/kit';
import type { DpsIdentity } from './adapters/dps-identity.ts';
import { REGISTRATION_ID } from './config.ts';
import type { Config } from './config.ts';
import { isKey, parseConnectionString } from './core/connection-string.ts';
import type { Rules } from './core/rules.ts';
import { certificateOf, checkPair, commonName, pemOf } from './pem.ts';

export interface Settings {
  readonly rules: Rules;
  readonly dps: DpsIdentity | undefined;
  /** Key for the hub, base64; undefined with a certificate. */
  readonly hubKey: string | undefined;
  /** Where the mqtthandler finds the certificate; missing = in variables of its own. */
  readonly certfile: string | undefined;
  readonly keyfile: string | undefined;
}

type Place = Pick<Rules, 'source' | 'kind' | 'fixed' | 'idScope' | 'registrationId'>;
type Found = Omit<Settings, 'rules'> & { readonly place: Place };

const NOTHING = { dps: undefined, hubKey: undefined, certfile: undefined, keyfile: undefined };

/** @throws ConfigError naming what is missing, unreadable or too much */
export function settingsOf(config: Config): Settings {
  const { DPS_ID_SCOPE, HUB_CONNECTION_STRING, AZURE_HUB_HOST } = config;
  const ways = { DPS_ID_SCOPE, HUB_CONNECTION_STRING, AZURE_HUB_HOST };
  const set = Object.entries(ways).filter(([, value]) => value !== undefined);
  if (set.length > 1) {
    throw new ConfigError(`${set.map(([name]) => name).join(' and ')} are set: only one can count`);
  }
  const { place, ...found } = find(config);
  return { ...found, rules: rulesOf(config, place, fingerprint(config, place, found)) };
}

function find(config: Config): Found {
  const { DPS_ID_SCOPE, HUB_CONNECTION_STRING, AZURE_HUB_HOST } = config;
  if (HUB_CONNECTION_STRING !== undefined) return byConnectionString(HUB_CONNECTION_STRING);
  if (AZURE_HUB_HOST !== undefined) return byVariables(config, AZURE_HUB_HOST);
  if (DPS_ID_SCOPE !== undefined) return byDps(config, DPS_ID_SCOPE);
  const place = { source: 'none', kind: 'sas', idScope: '', registrationId: '' } as const;
  return { ...NOTHING, place };
}

function byConnectionString(connectionString: string): Found {
  try {
    const { host, deviceId, sharedAccessKey } = parseConnectionString(connectionString);
    const fixed = { host, deviceId };
    const common = { kind: 'sas', idScope: '', registrationId: '' } as const;
    const place: Place = { source: 'connection_string', fixed, ...common };
    return { ...NOTHING, hubKey: sharedAccessKey, place };
  } catch (error) {
    throw new ConfigError(`HUB_CONNECTION_STRING is (hidden), ${errorMessage(error)}`);
  }
}

function byVariables(config: Config, host: string): Found {
  const certificate = certificateOf('AZURE_CERT', config.AZURE_CERT, undefined);
  if (certificate === undefined || config.AZURE_PRIVATE_KEY === undefined) {
    throw new ConfigError('AZURE_HUB_HOST needs AZURE_CERT and AZURE_PRIVATE_KEY');
  }
  const key = pemOf('AZURE_PRIVATE_KEY', config.AZURE_PRIVATE_KEY, undefined) ?? '';
  checkPair({ name: 'AZURE_CERT', text: certificate }, { name: 'AZURE_PRIVATE_KEY', text: key });
  const deviceId = commonName(certificate) ?? config.BALENA_DEVICE_UUID;
  if (deviceId === undefined) {
    throw new ConfigError('AZURE_CERT has no common name and BALENA_DEVICE_UUID is not set');
  }
  const common = { kind: 'x509', idScope: '', registrationId: '' } as const;
  const place: Place = { source: 'x509_variables', fixed: { host, deviceId }, ...common };
  return { ...NOTHING, place };
}

function byDps(config: Config, idScope: string): Found {
  const { DPS_SYMMETRIC_KEY: key, DPS_X509_CERTFILE: certfile, DPS_X509_KEYFILE: keyfile } = config;
  const { DPS_X509_CERTFILE_BASE64: certText, DPS_X509_KEYFILE_BASE64: keyText } = config;
  const certificate = proofOf(config);
  if ((key === undefined) === (certificate === undefined)) {
    throw new ConfigError('DPS_ID_SCOPE needs DPS_SYMMETRIC_KEY, or a certificate with its key');
  }
  if (key !== undefined && !isKey(key)) {
    throw new ConfigError('DPS_SYMMETRIC_KEY is (hidden), allowed: base64 of 16 to 64 bytes');
  }
  const registrationId = registrationIdOf(config, certificate?.cert);
  return {
    place: { source: 'dps', kind: key === undefined ? 'x509' : 'sas', idScope, registrationId },
    dps: {
      ...config.DPS_ENDPOINT,
      idScope,
      registrationId,
      key,
      certificate,
      ca: certificateOf('DPS_CA_CERTS_BASE64', config.DPS_CA_CERTS_BASE64, config.DPS_CA_CERTS),
      payload: config.DPS_PAYLOAD,
      answerMs: config.DPS_ANSWER_SECONDS * 1_000,
    },
    hubKey: key,
    // The text itself is not passed on: the mqtthandler has the same variables.
    certfile: certText === undefined ? certfile : undefined,
    keyfile: keyText === undefined ? keyfile : undefined,
  };
}

/** The certificate for DPS and its key; undefined = neither is set. */
function proofOf(config: Config): DpsIdentity['certificate'] {
  const { DPS_X509_CERTFILE_BASE64: certText, DPS_X509_KEYFILE_BASE64: keyText } = config;
  const cert = certificateOf('DPS_X509_CERTFILE_BASE64', certText, config.DPS_X509_CERTFILE);
  const key = pemOf('DPS_X509_KEYFILE_BASE64', keyText, config.DPS_X509_KEYFILE);
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new ConfigError(
      'DPS_X509_CERTFILE and DPS_X509_KEYFILE go together: set both or neither',
    );
  }
  checkPair({ name: 'DPS_X509_CERTFILE', text: cert }, { name: 'DPS_X509_KEYFILE', text: key });
  return { cert, key };
}

/** What is not set by its own variable has not been checked yet. */
function registrationIdOf(config: Config, certPem: string | undefined): string {
  const named = certPem === undefined ? undefined : commonName(certPem);
  const id = config.DPS_REGISTRATION_ID ?? named ?? config.BALENA_DEVICE_UUID;
  if (id === undefined) throw new ConfigError('DPS_REGISTRATION_ID is missing');
  if (!REGISTRATION_ID.pattern.test(id)) {
    const from = named === undefined ? 'BALENA_DEVICE_UUID' : 'the common name of the certificate';
    const words = `${JSON.stringify(id)}, ${from}, cannot be a registration id`;
    throw new ConfigError(`${words} (${REGISTRATION_ID.allowed}): set DPS_REGISTRATION_ID`);
  }
  return id;
}

function rulesOf(config: Config, place: Place, settings: string): Rules {
  const retryMs = config.DPS_RETRY_SECONDS * 1_000;
  return {
    ...place,
    settings,
    keepsAssignment: config.PROVISIONING_CACHE === 'redis',
    canLookUp: config.DPS_TRANSPORT === 'http',
    intervalMs: config.DPS_INTERVAL_SECONDS * 1_000,
    busy: { floorMs: retryMs, capMs: config.DPS_RETRY_MAX_SECONDS * 1_000 },
    assigningLimitMs: config.DPS_ASSIGNING_MINUTES * 60_000,
    refusedMs: config.DPS_REFUSED_RETRY_MINUTES * 60_000,
    hubRetryMs: config.HUB_RETRY_MINUTES * 60_000,
    hubBusy: { floorMs: 5_000, capMs: config.HUB_RETRY_MAX_SECONDS * 1_000 },
    fleet: {
      devices: config.FLEET_DEVICES,
      connectionsPerSecond: config.FLEET_CONNECTIONS_PER_SECOND,
      load: config.FLEET_LOAD,
    },
    tokenMs: config.HUB_TOKEN_MINUTES * 60_000,
    tokenMarginMs: config.HUB_TOKEN_RENEW_MINUTES * 60_000,
  };
}

/**
 * Whether anything has changed that DPS judges. Stored in Redis, so it must not help to guess a key:
 * 48 bits of a digest of 128 random bits and more do not.
 */
function fingerprint(config: Config, place: Place, { dps }: Omit<Found, 'place'>): string {
  const { host, port } = config.DPS_ENDPOINT;
  const proof = dps?.key ?? dps?.certificate?.cert ?? '';
  const parts = [host, port, place.idScope, place.registrationId.toLowerCase(), proof];
  const payload = JSON.stringify(config.DPS_PAYLOAD) ?? '';
  return createHash('sha256')
    .update([...parts, payload].join('\n'))
    .digest('hex')
    .slice(0, 12);
}
