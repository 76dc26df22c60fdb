/** The whole device in one row. */
import { streamIdMs } from '@holdfast/redis';
import type { Row } from './contract/index.ts';
import type { Knowledge } from './facts.ts';
import { forecastOf } from './forecast.ts';
import { freshness } from './freshness.ts';
import { isMeasuring, sensorIds, sensorStateOf, statusIntervalMs } from './latest.ts';
import { linkOf } from './links.ts';
import { provisioningOf } from './provisioning.ts';
import { ageMs } from './readings.ts';
import { counter, measuringOf } from './services.ts';
import { firstOf, timeOf, whole } from './values.ts';

/** Readings that are so far ahead of the clock were stored before it was set back. */
const AHEAD_MS = 5_000;

export function statusRow(known: Knowledge): Row {
  const { now, facts, newest } = known;
  const { assignment, redis } = facts.hashes;
  const ids = sensorIds(known);
  const measuring = measuringOf(known);
  const [mqtt, hub] = [linkOf(known, 'mqtt'), linkOf(known, 'hub')];
  const provisioning = provisioningOf(known);
  const age = newest === undefined ? null : ageMs(newest, now);
  return {
    time: now.wallMs,
    measuring: isMeasuring(known),
    measuring_state: measuring.state,
    measuring_level: measuring.level,
    interval_ms: statusIntervalMs(known),
    sensors: ids.length,
    sensors_lost: ids.filter((id) => sensorStateOf(known, id).state === 'lost').length,
    last_reading: newest?.timeMs ?? null,
    last_reading_age_ms: age,
    freshness: freshness(age, fastestMs(known), isMeasuring(known)),
    oldest_reading: facts.oldestId === null ? null : streamIdMs(facts.oldestId),
    ...bufferCells(known),
    mqtt_state: mqtt.state,
    mqtt_level: mqtt.level,
    hub_state: hub.state,
    hub_level: hub.level,
    provisioning_state: provisioning.state,
    provisioning_level: provisioning.level,
    provisioning_reason: provisioning.reason,
    next_attempt: provisioning.nextAttemptMs,
    hub_host: firstOf(assignment, 'host'),
    device_id: firstOf(assignment, 'device_id'),
    gaps_waiting: facts.mqttGaps + facts.hubGaps,
    gap_readings: gapReadings(known),
    redis_memory_bytes: known.memory.usedBytes,
    redis_memory_limit_bytes: known.memory.limitBytes,
    redis_started: timeOf(redis['started']),
    clock: newest !== undefined && newest.timeMs > now.wallMs + AHEAD_MS ? 'ahead' : 'ok',
    control: known.control,
    device: known.device,
  };
}

function bufferCells({ facts, handlerSilentMs }: Knowledge): Row {
  const { mqtthandler: handler } = facts.hashes;
  const forecast = forecastOf(handler, handlerSilentMs);
  const [bytes, capacity] = [
    whole(handler['buffer_bytes']),
    whole(handler['buffer_capacity_bytes']),
  ];
  const percent =
    bytes === null || capacity === null || capacity <= 0 ? null : (100 * bytes) / capacity;
  return {
    buffer_entries: facts.entries,
    buffer_bytes: bytes,
    buffer_capacity_bytes: capacity,
    buffer_used_percent: percent === null ? null : Number(percent.toFixed(2)),
    backlog: forecast.backlog === null ? null : Math.round(forecast.backlog),
    oldest_unacknowledged_ms:
      handlerSilentMs === undefined ? whole(handler['oldest_unacknowledged_ms']) : null,
    produced_per_second: forecast.producedPerSecond,
    sent_per_second: forecast.sentPerSecond,
    full_in_seconds: forecast.fullInSeconds,
    drained_in_seconds: forecast.drainedInSeconds,
    forecast: forecast.words,
  };
}

/** The destinations lose the same readings where the buffer is too small: they are not added up. */
function gapReadings({ facts }: Knowledge): number {
  const { mqtthandler } = facts.hashes;
  const lost = [mqtthandler['mqtt_gap_readings'], mqtthandler['hub_gap_readings']].map(counter);
  return Math.max(...lost);
}

/** Milliseconds between readings of the fastest sensor. */
function fastestMs(known: Knowledge): number | null {
  const intervals = [...known.sensors.values()].flatMap(({ intervalMs }) => intervalMs ?? []);
  return intervals.length === 0 ? statusIntervalMs(known) : Math.min(...intervals);
}
