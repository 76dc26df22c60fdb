/** Puts the parts together: connections to Redis, one forwarder per destination, status. */
import { RepeatFilter, createLog, errorMessage, leaveSignsOfLife } from '@holdfast/kit';
import { systemClock, systemRandom } from '@holdfast/kit';
import type { Log } from '@holdfast/kit';
import {
  KEYS,
  openRedis,
  parseEnabled,
  parseNumber,
  redisSettings,
  untilReady,
  watchKeys,
  writeEvent,
} from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import { MqttDestination } from './adapters/mqtt-destination.ts';
import { serveMetrics } from './adapters/metrics-server.ts';
import { RedisBuffer } from './adapters/redis-buffer.ts';
import { RedisLedger } from './adapters/redis-ledger.ts';
import { RedisReadings } from './adapters/redis-readings.ts';
import { BufferKeeper } from './buffer-keeper.ts';
import type { CommandEvents } from './commands/engine.ts';
import { openCommands } from './commands/wire.ts';
import type { CommandLog, Commands } from './commands/wire.ts';
import { deviceOf } from './config.ts';
import type { Config, TlsMaterial } from './config.ts';
import { MessagePacker } from './core/message.ts';
import { expandTopic } from './core/topic.ts';
import { Forwarder } from './forwarder.ts';
import type { ForwarderEvents, Report } from './forwarder-parts.ts';
import { renderMetrics } from './metrics.ts';
import { keepStatus } from './status.ts';

interface LogEvents extends ForwarderEvents, CommandLog {
  started: { deviceUuid: string; destinations: readonly string[] };
  redis_unreachable: { error: string };
  tls_insecure: { destination: string };
  readings_evicted: { destination: string; count: number };
  buffer_failed: { error: string };
  metrics_failed: { port: number; error: string };
  interval_refused: { key: string; value: string; allowed: string };
}

/** Events of the forwarder that belong on the time line of the dashboard. */
const TIMELINE = new Set<keyof LogEvents>([
  'link_up',
  'link_down',
  'cursor_reset',
  'reading_too_large',
  'reading_refused',
  'readings_removed',
  'readings_evicted',
  'interval_refused',
]);

const SERVICE = 'mqtthandler';
/**
 * At most so many in one message, some 50 kB: larger ones make replay hardly faster and the process
 * bigger (`make bench`).
 */
const READINGS_PER_MESSAGE = 200;
/** On SIGTERM commands to Redis may still take this long. */
const REDIS_GRACE_MS = 3_500;

export async function runApp(config: Config, tls: TlsMaterial, signal: AbortSignal): Promise<void> {
  const log = createLog<LogEvents>(SERVICE, systemClock);
  const repeated = new RepeatFilter();
  const onRedisError = (error: Error) => {
    if (repeated.shouldLog(error.message)) log.warn('redis_unreachable', { error: error.message });
  };
  const settings = redisSettings(config);
  const connections = ['', ':read', ':watch'].map((role) =>
    openRedis(settings, `${SERVICE}${role}`, onRedisError),
  ) as [Redis, Redis, Redis];
  const [redis, blocking, subscriber] = connections;
  redis.on('ready', () => repeated.reset());

  const report: Report = (level, event, fields) => {
    (log as Log<ForwarderEvents>)[level](event, fields);
    if (TIMELINE.has(event)) tell(redis, event, fields);
  };
  const commands = openCommands(config, redis, {
    report: (level, event, fields) => (log as Log<CommandEvents>)[level](event, fields),
    onSubscribeRefused: (error) => log.warn('commands_refused_by_broker', { error }),
    onCursorSet: () => forwarder?.reload(),
  });
  const forwarder = mqttForwarder(config, tls, { redis, blocking, report, commands });
  const forwarders = new Map(forwarder === undefined ? [] : [['mqtt', forwarder]]);
  log.info('started', {
    deviceUuid: deviceOf(config).uuid,
    destinations: [...forwarders.keys()],
  });
  if (config.MQTT_TLS_ENABLE && config.MQTT_TLS_INSECURE) {
    log.warn('tls_insecure', { destination: 'mqtt' });
  }

  const keeper = new BufferKeeper({
    buffer: new RedisBuffer(redis),
    readings: new RedisReadings(redis, blocking),
    clock: systemClock,
    limits: {
      maxBytes: config.BUFFER_MAX_MB * 1_000_000,
      keepMs: config.BUFFER_KEEP_HOURS * 3_600_000,
    },
    forwarders: [...forwarders.values()],
    onEvicted: (destination, count) => {
      log.warn('readings_evicted', { destination, count });
      tell(redis, 'readings_evicted', { destination, count });
    },
    redisReady: async (stop) => await untilReady(redis, stop),
    onError: (error) => log.warn('buffer_failed', { error: errorMessage(error) }),
  });
  if (config.METRICS_PORT !== undefined) {
    const port = config.METRICS_PORT;
    serveMetrics(
      port,
      () => renderMetrics(forwarders, keeper.state),
      signal,
      (error) => {
        log.error('metrics_failed', { port, error: errorMessage(error) });
      },
    );
  }

  // A Redis that was away may have been put back to an older state: what it remembers counts.
  redis.on('ready', () => forwarder?.reload());
  if (forwarder !== undefined) {
    watchKeys({
      redis,
      subscriber,
      db: config.REDIS_DB,
      keys: [KEYS.mqttEnabled.key, KEYS.mqttInterval.key],
      signal,
      onValues: ([enabled = null, interval = null]) => {
        forwarder.setEnabled(parseEnabled(enabled));
        applyInterval(forwarder, interval, (fields) => {
          log.warn('interval_refused', fields);
          tell(redis, 'interval_refused', fields);
        });
      },
    });
  }
  const disconnect = () => {
    for (const connection of connections) connection.disconnect();
  };
  signal.addEventListener('abort', () => setTimeout(disconnect, REDIS_GRACE_MS).unref());
  await Promise.all([
    keepStatus(redis, systemClock, forwarders, () => keeper.state, signal),
    keeper.run(signal),
    ...[...forwarders.values()].map((f) => f.run(signal)),
    commands.run(signal),
    leaveSignsOfLife({ check: async () => redis.ping(), clock: systemClock }, signal),
    forever(signal),
  ]);
  disconnect();
}

/** Nothing to forward to is a valid configuration: the service waits for SIGTERM. */
async function forever(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await systemClock.sleepMs(86_400_000, signal);
}

function mqttForwarder(
  config: Config,
  tls: TlsMaterial,
  parts: { redis: Redis; blocking: Redis; report: Report; commands: Commands },
): Forwarder | undefined {
  if (config.MQTT_HOST === undefined) return undefined;
  const device = deviceOf(config);
  const { redis, blocking, report, commands } = parts;
  return new Forwarder({
    destination: new MqttDestination(
      {
        host: config.MQTT_HOST,
        port: config.MQTT_PORT ?? (config.MQTT_TLS_ENABLE ? 8883 : 1883),
        clientId: config.MQTT_CLIENT_ID ?? `holdfast-${device.uuid}`,
        username: config.MQTT_USERNAME,
        password: config.MQTT_PASSWORD,
        keepaliveSeconds: config.MQTT_KEEPALIVE_SECONDS,
        tls: config.MQTT_TLS_ENABLE ? { ...tls, insecure: config.MQTT_TLS_INSECURE } : undefined,
        valuesTopic: expandTopic(config.MQTT_TOPIC_VALUES, device),
        maxPayloadBytes: config.MQTT_MAX_PAYLOAD_BYTES,
        maxInFlight: config.MQTT_IN_FLIGHT,
        pubackTimeoutMs: config.MQTT_PUBACK_TIMEOUT_SECONDS * 1_000,
        commands: commands.mqtt,
      },
      systemClock,
    ),
    readings: new RedisReadings(redis, blocking),
    ledger: new RedisLedger(redis, {
      lastId: KEYS.mqttLastId.key,
      pending: KEYS.mqttPending.key,
      mark: KEYS.mqttMark.key,
      gaps: KEYS.mqttGaps.key,
      rejected: KEYS.mqttRejected.key,
    }),
    packer: new MessagePacker(device),
    clock: systemClock,
    random: systemRandom,
    settings: {
      lanes: config.LANES === '1' ? 1 : 2,
      maxReadings: READINGS_PER_MESSAGE,
      maxInFlight: config.MQTT_IN_FLIGHT,
      backlogOrder: config.BACKLOG_ORDER,
      backlogRate: {
        messagesPerSecond: config.BACKLOG_MAX_MESSAGES_PER_SECOND ?? Infinity,
        bytesPerSecond: config.BACKLOG_MAX_BYTES_PER_SECOND ?? Infinity,
      },
    },
    report,
    commandLane: commands.lane,
    redisReady: async (signal) =>
      (await untilReady(redis, signal)) && (await untilReady(blocking, signal)),
  });
}

function applyInterval(
  forwarder: Forwarder,
  raw: string | null,
  refuse: (fields: LogEvents['interval_refused']) => void,
): void {
  if (raw === null) {
    forwarder.setIntervalSeconds(0);
    return;
  }
  const { key, value: rule } = KEYS.mqttInterval;
  const parsed = parseNumber(raw, rule);
  if (parsed.ok) forwarder.setIntervalSeconds(parsed.value);
  else refuse({ key, value: raw.slice(0, 80), allowed: `${rule.min} to ${rule.max} seconds` });
}

function tell(redis: Redis, event: string, fields: object): void {
  const texts = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, String(value)]),
  );
  // The time line is a courtesy: what Redis cannot take now is in the log.
  writeEvent(redis, { service: SERVICE, event, fields: texts }).catch(() => {});
}
