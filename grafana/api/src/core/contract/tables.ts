/** The tables the service answers with: what each column is called, holds and means. */
import {
  flag,
  integer,
  level,
  maybeFlag,
  maybeInteger,
  maybeNumber,
  maybeText,
  maybeTime,
  text,
  time,
} from './columns.ts';
import type { Column } from './columns.ts';

const sensor = text('sensor', 'id of the sensor; `other` = a program without `_sensor`');
const quantity = text('quantity', 'name of the field, with its unit, e.g. `temperature_celsius`');
const label = text('label', 'the same for people');
const unit = text('unit', 'for people, e.g. `°C`; empty where there is none');
const grafanaUnit = text('grafana_unit', "the unit's id in Grafana, e.g. `celsius`");
const age = maybeInteger(
  'age_ms',
  'milliseconds since then; by the clock that never jumps if known',
);
const interval = maybeInteger('interval_ms', 'milliseconds between its readings, as seen');

/** How old a value is for its interval. */
export const FRESHNESS = ['fresh', 'late', 'old', 'paused'] as const;

export const LATEST: readonly Column[] = [
  sensor,
  quantity,
  label,
  unit,
  grafanaUnit,
  maybeNumber('value', 'null where the field is missing or not a finite number'),
  maybeText('text', 'the field as stored; null where it is missing'),
  text('quality', '`good`, or why it is not to be trusted: `stale`, `out_of_range`, ...'),
  maybeTime('time', 'when it was stored, by the clock of the device'),
  age,
  interval,
  text('freshness', 'late: over 3 intervals; old: over 10, at least a minute', FRESHNESS),
];

export const SENSORS: readonly Column[] = [
  sensor,
  text('state', '`ok`, `unsure`, `lost`, `new`, or `unknown` where nobody watches it'),
  level(),
  text('detail', 'what went wrong; empty when nothing did'),
  text('quality', 'of its newest reading'),
  text('quantities', 'what it measures, separated by commas'),
  maybeTime('time', 'its newest reading'),
  age,
  interval,
  text('freshness', 'as in `latest`', FRESHNESS),
];

export const QUANTITIES: readonly Column[] = [
  quantity,
  label,
  unit,
  grafanaUnit,
  text('sensors', 'who measures it, separated by commas'),
];

/** How the values of a series came about. */
export const MODES = ['bucket', 'sample'] as const;

export const SERIES: readonly Column[] = [
  time('time', 'start of the bucket, or the time of the sample'),
  sensor,
  quantity,
  maybeNumber('value', 'mean of the bucket, or the sample; null breaks the line: a gap'),
  maybeNumber('min', 'smallest in the bucket; of a sample the value'),
  maybeNumber('max', 'largest in the bucket; of a sample the value'),
  integer('count', 'readings the values were made of; 0 in a gap'),
  text('mode', 'exact over every reading, or one reading per step', MODES),
];

export const READINGS: readonly Column[] = [
  time('time', 'by the clock of the device'),
  text('id', 'stream id'),
  sensor,
  text('quality', 'as in `latest`'),
  maybeText('epoch', 'life of the buffer; null for other programs'),
  maybeInteger('seq', 'counts within the epoch'),
  text('values', 'the quantities with their units, for people'),
];

/** What `states` tells about, beside `sensor:<id>`. */
export const SUBJECTS = ['measuring', 'mqtt', 'hub', 'provisioning'] as const;

export const STATES: readonly Column[] = [
  time('time', 'since when; the first row of a subject stands at `from`, the last at `to`'),
  text('subject', `${SUBJECTS.map((s) => `\`${s}\``).join(', ')} or \`sensor:<id>\``),
  text('state', 'e.g. `on`, `off`, `connected`, `lost`, `unknown`'),
  level(),
  text('source', 'who caused it, e.g. `button`; empty when nobody did'),
];

export const EVENTS: readonly Column[] = [
  time('time', 'by the clock of the device'),
  maybeTime('time_end', 'of an event that lasts'),
  text('id', 'stream id'),
  text('service', 'who tells it'),
  text('event', 'its name, e.g. `measuring_stopped`'),
  text('title', 'in words'),
  text('text', 'the circumstances'),
  level(),
  text('tags', 'service and event, separated by commas'),
];

export const GAPS: readonly Column[] = [
  time('time', 'when it was noticed'),
  text('destination', '`mqtt`, `hub`, or `all`: lost before it was stored'),
  text('reason', '`buffer_full`, `too_large`, `refused`, `sensor_memory_full`, `removed`'),
  integer('count', 'readings lost, exactly'),
  maybeInteger('from_seq', 'first number lost, for readings of ours'),
  maybeInteger('to_seq', 'last number lost'),
  maybeText('from_id', 'first stream id lost, for readings of other programs'),
  maybeText('to_id', 'last stream id lost'),
  maybeText('epoch', 'life of the buffer'),
  text('state', 'waiting: the record is still to be delivered', ['waiting', 'told']),
];

export const SERVICES: readonly Column[] = [
  text('service', 'sensor, startstopbutton, mqtthandler, provisioner, redis'),
  text('state', 'as its status says; `unknown` without one'),
  level(),
  maybeTime('started', 'when it started'),
  text('detail', 'in words'),
  text('last_error', 'empty when there was none'),
];

export const LINKS: readonly Column[] = [
  text('destination', '`mqtt` or `hub`'),
  label,
  flag('configured', 'false: nothing is sent there; the other columns are null or empty'),
  text('state', '`connected`, `connecting`, `waiting`, `paused`, ...; `off` when not configured'),
  level(),
  text('detail', 'in words'),
  maybeText('last_id', 'everything up to here is acknowledged'),
  maybeTime('last_time', 'time of that reading'),
  maybeInteger('last_age_ms', 'milliseconds since then'),
  maybeInteger('unacknowledged_messages', 'under way now'),
  maybeInteger('sent_messages', 'since the service started'),
  maybeInteger('sent_bytes', 'the same'),
  maybeInteger('acknowledged_messages', 'the same'),
  maybeInteger('acknowledged_readings', 'the same'),
  maybeInteger('retried_messages', 'lost with a connection and sent again'),
  maybeInteger('gap_readings', 'recorded as lost since the service started'),
  maybeInteger('gaps_waiting', 'gap records still to be delivered'),
  text('last_error', 'empty when there was none'),
];

export const PROVISIONING: readonly Column[] = [
  flag('configured', 'false: the device needs no provisioning'),
  text('state', 'as the provisioner says; `off` when not configured'),
  level(),
  text('reason', 'why'),
  maybeInteger('attempt', 'counts'),
  maybeTime('next_attempt', 'not before'),
  maybeInteger('next_attempt_in_ms', 'milliseconds until then; 0 = due'),
  text('last_error', 'empty when there was none'),
  maybeTime('since', 'when that state began'),
  maybeText('hub_host', 'the hub that is assigned'),
  maybeText('device_id', 'our name there'),
  maybeText('registration_id', 'our name at the provisioning service'),
  maybeText('id_scope', 'whose provisioning service'),
  maybeText('source', '`dps`, `connection_string`, `x509_variables`'),
  maybeTime('assigned', 'when'),
  maybeText('substatus', 'of the assignment'),
  maybeInteger('generation', 'counts every change of the assignment'),
  text('link_state', 'of the hub, as in `links`'),
  maybeTime('failing_since', 'the hub cannot be reached since then'),
  maybeTime('requested', 'somebody has asked to provision anew, not yet begun'),
  maybeText('requested_by', 'who'),
];

export const STATUS: readonly Column[] = [
  time('time', 'now, by the clock of the device'),
  flag('measuring', 'switched on'),
  text('measuring_state', '`measuring`, `paused`, `waiting`, `stopped`, `unknown`'),
  level('measuring_'),
  maybeInteger('interval_ms', 'milliseconds between measurements'),
  integer('sensors', 'that are known'),
  integer('sensors_lost', 'that do not answer'),
  maybeTime('last_reading', 'the newest of all'),
  maybeInteger('last_reading_age_ms', 'milliseconds since then'),
  text('freshness', 'of the newest reading', FRESHNESS),
  maybeTime('oldest_reading', 'the oldest that is kept'),
  integer('buffer_entries', 'readings kept'),
  maybeInteger('buffer_bytes', 'memory they use'),
  maybeInteger('buffer_capacity_bytes', 'memory they may use'),
  maybeNumber('buffer_used_percent', 'of that'),
  maybeInteger('backlog', 'readings the slowest destination has not acknowledged'),
  maybeInteger('oldest_unacknowledged_ms', 'age of the oldest of them'),
  maybeNumber('produced_per_second', 'readings'),
  maybeNumber('sent_per_second', 'readings acknowledged'),
  maybeNumber('full_in_seconds', 'until readings are lost at these rates; null = never'),
  maybeNumber('drained_in_seconds', 'until the backlog is gone; null = not at these rates'),
  text('forecast', 'the same in words'),
  text('mqtt_state', 'as in `links`'),
  level('mqtt_'),
  text('hub_state', 'as in `links`'),
  level('hub_'),
  text('provisioning_state', 'as in `provisioning`'),
  level('provisioning_'),
  text('provisioning_reason', 'why'),
  maybeTime('next_attempt', 'of provisioning'),
  maybeText('hub_host', 'assigned hub'),
  maybeText('device_id', 'our name there'),
  integer('gaps_waiting', 'gap records still to be delivered'),
  integer(
    'gap_readings',
    'recorded as lost since the mqtthandler started, by the destination that lost more',
  ),
  maybeInteger('redis_memory_bytes', 'used'),
  maybeInteger('redis_memory_limit_bytes', 'null = none'),
  maybeTime('redis_started', 'when'),
  text('clock', 'ahead: readings carry a time that has not come yet', ['ok', 'ahead']),
  flag('control', 'whether measuring can be switched through this service'),
  text('device', 'what people call it; empty when nobody has said'),
];

/** Kept in the memory of the service, one row every 10 s for a day: no card is worn by it. */
export const HISTORY: readonly Column[] = [
  time('time', 'of the sample'),
  maybeInteger('backlog', 'readings'),
  maybeInteger('buffer_entries', 'readings kept'),
  maybeInteger('buffer_bytes', 'memory they use'),
  maybeInteger('buffer_capacity_bytes', 'memory they may use'),
  maybeNumber('produced_per_second', 'readings'),
  maybeNumber('sent_per_second', 'readings acknowledged'),
  maybeInteger('retried_messages', 'since the row before'),
  maybeInteger(
    'gap_readings',
    'recorded as lost since the row before, by the destination that lost more',
  ),
  maybeNumber('mqtt_readings_per_second', 'acknowledged by the MQTT broker'),
  maybeNumber('hub_readings_per_second', 'acknowledged by the hub'),
  maybeFlag('mqtt_connected', 'null = not configured'),
  maybeFlag('hub_connected', 'null = not configured'),
  maybeInteger('redis_memory_bytes', 'used'),
  maybeInteger('redis_memory_limit_bytes', 'null = none'),
  maybeInteger('aof_bytes', 'size of the data file on the card'),
  maybeNumber('card_bytes_per_second', 'appended to the data file since the row before'),
];
