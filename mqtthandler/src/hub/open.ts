/** Puts the IoT Hub destination together. Loaded only when it is on: the SDK is large. */
import { readFileSync } from 'node:fs';
import { RepeatFilter, errorMessage, systemClock, systemRandom } from '@holdfast/kit';
import { KEYS, watchKeys } from '@holdfast/redis';
import type { KeySpec, Redis } from '@holdfast/redis';
import { CredentialsSource } from '../adapters/hub/credentials-source.ts';
import { HubClient } from '../adapters/hub/hub-client.ts';
import type { HubClientSettings } from '../adapters/hub/hub-client.ts';
import { HubDestination } from '../adapters/hub/hub-destination.ts';
import { LinkReport } from '../adapters/hub/link-report.ts';
import { RedisTwinMemory } from '../adapters/hub/twin-memory.ts';
import type { Commands } from '../commands/wire.ts';
import { decodePem, deviceOf } from '../config.ts';
import type { Config } from '../config.ts';
import { isObject } from '../core/commands/json.ts';
import type { JsonObject } from '../core/commands/json.ts';
import type { HubCredentials } from '../core/hub/credentials.ts';
import { ANY_METHOD, PROPERTY_BYTES } from '../core/hub/wire.ts';
import { MessagePacker } from '../core/message.ts';
import { openForwarder } from '../destinations.ts';
import type { ForwarderConnections } from '../destinations.ts';
import type { Forwarder } from '../forwarder.ts';
import type { Report } from '../forwarder-parts.ts';
import { SendGate } from '../send-gate.ts';
import { BlockReadings } from './block-readings.ts';
import { SOURCE, answerMethod, runnerOf } from './commands.ts';
import type { HubReport } from './ports.ts';
import { HubTwin } from './twin.ts';

export interface HubParts {
  readonly report: Report;
  readonly hubReport: HubReport;
  readonly commands: Commands;
  readonly subscriber: Redis;
  readonly signal: AbortSignal;
  /** PEM of the authority to trust instead of the well-known ones. */
  readonly ca: string | undefined;
  /** What the twin tells of the device; rejects with Redis' error. */
  readonly summary: () => Promise<JsonObject>;
}

/** Late answers of commands go into the twin, where a value has 4 KB. */
const MAX_ANSWER_BYTES = 2_048;

export function openHubForwarder(
  config: Config,
  connections: ForwarderConnections,
  parts: HubParts,
): Forwarder {
  const { redis } = connections;
  const { commands, report, signal } = parts;
  const credentials = new CredentialsSource(redis, parts.subscriber, config.REDIS_DB, systemClock);
  void credentials.run(signal);
  const twin = openTwin(config, redis, parts);
  const repeated = new RepeatFilter();
  const onFault = (thrown: unknown) => {
    const error = errorMessage(thrown);
    if (repeated.shouldLog(error)) parts.hubReport('warn', 'hub_fault', { what: 'sdk', error });
  };
  const destination = new HubDestination({
    settings: {
      maxMessageBytes: config.HUB_MAX_PAYLOAD_BYTES,
      maxInFlight: config.HUB_IN_FLIGHT,
      pubackTimeoutMs: config.HUB_PUBACK_TIMEOUT_SECONDS * 1_000,
      rules: { gapMs: config.HUB_RECONNECT_SECONDS * 1_000 },
    },
    credentials,
    link: new LinkReport(redis),
    clock: systemClock,
    random: systemRandom,
    open: (current, stop) =>
      HubClient.open(current, clientSettings(config, parts.ca, current, onFault), stop),
    serve: (client, over) => serve(client, twin, commands, over),
  });
  const packer = new MessagePacker(deviceOf(config));
  const blocks = { blockBytes: config.HUB_BLOCK_BYTES, overheadBytes: PROPERTY_BYTES };
  let readLive: BlockReadings['readLive'] | undefined;
  return openForwarder('hub', config, connections, {
    destination,
    report,
    maxInFlight: config.HUB_IN_FLIGHT,
    commandLane: commands.lane(SOURCE),
    gate: new SendGate(
      systemClock,
      () => config.HUB_MAX_MESSAGES_PER_SECOND * destination.rateShare,
    ),
    wrapReadings: (readings) => {
      const wrapped = new BlockReadings(readings, packer, blocks);
      ({ readLive } = wrapped);
      return wrapped;
    },
    readLive: (context, after, stop) => {
      if (readLive === undefined) throw new Error('asked before it was opened');
      return readLive(context, after, stop);
    },
  });
}

/** What lives on one connection beside the readings. */
function serve(client: HubClient, twin: HubTwin, commands: Commands, over: AbortSignal): void {
  const run = runnerOf((request) => commands.engine.submit(request));
  client.onMethod((body, respond) => void answerMethod(body, run, respond), ANY_METHOD);
  const detach = commands.answers.attach(SOURCE, {
    maxBytes: MAX_ANSWER_BYTES,
    send: async (answer) => {
      const parsed: unknown = JSON.parse(answer);
      return isObject(parsed) ? await twin.reportAnswer(parsed, over) : true;
    },
  });
  over.addEventListener('abort', detach, { once: true });
  void twin.serve(client, over);
}

function openTwin(config: Config, redis: Redis, parts: HubParts): HubTwin {
  const { commands, subscriber, signal, hubReport, summary } = parts;
  const twin = new HubTwin({
    memory: new RedisTwinMemory(redis),
    run: runnerOf((request) => commands.engine.submit(request)),
    clock: systemClock,
    random: systemRandom,
    report: hubReport,
    summary,
  });
  redis.on('ready', () => twin.forget());
  // Cursors move with every message: they are no configuration to be shown.
  const keys = Object.values<KeySpec>(KEYS)
    .filter(({ remote, value }) => remote === 'get_set' && value?.kind !== 'stream_id')
    .map(({ key }) => key);
  watchKeys({
    redis,
    subscriber,
    db: config.REDIS_DB,
    keys,
    signal,
    onValues: (values) => twin.setValues(new Map(keys.map((key, i) => [key, values[i] ?? null]))),
  });
  return twin;
}

function clientSettings(
  config: Config,
  ca: string | undefined,
  credentials: HubCredentials,
  onFault: (error: unknown) => void,
): HubClientSettings {
  return {
    keepaliveSeconds: config.HUB_KEEPALIVE_SECONDS,
    ca,
    x509: x509Of(config, credentials),
    pubackTimeoutMs: config.HUB_PUBACK_TIMEOUT_SECONDS * 1_000,
    onFault,
  };
}

/** From the files the provisioner names, or from the variables it has read itself. */
function x509Of(config: Config, { auth }: HubCredentials): HubClientSettings['x509'] {
  if (auth.kind !== 'x509') return undefined;
  const pem = (file: string | undefined, encoded: string | undefined) => {
    if (file !== undefined) return readFileSync(file, 'utf8');
    return encoded === undefined ? undefined : decodePem(encoded).toString();
  };
  const cert = pem(auth.certFile, config.DPS_X509_CERTFILE_BASE64 ?? config.AZURE_CERT);
  const key = pem(auth.keyFile, config.DPS_X509_KEYFILE_BASE64 ?? config.AZURE_PRIVATE_KEY);
  return cert === undefined || key === undefined ? undefined : { cert, key };
}
