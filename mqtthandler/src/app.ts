/** Puts the parts together: connections to Redis, one forwarder per destination, status. */
import {
  RepeatFilter,
  createLog,
  errorMessage,
  leaveSignsOfLife,
  systemClock,
} from '@holdfast/kit';
import type { Log } from '@holdfast/kit';
import { openRedis, redisSettings, untilReady, writeEvent } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import { serveMetrics } from './adapters/metrics-server.ts';
import { RedisBuffer } from './adapters/redis-buffer.ts';
import { RedisReadings } from './adapters/redis-readings.ts';
import { RedisCommands } from './adapters/redis-commands.ts';
import { BufferKeeper } from './buffer-keeper.ts';
import type { BufferState } from './buffer-keeper.ts';
import type { CommandEvents } from './commands/engine.ts';
import { openCommands } from './commands/wire.ts';
import type { CommandLog, Commands } from './commands/wire.ts';
import { destinationsOf, deviceOf } from './config.ts';
import type { Config, TlsMaterial } from './config.ts';
import { destinationOfCursor, watchSwitches } from './destinations.ts';
import type { DestinationName, IntervalRefused } from './destinations.ts';
import type { Forwarder } from './forwarder.ts';
import type { ForwarderEvents, Report } from './forwarder-parts.ts';
import type { HubEvents } from './hub/ports.ts';
import { deviceSummary } from './hub/summary.ts';
import { renderMetrics } from './metrics.ts';
import { openMqttForwarder } from './mqtt-forwarder.ts';
import { keepStatus } from './status.ts';

interface LogEvents extends ForwarderEvents, CommandLog, HubEvents {
  started: { deviceUuid: string; destinations: readonly string[] };
  redis_unreachable: { error: string };
  tls_insecure: { destination: string };
  readings_evicted: { destination: string; count: number };
  buffer_failed: { error: string };
  metrics_failed: { port: number; error: string };
  interval_refused: IntervalRefused;
}

/** Events of the forwarder that belong on the time line of the dashboard. */
const TIMELINE = new Set<keyof LogEvents>([
  'link_up',
  'link_down',
  'cursor_reset',
  'sending_refused',
  'reading_too_large',
  'reading_refused',
  'readings_removed',
  'readings_evicted',
  'interval_refused',
]);

const SERVICE = 'mqtthandler';
/** On SIGTERM commands to Redis may still take this long. */
const REDIS_GRACE_MS = 3_500;

export async function runApp(config: Config, tls: TlsMaterial, signal: AbortSignal): Promise<void> {
  const log = createLog<LogEvents>(SERVICE, systemClock);
  const destinations = destinationsOf(config);
  const redisOf = redisConnections(config, log, signal);
  const redis = redisOf('');
  const subscriber = redisOf(':watch');
  const forwarders = new Map<DestinationName, Forwarder>();
  const commands = openCommands(config, redis, {
    report: (level, event, fields) => (log as Log<CommandEvents>)[level](event, fields),
    onSubscribeRefused: (error) => log.warn('commands_refused_by_broker', { error }),
    onAnswersRefused: (fields) => log.warn('answers_refused_by_broker', fields),
    onCursorSet: (key) => {
      const name = destinationOfCursor(key);
      if (name !== undefined) forwarders.get(name)?.reload();
    },
    destinations,
  });
  log.info('started', { deviceUuid: deviceOf(config).uuid, destinations });
  if (config.MQTT_TLS_ENABLE && config.MQTT_TLS_INSECURE) {
    log.warn('tls_insecure', { destination: 'mqtt' });
  }
  const parts: DestinationParts = {
    config,
    tls,
    redisOf,
    redis,
    subscriber,
    commands,
    log,
    forwarders,
    signal,
    bufferState: () => keeper.state,
  };
  for (const name of destinations) forwarders.set(name, await openDestination(name, parts));
  const keeper = keepBuffer(config, redis, [...forwarders.values()], log);
  if (config.METRICS_PORT !== undefined) {
    const port = config.METRICS_PORT;
    serveMetrics(
      port,
      () => renderMetrics(forwarders, keeper.state),
      signal,
      (error) => log.error('metrics_failed', { port, error: errorMessage(error) }),
    );
  }
  for (const [name, forwarder] of forwarders) follow(name, forwarder, parts);
  await Promise.all([
    keepStatus(redis, systemClock, forwarders, () => keeper.state, signal),
    keeper.run(signal),
    ...[...forwarders.values()].map((f) => f.run(signal)),
    commands.run(signal),
    leaveSignsOfLife({ check: async () => redis.ping(), clock: systemClock }, signal),
    forever(signal),
  ]);
  redisOf.disconnect();
}

interface DestinationParts {
  readonly config: Config;
  readonly tls: TlsMaterial;
  readonly redisOf: RedisConnections;
  readonly redis: Redis;
  readonly subscriber: Redis;
  readonly commands: Commands;
  readonly log: Log<LogEvents>;
  readonly forwarders: ReadonlyMap<DestinationName, Forwarder>;
  readonly bufferState: () => BufferState | undefined;
  readonly signal: AbortSignal;
}

async function openDestination(name: DestinationName, parts: DestinationParts): Promise<Forwarder> {
  const { config, tls, redisOf, redis, subscriber, commands, log, signal } = parts;
  const connections = { redis, blocking: redisOf(`:read-${name}`) };
  const report: Report = (level, event, fields) => {
    (log as Log<ForwarderEvents>)[level](event, fields);
    if (TIMELINE.has(event)) tell(redis, event, fields);
  };
  if (name === 'mqtt') {
    return openMqttForwarder(config, tls, connections, { report, commands });
  }
  const store = new RedisCommands(redis);
  const { openHubForwarder } = await import('./hub/open.ts');
  return openHubForwarder(config, connections, {
    report,
    commands,
    subscriber,
    signal,
    hubReport: (level, event, fields) => (log as Log<HubEvents>)[level](event, fields),
    ca: tls.hubCa?.toString(),
    summary: deviceSummary({
      clock: systemClock,
      statuses: () => store.statuses(),
      forwarders: parts.forwarders,
      buffer: parts.bufferState,
    }),
  });
}

/** Keeps a forwarder to what Redis says: its cursor and its switches. */
function follow(name: DestinationName, forwarder: Forwarder, parts: DestinationParts): void {
  const { config, redis, subscriber, log, signal } = parts;
  // A Redis that was away may have been put back to an older state: what it remembers counts.
  redis.on('ready', () => forwarder.reload());
  watchSwitches(name, forwarder, {
    redis,
    subscriber,
    signal,
    db: config.REDIS_DB,
    intervalSeconds: name === 'hub' ? config.HUB_INTERVAL_SECONDS : 0,
    onRefused: (fields) => {
      log.warn('interval_refused', fields);
      tell(redis, 'interval_refused', fields);
    },
  });
}

interface RedisConnections {
  /** Opens a connection for one purpose. */
  (role: string): Redis;
  /** Ends all of them. */
  disconnect(): void;
}

/** Connections that are ended some time after `signal` aborts, whoever still waits for an answer. */
function redisConnections(
  config: Config,
  log: Log<LogEvents>,
  signal: AbortSignal,
): RedisConnections {
  const repeated = new RepeatFilter();
  const settings = redisSettings(config);
  const open: Redis[] = [];
  const onError = (error: Error) => {
    if (repeated.shouldLog(error.message)) log.warn('redis_unreachable', { error: error.message });
  };
  const disconnect = () => {
    for (const connection of open) connection.disconnect();
  };
  signal.addEventListener('abort', () => setTimeout(disconnect, REDIS_GRACE_MS).unref());
  const connect = (role: string) => {
    const connection = openRedis(settings, `${SERVICE}${role}`, onError);
    // Every part listens for its return, for as long as the service lives: no leak.
    connection.setMaxListeners(0);
    if (open.length === 0) connection.on('ready', () => repeated.reset());
    open.push(connection);
    return connection;
  };
  return Object.assign(connect, { disconnect });
}

function keepBuffer(
  config: Config,
  redis: Redis,
  forwarders: readonly Forwarder[],
  log: Log<LogEvents>,
): BufferKeeper {
  return new BufferKeeper({
    buffer: new RedisBuffer(redis),
    // It never waits for readings, so it needs no connection of its own.
    readings: new RedisReadings(redis, redis),
    clock: systemClock,
    limits: {
      maxBytes: config.BUFFER_MAX_MB * 1_000_000,
      keepMs: config.BUFFER_KEEP_HOURS * 3_600_000,
    },
    forwarders,
    onLost: (event, destination, count) => {
      log.warn(event, { destination, count });
      tell(redis, event, { destination, count });
    },
    redisReady: async (stop) => await untilReady(redis, stop),
    onError: (error) => log.warn('buffer_failed', { error: errorMessage(error) }),
  });
}

/** Nothing to forward to is a valid configuration: the service waits for SIGTERM. */
async function forever(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await systemClock.sleepMs(86_400_000, signal);
}

function tell(redis: Redis, event: string, fields: object): void {
  const texts = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, String(value)]),
  );
  // The time line is a courtesy: what Redis cannot take now is in the log.
  writeEvent(redis, { service: SERVICE, event, fields: texts }).catch(() => {});
}
