/** What every destination has: keys of its own, a forwarder, switches that somebody may turn. */
import { systemClock, systemRandom } from '@holdfast/kit';
import { KEYS, parseEnabled, parseNumber, untilReady, watchKeys } from '@holdfast/redis';
import type { KeySpec, Redis } from '@holdfast/redis';
import { RedisLedger } from './adapters/redis-ledger.ts';
import type { LedgerKeys } from './adapters/redis-ledger.ts';
import type { PayloadPool } from './adapters/payload-pool.ts';
import { RedisReadings } from './adapters/redis-readings.ts';
import { deviceOf } from './config.ts';
import type { Config } from './config.ts';
import { MessagePacker, deviceMembers } from './core/message.ts';
import { Transcoder } from './core/transcode.ts';
import { Forwarder } from './forwarder.ts';
import type { ForwarderParts } from './forwarder-parts.ts';

export type DestinationName = 'mqtt' | 'hub';

interface DestinationKeys {
  readonly enabled: string;
  readonly interval: KeySpec & { readonly value: { readonly min: number; readonly max: number } };
  readonly lastId: string;
  readonly ledger: LedgerKeys;
}

const DESTINATION_KEYS: Readonly<Record<DestinationName, DestinationKeys>> = {
  mqtt: {
    enabled: KEYS.mqttEnabled.key,
    interval: KEYS.mqttInterval,
    lastId: KEYS.mqttLastId.key,
    ledger: {
      lastId: KEYS.mqttLastId.key,
      pending: KEYS.mqttPending.key,
      mark: KEYS.mqttMark.key,
      gaps: KEYS.mqttGaps.key,
      rejected: KEYS.mqttRejected.key,
    },
  },
  hub: {
    enabled: KEYS.hubEnabled.key,
    interval: KEYS.hubInterval,
    lastId: KEYS.hubLastId.key,
    ledger: {
      lastId: KEYS.hubLastId.key,
      pending: KEYS.hubPending.key,
      mark: KEYS.hubMark.key,
      gaps: KEYS.hubGaps.key,
      rejected: KEYS.hubRejected.key,
    },
  },
};

/**
 * At most so many in one message, some 50 kB: larger ones make replay hardly faster and the process
 * bigger (`make bench`).
 */
const READINGS_PER_MESSAGE = 200;

export interface IntervalRefused {
  readonly key: string;
  readonly value: string;
  readonly allowed: string;
}

export interface ForwarderConnections {
  readonly redis: Redis;
  /** For reads that wait, of this destination alone: nobody else's wait may hold them up. */
  readonly blocking: Redis;
}

/** A forwarder with what is the same for all destinations. */
export function openForwarder(
  name: DestinationName,
  config: Config,
  { redis, blocking }: ForwarderConnections,
  own: Pick<ForwarderParts, 'destination' | 'report' | 'commandLane' | 'gate' | 'readLive'> & {
    readonly maxInFlight: number;
    /** Memory shared with the destination's sessions: readings are rendered as they are read. */
    readonly payloads?: PayloadPool;
    /** Changes how the backlog is read. */
    readonly wrapReadings?: (readings: RedisReadings) => ForwarderParts['readings'];
  },
): Forwarder {
  const { maxInFlight, payloads, wrapReadings, ...parts } = own;
  const transcoder = new Transcoder(deviceMembers(deviceOf(config)));
  const rendering = payloads && { transcoder, payloads };
  const readings = new RedisReadings(redis, blocking, rendering);
  return new Forwarder({
    ...parts,
    readings: wrapReadings?.(readings) ?? readings,
    ledger: new RedisLedger(redis, DESTINATION_KEYS[name].ledger),
    packer: new MessagePacker(deviceOf(config)),
    clock: systemClock,
    random: systemRandom,
    settings: {
      lanes: config.LANES === '1' ? 1 : 2,
      maxReadings: READINGS_PER_MESSAGE,
      maxInFlight,
      backlogOrder: config.BACKLOG_ORDER,
      backlogRate: {
        messagesPerSecond: config.BACKLOG_MAX_MESSAGES_PER_SECOND ?? Infinity,
        bytesPerSecond: config.BACKLOG_MAX_BYTES_PER_SECOND ?? Infinity,
      },
    },
    redisReady: async (signal) =>
      (await untilReady(redis, signal)) && (await untilReady(blocking, signal)),
  });
}

/** The destination whose cursor has this key. */
export function destinationOfCursor(key: string): DestinationName | undefined {
  const names: readonly DestinationName[] = ['mqtt', 'hub'];
  return names.find((name) => DESTINATION_KEYS[name].lastId === key);
}

/** Turns a forwarder as `..._sender:enabled` and `..._sender:interval` say, until `signal` aborts. */
export function watchSwitches(
  name: DestinationName,
  forwarder: Pick<Forwarder, 'setEnabled' | 'setIntervalSeconds'>,
  watching: {
    readonly redis: Redis;
    readonly subscriber: Redis;
    readonly db: number;
    readonly signal: AbortSignal;
    /** When the key is missing. */
    readonly intervalSeconds: number;
    readonly onRefused: (fields: IntervalRefused) => void;
  },
): void {
  const { enabled, interval } = DESTINATION_KEYS[name];
  watchKeys({
    ...watching,
    keys: [enabled, interval.key],
    onValues: ([isEnabled = null, raw = null]) => {
      forwarder.setEnabled(parseEnabled(isEnabled));
      if (raw === null) {
        forwarder.setIntervalSeconds(watching.intervalSeconds);
        return;
      }
      const { min, max } = interval.value;
      const parsed = parseNumber(raw, { min, max });
      if (parsed.ok) forwarder.setIntervalSeconds(parsed.value);
      else {
        const allowed = `${min} to ${max} seconds`;
        watching.onRefused({ key: interval.key, value: raw.slice(0, 80), allowed });
      }
    },
  });
}
