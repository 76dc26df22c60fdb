/** The variables of the IoT Hub destination: part of the table in config.ts. */
import { custom, flag, integer, number, secret, text } from '@holdfast/kit';

const ON_OFF = flag({ fallback: false, help: '' });

/** A variable of the provisioner: what it says is not looked at, and a key in it is not kept. */
const isSet = (help: string) =>
  custom<boolean>(
    {
      fallback: false,
      fallbackText: '-',
      allowed: 'any text',
      help: `${help}; only whether it is set counts here`,
    },
    () => true,
  );

export const HUB_ENV = {
  HUB_ENABLE: custom<boolean | undefined>(
    {
      fallback: undefined,
      allowed: ON_OFF.allowed,
      help: 'forward to an Azure IoT Hub; not set = when one of the next three is set',
    },
    ON_OFF.parse,
  ),
  DPS_ID_SCOPE: isSet('the hub is found through DPS'),
  HUB_CONNECTION_STRING: isSet('the hub is named here'),
  AZURE_HUB_HOST: isSet('the hub is named here'),
  DPS_X509_CERTFILE_BASE64: text({
    fallback: undefined,
    help: 'PEM text of the device certificate, base64; a file is named by the provisioner',
  }),
  DPS_X509_KEYFILE_BASE64: secret({ help: 'PEM text of its private key, base64' }),
  AZURE_CERT: text({ fallback: undefined, help: 'the same certificate, as balena names it' }),
  AZURE_PRIVATE_KEY: secret({ help: 'the same key, as balena names it' }),
  HUB_CA_CERTS: text({
    fallback: undefined,
    help: 'PEM file of the authority to trust instead of the well-known ones',
  }),
  HUB_CA_CERTS_BASE64: text({ fallback: undefined, help: 'the PEM text itself, base64' }),
  HUB_KEEPALIVE_SECONDS: integer({
    unit: 's',
    fallback: 60,
    min: 5,
    max: 1_177,
    help: 'a silent connection is probed this often',
  }),
  HUB_IN_FLIGHT: integer({
    fallback: 50,
    min: 1,
    max: 1_000,
    help: 'messages that may be unacknowledged',
  }),
  HUB_MAX_PAYLOAD_BYTES: integer({
    unit: 'byte',
    fallback: 262_144,
    min: 1_024,
    max: 262_144,
    help: 'largest message with its properties',
  }),
  HUB_BLOCK_BYTES: integer({
    unit: 'byte',
    fallback: 4_096,
    min: 512,
    max: 262_144,
    help: 'what the hub counts as one message; 512 in its free tier. Messages are cut to fill it',
  }),
  HUB_INTERVAL_SECONDS: number({
    unit: 's',
    fallback: 10,
    min: 0,
    max: 3_600,
    help: 'longest time a reading waits for a block to be full, unless `hub_sender:interval` says otherwise; 0 = not at all',
  }),
  HUB_MAX_MESSAGES_PER_SECOND: number({
    unit: '1/s',
    fallback: 10,
    min: 0.01,
    max: 6_000,
    help: 'speed limit; an S1 hub takes 100 a second from all its devices together',
  }),
  HUB_PUBACK_TIMEOUT_SECONDS: number({
    unit: 's',
    fallback: 30,
    min: 1,
    max: 3_600,
    help: 'a message not acknowledged within this time means a dead connection',
  }),
  HUB_RECONNECT_SECONDS: number({
    unit: 's',
    fallback: 60,
    min: 1,
    max: 3_600,
    help: 'time between two attempts to connect, at least; up to half as much again by chance',
  }),
} as const;
