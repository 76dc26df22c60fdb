/**
 * What may stand in Redis, as the services write it: from nothing at all to half a million readings.
 */
import type { Redis } from '@holdfast/redis';
import { KEYS } from '@holdfast/redis';

export interface Fixture {
  readonly name: string;
  /** Fills an empty Redis; `nowMs` is the present of the device. */
  readonly fill: (redis: Redis, nowMs: number) => Promise<void>;
  /** The range that is asked for, milliseconds before now. */
  readonly rangeMs: number;
  /** Quantities that the answers have to have. */
  readonly quantities: readonly string[];
}

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];

type Fields = Readonly<Record<string, string | number>>;

const flat = (fields: Fields): string[] =>
  Object.entries(fields).flatMap(([k, v]) => [k, String(v)]);

class Writer {
  readonly #redis: Redis;
  #pipeline: ReturnType<Redis['pipeline']>;
  #seq = 0;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#pipeline = redis.pipeline();
  }

  entry(id: string, fields: Fields, key: string = KEYS.values.key): void {
    this.#pipeline.xadd(key, id, ...flat(fields));
  }

  /** A reading of a sensor of ours. */
  reading(id: string, sensor: string, quantities: Fields, quality?: string): void {
    this.#seq += 1;
    this.entry(id, {
      _sensor: sensor,
      _epoch: '59069a2a17de',
      _seq: this.#seq,
      _boot: '3f2a91c04b7e',
      _uptime_ms: this.#seq * 500,
      ...(quality === undefined ? {} : { _quality: quality }),
      ...quantities,
    });
  }

  async flush(): Promise<void> {
    for (const [error] of (await this.#pipeline.exec()) ?? []) if (error !== null) throw error;
    this.#pipeline = this.#redis.pipeline();
  }
}

const wave = (base: number, i: number) => (base + 2 * Math.sin(i / 40)).toFixed(2);

/**
 * An hour of two sensors every minute, and of a third one that failed 20 minutes ago. A slow machine
 * has 3 minutes for its questions before the first two are silent as well.
 */
function ordinaryHour(writer: Writer, nowMs: number): void {
  for (let i = 0; i < 60; i += 1) {
    const ms = nowMs - HOUR + (i + 1) * MINUTE;
    writer.reading(`${ms}-0`, 'bme280-1-76', {
      // A failed conversion leaves the quantity out; another program's text is no number.
      ...(i % 20 === 7 ? {} : { temperature_celsius: i % 20 === 8 ? 'nan' : wave(21, i) }),
      humidity_percent: wave(45, i),
      pressure_hpa: wave(1003, i),
    });
    writer.reading(
      `${ms}-1`,
      'host',
      { cpu_temperature_celsius: wave(52, i), load_1m: '0.42', memory_free_bytes: 512_000_000 + i },
      i === 59 ? 'stale' : undefined,
    );
    if (i < 40) writer.reading(`${ms}-2`, 'sht4x-1-44', { temperature_celsius: wave(20, i) });
    if (i % 20 === 0) writer.entry(`${ms}-3`, { soil_moisture_percent: wave(30, i), note: 'dry' });
  }
}

async function ordinaryStatus(redis: Redis, nowMs: number): Promise<void> {
  await redis.hset(KEYS.sensorStatus.key, {
    started: nowMs - HOUR,
    state: 'measuring',
    interval_seconds: 60,
    'sensor:bme280-1-76': 'ok',
    'sensor:host': 'ok',
    'sensor:sht4x-1-44': 'lost: EREMOTEIO no answer from 0x44',
    readings: 160,
    pending: 0,
    last_error: 'EREMOTEIO no answer from 0x44',
  });
  await redis.hset(KEYS.handlerStatus.key, {
    started: nowMs - HOUR,
    mqtt_state: 'connected',
    mqtt_last_id: `${nowMs - MINUTE}-0`,
    mqtt_last_id_ms: nowMs - MINUTE,
    mqtt_unacknowledged_messages: 2,
    mqtt_sent_messages: 100,
    mqtt_sent_bytes: 100_000,
    mqtt_acknowledged_messages: 98,
    mqtt_acknowledged_readings: 940,
    mqtt_retried_messages: 3,
    mqtt_gap_readings: 17,
    mqtt_last_error: '',
    buffer_entries: 966,
    buffer_bytes: 200_000,
    buffer_capacity_bytes: 60_000_000,
    backlog: 20,
    oldest_unacknowledged_ms: MINUTE,
    produced_per_second: '0.03',
    sent_per_second: '0.30',
    full_in_seconds: '',
    drained_in_seconds: 66,
  });
  await redis.set(KEYS.mqttLastId.key, `${nowMs - MINUTE}-0`);
  await redis.hset(KEYS.redisStatus.key, { started: nowMs - 2 * HOUR, repairs: 0 });
  await redis.hset(KEYS.buttonStatus.key, { started: nowMs - HOUR, state: 'ready', presses: 3 });
}

/** Written by the provisioner and the sender to the hub, with a hub that refuses. */
async function hubTrouble(redis: Redis, nowMs: number): Promise<void> {
  await redis.hset('provisioning:state', {
    state: 'backing_off',
    reason: 'throttled',
    attempt: 4,
    next_attempt_ms: nowMs + 5 * MINUTE,
    last_error: '429 too many requests',
    since_ms: nowMs - 20 * MINUTE,
  });
  await redis.hset('hub:assignment', {
    generation: 2,
    host: 'hub-1.example',
    device_id: 'device-7',
    source: 'dps',
    id_scope: '0ne00000000',
    registration_id: 'device-7',
    assigned_ms: nowMs - 10 * HOUR,
    substatus: 'initialAssignment',
  });
  await redis.hset(KEYS.handlerStatus.key, { hub_state: 'waiting' });
  await redis.hset('hub_sender:link', {
    state: 'failed',
    generation: 2,
    attempt: 9,
    outcome: 'connack_5',
    at_ms: nowMs - MINUTE,
    failing_since_ms: nowMs - 25 * MINUTE,
  });
}

function happenings(writer: Writer, nowMs: number): void {
  const tell = (agoMs: number, service: string, event: string, fields: Fields = {}) =>
    writer.entry(`${nowMs - agoMs}-0`, { service, event, ...fields }, KEYS.events.key);
  tell(50 * MINUTE, 'startstopbutton', 'measuring_stopped', { source: 'button' });
  tell(49 * MINUTE, 'startstopbutton', 'measuring_started', { source: 'button' });
  tell(30 * MINUTE, 'mqtthandler', 'link_down', { destination: 'mqtt', error: 'ECONNRESET' });
  tell(28 * MINUTE, 'mqtthandler', 'link_up', { destination: 'mqtt' });
  tell(20 * MINUTE, 'sensor', 'sensor_lost', { sensor: 'sht4x-1-44', error: 'EREMOTEIO' });
  tell(10 * MINUTE, 'mqtthandler', 'readings_evicted', { destination: 'mqtt', count: 17 });
  const gap = { from_seq: 5, to_seq: 21, count: 17, reason: 'buffer_full' };
  const record = { _epoch: '59069a2a17de', _gap: JSON.stringify(gap) };
  writer.entry(`${nowMs - 5 * MINUTE}-0`, record, KEYS.mqttGaps.key);
}

const ordinary: Fixture = {
  name: 'an ordinary hour with missing fields, a failed sensor and a hub that refuses',
  rangeMs: HOUR,
  quantities: [
    'temperature_celsius',
    'humidity_percent',
    'pressure_hpa',
    'cpu_temperature_celsius',
    'load_1m',
    'memory_free_bytes',
    'soil_moisture_percent',
  ],
  async fill(redis, nowMs) {
    const writer = new Writer(redis);
    ordinaryHour(writer, nowMs);
    happenings(writer, nowMs);
    await writer.flush();
    await ordinaryStatus(redis, nowMs);
    await hubTrouble(redis, nowMs);
  },
};

const clockJump: Fixture = {
  name: 'a clock that stood in 1970, then jumped to the present, and was set back an hour',
  rangeMs: 2 * HOUR,
  quantities: ['temperature_celsius'],
  async fill(redis, nowMs) {
    const writer = new Writer(redis);
    const measure = (id: string, i: number) =>
      writer.reading(id, 'bme280-1-76', { temperature_celsius: wave(21, i) });
    for (let i = 0; i < 60; i += 1) measure(`${MINUTE + i * 10 * SECOND}-0`, i);
    for (let i = 0; i < 300; i += 1) measure(`${nowMs - HOUR + i * 10 * SECOND}-0`, i);
    // Redis gives no smaller id: while the clock is behind, the time stands still and the count rises.
    for (let i = 1; i <= 60; i += 1) measure(`${nowMs + HOUR}-${i}`, i);
    await writer.flush();
    await redis.hset(KEYS.sensorStatus.key, {
      started: MINUTE,
      state: 'measuring',
      interval_seconds: 10,
      'sensor:bme280-1-76': 'ok',
    });
  },
};

/** Two sensors, each once a second, for nearly three days; made by Redis itself, for speed. */
const READINGS = 500_000;
const BATCH = 50_000;
const MANY_SCRIPT = `
for i = tonumber(ARGV[2]), tonumber(ARGV[3]) - 1 do
  local id = string.format('%.0f-%d', tonumber(ARGV[1]) + math.floor(i / 2) * 1000, i % 2)
  local sensor, quantity, base = 'sht4x-1-44', 'temperature_celsius', 21
  if i % 2 == 1 then sensor, quantity, base = 'bh1750-1-23', 'illuminance_lux', 300 end
  redis.call('XADD', KEYS[1], id, '_sensor', sensor, '_epoch', '59069a2a17de', '_seq', i + 1,
    '_boot', '3f2a91c04b7e', '_uptime_ms', i * 500,
    quantity, string.format('%.2f', base + 2 * math.sin(i / 4000)))
end`;

const many: Fixture = {
  name: '500,000 readings',
  rangeMs: (READINGS / 2) * SECOND,
  quantities: ['temperature_celsius', 'illuminance_lux'],
  async fill(redis, nowMs) {
    const startMs = nowMs - (READINGS / 2) * SECOND;
    for (let i = 0; i < READINGS; i += BATCH) {
      await redis.eval(MANY_SCRIPT, 1, KEYS.values.key, startMs, i, i + BATCH);
    }
    await ordinaryStatus(redis, nowMs);
  },
};

export const FIXTURES: readonly Fixture[] = [
  {
    name: 'an empty Redis',
    rangeMs: HOUR,
    quantities: [],
    fill: () => Promise.resolve(),
  },
  ordinary,
  clockJump,
  many,
];

export { ordinary };
