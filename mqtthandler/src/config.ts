/** The only reader of the environment. README.md shows this table; a test compares the two. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import {
  ConfigError,
  custom,
  flag,
  integer,
  loadConfig,
  number,
  oneOf,
  secret,
  text,
} from '@holdfast/kit';
import type { ConfigOf } from '@holdfast/kit';
import { REDIS_ENV } from '@holdfast/redis';
import { HUB_ENV } from './config-hub.ts';
import { parsePublicKey } from './adapters/ed25519.ts';
import type { Device } from './core/message.ts';
import { TOPIC_PATTERN } from './core/topic.ts';

const topic = (name: string, help: string) =>
  text({
    fallback: `iot-projekt/device/${name}`,
    pattern: TOPIC_PATTERN,
    allowed: 'a topic without + and #',
    help,
  });

export const ENV = {
  ...REDIS_ENV,
  MQTT_HOST: text({ fallback: undefined, help: 'name or address of the broker; not set = off' }),
  MQTT_PORT: integer({
    fallback: undefined,
    min: 1,
    max: 65_535,
    help: 'its TCP port; not set = 1883, with TLS 8883',
  }),
  MQTT_KEEPALIVE_SECONDS: integer({
    unit: 's',
    fallback: 60,
    min: 5,
    max: 65_535,
    help: 'a silent connection is probed this often',
  }),
  MQTT_USERNAME: text({ fallback: undefined, help: 'user name for the broker' }),
  MQTT_PASSWORD: secret({ help: 'password for the broker' }),
  MQTT_CLIENT_ID: text({
    fallback: undefined,
    help: 'client id; must be unique at the broker. Not set = `holdfast-` and the device uuid',
  }),
  MQTT_TLS_ENABLE: flag({ fallback: false, help: 'encrypt the connection and verify the broker' }),
  MQTT_TLS_INSECURE: flag({
    fallback: false,
    help: 'accept any certificate; for a test broker only, and said in the log',
  }),
  MQTT_TLS_CA_CERTS: text({
    fallback: undefined,
    help: 'PEM file of the authority to trust instead of the well-known ones',
  }),
  MQTT_TLS_CA_CERTS_BASE64: text({ fallback: undefined, help: 'the PEM text itself, base64' }),
  MQTT_TLS_CERTFILE: text({ fallback: undefined, help: 'PEM file of the client certificate' }),
  MQTT_TLS_CERTFILE_BASE64: text({ fallback: undefined, help: 'the PEM text itself, base64' }),
  MQTT_TLS_KEYFILE: text({ fallback: undefined, help: 'PEM file of its private key' }),
  MQTT_TLS_KEYFILE_BASE64: secret({ help: 'the PEM text itself, base64' }),
  MQTT_TOPIC_BROADCAST: topic('broadcast/control', 'commands to all devices'),
  MQTT_TOPIC_REQUEST: topic('%(device_uuid)s/request', 'commands to this device'),
  MQTT_TOPIC_RESPONSE: topic('%(device_uuid)s/response', 'answers to commands'),
  MQTT_TOPIC_VALUES: topic('%(device_uuid)s/values', 'readings'),
  MQTT_MAX_PAYLOAD_BYTES: integer({
    unit: 'byte',
    fallback: 131_072,
    min: 1_024,
    max: 268_000_000,
    help: 'largest message; a smaller limit announced by the broker counts',
  }),
  MQTT_IN_FLIGHT: integer({
    fallback: 8,
    min: 1,
    max: 1_000,
    help: 'messages that may be unacknowledged; a smaller Receive Maximum of the broker counts',
  }),
  MQTT_PUBACK_TIMEOUT_SECONDS: number({
    unit: 's',
    fallback: 20,
    min: 1,
    max: 3_600,
    help: 'a message not acknowledged within this time means a dead connection',
  }),
  ...HUB_ENV,
  LANES: oneOf(['1', '2'], {
    fallback: '2',
    help: '2 = the newest readings go out at once, a backlog beside them; 1 = strictly in order',
  }),
  BACKLOG_ORDER: oneOf(['oldest', 'newest'], {
    fallback: 'oldest',
    help: 'which part of a backlog goes first',
  }),
  BACKLOG_MAX_MESSAGES_PER_SECOND: number({
    unit: '1/s',
    fallback: undefined,
    min: 0.01,
    max: 100_000,
    help: 'speed limit of the backlog lane; not set = none',
  }),
  BACKLOG_MAX_BYTES_PER_SECOND: number({
    unit: 'byte/s',
    fallback: undefined,
    min: 100,
    max: 1_000_000_000,
    help: 'the same in payload bytes',
  }),
  BUFFER_MAX_MB: number({
    unit: 'MB',
    fallback: 64,
    min: 1,
    max: 65_536,
    help: 'memory for readings; beyond it the oldest go, each loss recorded. At most 70 % of what Redis may use counts',
  }),
  BUFFER_KEEP_HOURS: number({
    unit: 'h',
    fallback: 24,
    min: 0,
    max: 1_000_000,
    help: 'acknowledged readings are kept this long for the dashboard',
  }),
  METRICS_PORT: integer({
    fallback: undefined,
    min: 1,
    max: 65_535,
    help: 'serves Prometheus metrics at `/metrics`; not set = off',
  }),
  COMMAND_PUBLIC_KEY: custom(
    {
      fallback: undefined,
      allowed: 'an Ed25519 public key: PEM, or base64 of its 32 bytes or of its DER form',
      help: 'only commands signed with this key run; not set = signatures are not asked for',
      // What is refused may be the private key.
      secret: true,
    },
    parsePublicKey,
  ),
  SEND_MEASUREMENTS_MAX_READINGS_PER_SECOND: integer({
    unit: '1/s',
    fallback: 5_000,
    min: 1,
    max: 1_000_000,
    help: 'speed limit of `send_measurements`',
  }),
  BALENA_SUPERVISOR_ADDRESS: custom<string | undefined>(
    {
      fallback: undefined,
      allowed: 'an address such as http://127.0.0.1:48484',
      help: 'who can reboot the device, set by balena; not set = the command `reboot` is refused',
    },
    parseAddress,
  ),
  BALENA_SUPERVISOR_API_KEY: secret({ help: 'key for it, set by balena' }),
  BALENA_DEVICE_UUID: text({
    fallback: undefined,
    pattern: /^[^+#/\s]{1,256}$/,
    allowed: 'a text without + # / and blanks',
    help: 'identity of the device, set by balena; not set = `local-` and the host name',
  }),
  BALENA_DEVICE_TYPE: text({ fallback: 'unknown', help: 'set by balena' }),
  BALENA_APP_ID: text({ fallback: '0', help: 'fleet id, set by balena' }),
  BALENA_APP_NAME: text({ fallback: 'local', help: 'fleet name, set by balena' }),
} as const;

/** @throws for what is no address, or has a query of its own */
function parseAddress(raw: string): string {
  if (!/^https?:\/\/[^\s?#]+$/.test(raw)) throw new RangeError('no address');
  return new URL(raw).href;
}

export type Config = ConfigOf<typeof ENV>;

/** @throws ConfigError naming every fault */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return loadConfig(ENV, env);
}

/** Where readings go, by what is configured. */
export function destinationsOf(config: Config): readonly ('mqtt' | 'hub')[] {
  const { HUB_ENABLE, DPS_ID_SCOPE, HUB_CONNECTION_STRING, AZURE_HUB_HOST } = config;
  const hub = HUB_ENABLE ?? (DPS_ID_SCOPE || HUB_CONNECTION_STRING || AZURE_HUB_HOST);
  return [
    ...(config.MQTT_HOST === undefined ? [] : ['mqtt' as const]),
    ...(hub ? ['hub' as const] : []),
  ];
}

export function deviceOf(config: Config): Device {
  return {
    uuid: config.BALENA_DEVICE_UUID ?? `local-${hostname()}`,
    type: config.BALENA_DEVICE_TYPE,
    appId: config.BALENA_APP_ID,
    appName: config.BALENA_APP_NAME,
  };
}

export interface TlsMaterial {
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  /** The authority to trust at the IoT Hub. */
  readonly hubCa: Buffer | undefined;
}

type PemVariable = 'MQTT_TLS_CA_CERTS' | 'MQTT_TLS_CERTFILE' | 'MQTT_TLS_KEYFILE' | 'HUB_CA_CERTS';

/** Reads certificates and key, from files or from the variables themselves. */
export function readTls(config: Config): TlsMaterial {
  const faults: string[] = [];
  const pem = (name: PemVariable) => {
    const encoded = config[`${name}_BASE64`];
    const file = config[name];
    try {
      if (encoded !== undefined) return decodePem(encoded);
      return file === undefined ? undefined : readFileSync(file);
    } catch (error) {
      const from = encoded === undefined ? `${name} is ${JSON.stringify(file)}` : `${name}_BASE64`;
      faults.push(`${from}: ${error instanceof Error ? error.message : 'unreadable'}`);
      return undefined;
    }
  };
  const material = {
    ca: pem('MQTT_TLS_CA_CERTS'),
    cert: pem('MQTT_TLS_CERTFILE'),
    key: pem('MQTT_TLS_KEYFILE'),
    hubCa: pem('HUB_CA_CERTS'),
  };
  if (faults.length === 0 && (material.cert === undefined) !== (material.key === undefined)) {
    faults.push('MQTT_TLS_CERTFILE and MQTT_TLS_KEYFILE go together: set both or neither');
  }
  if (faults.length > 0) throw new ConfigError(faults.join('; '));
  return material;
}

/** @throws Error when it is none */
export function decodePem(encoded: string): Buffer {
  const pem = Buffer.from(encoded, 'base64');
  if (!pem.includes('-----BEGIN ')) throw new Error('not the base64 form of a PEM text');
  return pem;
}
