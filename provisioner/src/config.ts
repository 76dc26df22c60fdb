/** The only reader of the environment. README.md shows this table; a test compares the two. */
import {
  ConfigError,
  custom,
  integer,
  loadConfig,
  number,
  oneOf,
  secret,
  text,
} from '@holdfast/kit';
import type { ConfigOf } from '@holdfast/kit';
import { REDIS_ENV } from '@holdfast/redis';

interface Endpoint {
  readonly host: string;
  readonly port: number | undefined;
}

const seconds = (fallback: number, help: string, max = 86_400) =>
  number({ unit: 's', fallback, min: 0.1, max, help });
const minutes = (fallback: number, help: string) =>
  number({ unit: 'min', fallback, min: 0.01, max: 43_200, help });

/** As DPS takes it, whether it is set or found in the certificate. */
export const REGISTRATION_ID = {
  pattern: /^[A-Za-z0-9]([A-Za-z0-9._:-]{0,126}[A-Za-z0-9])?$/,
  allowed: 'up to 128 letters, digits and - . _ : with a letter or digit at both ends',
} as const;

const DPS_ENV = {
  DPS_ENDPOINT: custom<Endpoint>(
    {
      fallback: { host: 'global.azure-devices-provisioning.net', port: undefined },
      fallbackText: 'global.azure-devices-provisioning.net',
      allowed: 'a host name, with :port where it is not the usual one',
      help: 'the provisioning service',
    },
    parseEndpoint,
  ),
  DPS_ID_SCOPE: text({
    fallback: undefined,
    pattern: /^[A-Za-z0-9]{1,64}$/,
    allowed: 'letters and digits',
    help: 'id scope of the provisioning service; not set = DPS is not used',
  }),
  DPS_REGISTRATION_ID: text({
    ...REGISTRATION_ID,
    fallback: undefined,
    help: 'what DPS knows the device by; not set = the common name of the certificate, else `BALENA_DEVICE_UUID`',
  }),
  DPS_SYMMETRIC_KEY: secret({
    help: 'key of this device, base64; for a group the one derived for this device, never the key of the group',
  }),
  DPS_X509_CERTFILE: text({
    fallback: undefined,
    help: 'PEM file of the device certificate, with the chain to it; instead of the key',
  }),
  DPS_X509_CERTFILE_BASE64: text({ fallback: undefined, help: 'the PEM text itself, base64' }),
  DPS_X509_KEYFILE: text({ fallback: undefined, help: 'PEM file of its private key' }),
  DPS_X509_KEYFILE_BASE64: secret({ help: 'the PEM text itself, base64' }),
  DPS_CA_CERTS: text({
    fallback: undefined,
    help: 'PEM file of the authority to trust for DPS instead of the well-known ones',
  }),
  DPS_CA_CERTS_BASE64: text({ fallback: undefined, help: 'the PEM text itself, base64' }),
  DPS_TRANSPORT: oneOf(['http', 'mqtt'], {
    fallback: 'http',
    help: 'mqtt = port 8883 where 443 is closed; without status lookup and without a look at the clock of DPS',
  }),
  DPS_PAYLOAD: custom<unknown>(
    {
      fallback: undefined,
      allowed: 'JSON',
      help: 'what a custom allocation is told about the device',
    },
    (raw) => JSON.parse(raw) as unknown,
  ),
  PROVISIONING_CACHE: oneOf(['redis', 'none'], {
    fallback: 'redis',
    help: 'none = an assignment is not used again after a start of this service, which then registers',
  }),
} as const;

const PACE_ENV = {
  DPS_INTERVAL_SECONDS: seconds(60, 'shortest time between two registrations that are not a retry'),
  DPS_ANSWER_SECONDS: seconds(
    30,
    'a question not answered within this time counts as not answered',
    300,
  ),
  DPS_RETRY_SECONDS: seconds(
    5,
    'first wait after 5xx or no answer, doubled every time; below 5 only for a DPS of your own',
  ),
  DPS_RETRY_MAX_SECONDS: seconds(900, 'largest such wait'),
  DPS_ASSIGNING_MINUTES: minutes(
    60,
    'a registration that has not come to an end by then is begun anew',
  ),
  DPS_REFUSED_RETRY_MINUTES: minutes(
    60,
    'wait after a terminal answer: disabled, wrong key, failed',
  ),
  HUB_RETRY_MINUTES: minutes(
    15,
    'a hub that cannot be reached is tried for this time to twice as long before DPS is asked',
  ),
  HUB_RETRY_MAX_SECONDS: seconds(600, 'largest wait before the next attempt at a busy hub'),
  HUB_TOKEN_MINUTES: minutes(60, 'life of a token for the hub'),
  HUB_TOKEN_RENEW_MINUTES: minutes(15, 'it is replaced this long before its end'),
  FLEET_DEVICES: integer({
    fallback: 1_000,
    min: 1,
    max: 100_000_000,
    help: 'N: devices that may come at once, for the wait after a 429 without Retry-After',
  }),
  FLEET_CONNECTIONS_PER_SECOND: number({
    unit: '1/s',
    fallback: 16,
    min: 0.01,
    max: 1_000_000,
    help: 'cps: registrations the service takes; 1000 a minute unless raised',
  }),
  FLEET_LOAD: number({
    fallback: 1,
    min: 0.001,
    max: 100,
    help: 'load: share of that to use. The wait is from 1 s to N / cps / load',
  }),
} as const;

const FIXED_ENV = {
  HUB_CONNECTION_STRING: secret({ help: 'connection string of a device, instead of DPS' }),
  AZURE_HUB_HOST: text({
    fallback: undefined,
    pattern: /^[A-Za-z0-9.-]+(:\d+)?$/,
    allowed: 'a host name',
    help: "host of the hub, instead of DPS; with the next two, as balena's Azure tools set them",
  }),
  AZURE_CERT: text({ fallback: undefined, help: 'PEM text of the device certificate, base64' }),
  AZURE_PRIVATE_KEY: secret({ help: 'PEM text of its private key, base64' }),
  BALENA_DEVICE_UUID: text({ fallback: undefined, help: 'identity of the device, set by balena' }),
} as const;

export const ENV = { ...REDIS_ENV, ...DPS_ENV, ...PACE_ENV, ...FIXED_ENV } as const;

export type Config = ConfigOf<typeof ENV>;

/** @throws ConfigError naming every faulty variable */
export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const config = loadConfig(ENV, env);
  if (config.HUB_TOKEN_RENEW_MINUTES >= config.HUB_TOKEN_MINUTES) {
    throw new ConfigError('HUB_TOKEN_RENEW_MINUTES must be shorter than HUB_TOKEN_MINUTES');
  }
  return config;
}

function parseEndpoint(raw: string): Endpoint {
  const match = /^([A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(raw);
  const [, host = '', port] = match ?? [];
  if (host === '' || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535) {
    throw new RangeError('not an endpoint');
  }
  return { host, port: port === undefined ? undefined : Number(port) };
}
