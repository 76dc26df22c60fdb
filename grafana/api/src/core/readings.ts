/** Entries of the stream as the dashboard sees them, and what the newest of them tell. */
import { fieldOf, streamIdMs } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import { finite, median } from './values.ts';

/** Who wrote an entry without `_sensor`. */
export const OTHER = 'other';

export interface Seen {
  readonly id: string;
  /** By the clock of the device when it was stored. */
  readonly timeMs: number;
  readonly sensor: string;
  readonly quality: string;
  readonly boot: string | undefined;
  readonly uptimeMs: number | null;
  /** Names and values in turn, without those about the reading. */
  readonly quantities: readonly (readonly [name: string, raw: string])[];
}

/** A reading; undefined for gap records and other entries about the buffer itself. */
export function seen([id, fields]: StreamEntry): Seen | undefined {
  const quantities: (readonly [string, string])[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? '';
    if (name === '_gap') return undefined;
    if (!name.startsWith('_')) quantities.push([name, fields[i + 1] ?? '']);
  }
  return {
    id,
    timeMs: streamIdMs(id),
    sensor: sensorOf(fields),
    quality: fieldOf(fields, '_quality') || 'good',
    boot: fieldOf(fields, '_boot'),
    uptimeMs: finite(fieldOf(fields, '_uptime_ms')),
    quantities,
  };
}

export function sensorOf(fields: readonly string[]): string {
  return fieldOf(fields, '_sensor') || OTHER;
}

/** The clocks of the device now. */
export interface Now {
  readonly wallMs: number;
  readonly uptimeMs: number;
  /** Shortened boot id, as readings carry it; empty when it is not known. */
  readonly boot: string;
}

/**
 * Milliseconds since a reading was taken. A reading of this boot is dated by the time since boot,
 * which never jumps; others by the wall clock.
 */
export function ageMs(reading: Seen, now: Now): number {
  const sameBoot = now.boot !== '' && reading.boot === now.boot;
  const age =
    sameBoot && reading.uptimeMs !== null
      ? now.uptimeMs - reading.uptimeMs
      : now.wallMs - reading.timeMs;
  return Math.max(0, Math.round(age));
}

/** Longer after the measurement than this, a reading was kept in memory while Redis was away. */
const STORED_LATE_MS = { least: 1_000, most: 3_600_000 };

/**
 * When a reading was measured, unix milliseconds. One of this boot that was stored late is dated by
 * the time since boot: an outage of Redis is no gap in what was measured.
 */
export function measuredMs(reading: Seen, now: Now): number {
  const { timeMs, uptimeMs, boot } = reading;
  if (now.boot === '' || boot !== now.boot || uptimeMs === null) return timeMs;
  const measured = Math.round(now.wallMs - (now.uptimeMs - uptimeMs));
  const lateMs = timeMs - measured;
  return lateMs > STORED_LATE_MS.least && lateMs < STORED_LATE_MS.most ? measured : timeMs;
}

/** Quantities of a sensor that are looked at; others are stored and forwarded all the same. */
export const MAX_QUANTITIES = 200;

/** The newest reading of each quantity: not every reading has every one. */
export type QuantitiesSeen = ReadonlyMap<string, { readonly raw: string; readonly reading: Seen }>;

/** The newest reading of a sensor and how often it comes. */
export interface SensorSeen {
  readonly newest: Seen;
  readonly values: QuantitiesSeen;
  /** Milliseconds between its readings; null when too few are known. */
  readonly intervalMs: number | null;
  /** Its part of the entries, 0 to 1. */
  readonly share: number;
}

/** Milliseconds between two readings of a sensor; by the time since boot where both have it. */
export function spacingMs(before: Seen, after: Seen): number {
  const { boot, uptimeMs } = before;
  const steady = boot !== undefined && boot === after.boot && uptimeMs !== null;
  return steady && after.uptimeMs !== null
    ? after.uptimeMs - uptimeMs
    : after.timeMs - before.timeMs;
}

/** How many readings after one that lacks a quantity it is still shown, as missing. */
const FORGET_AFTER = 50;

/** Gathers what readings, newest first, tell about each sensor. */
export function sensorsSeen(newestFirst: readonly Seen[]): Map<string, SensorSeen> {
  const bySensor = new Map<string, Seen[]>();
  for (const reading of newestFirst) {
    const list = bySensor.get(reading.sensor);
    if (list === undefined) bySensor.set(reading.sensor, [reading]);
    else list.push(reading);
  }
  const result = new Map<string, SensorSeen>();
  for (const [sensor, list] of bySensor) {
    const [newest] = list;
    if (newest === undefined) continue;
    const share = list.length / newestFirst.length;
    result.set(sensor, { newest, values: newestValues(list), intervalMs: intervalOf(list), share });
  }
  return result;
}

function newestValues(list: readonly Seen[]): QuantitiesSeen {
  const values = new Map<string, { raw: string; reading: Seen }>();
  for (const reading of list.slice(0, FORGET_AFTER)) {
    for (const [name, raw] of reading.quantities) {
      if (values.size < MAX_QUANTITIES && !values.has(name)) values.set(name, { raw, reading });
    }
  }
  return values;
}

/** Two spacings at least: one could be an outage. */
function intervalOf(newestFirst: readonly Seen[]): number | null {
  const spacings: number[] = [];
  for (let i = 0; i + 1 < newestFirst.length && spacings.length < 64; i += 1) {
    const [after, before] = [newestFirst[i], newestFirst[i + 1]];
    if (after !== undefined && before !== undefined) spacings.push(spacingMs(before, after));
  }
  const middle = spacings.length < 2 ? null : median(spacings);
  return middle === null || middle <= 0 ? null : Math.round(middle);
}
