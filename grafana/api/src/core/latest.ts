/** The newest values, the sensors they come from, and what is measured at all. */
import { parseEnabled, fieldOf } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import type { Level, Row } from './contract/index.ts';
import type { Knowledge } from './facts.ts';
import { freshness } from './freshness.ts';
import type { Freshness } from './freshness.ts';
import { ageMs, seen } from './readings.ts';
import type { Seen, SensorSeen } from './readings.ts';
import { byImportance, describe } from './units.ts';
import { finite, short, whole } from './values.ts';

const STATUS_PREFIX = 'sensor:';

/** Sensors that measure or that the sensor service names; chips before the machine itself. */
export function sensorIds(known: Knowledge): string[] {
  const named = Object.keys(known.facts.hashes.sensor).flatMap((field) =>
    field.startsWith(STATUS_PREFIX) ? field.slice(STATUS_PREFIX.length) : [],
  );
  const rank = (id: string) => (id === 'host' ? 1 : 0);
  return [...new Set([...named, ...known.sensors.keys()])].sort(
    (a, b) => rank(a) - rank(b) || (a < b ? -1 : 1),
  );
}

export const isMeasuring = ({ facts }: Knowledge) => parseEnabled(facts.strings.enabled);

/** Milliseconds between measurements, as the sensor service says. */
export function statusIntervalMs({ facts }: Knowledge): number | null {
  const seconds = finite(facts.hashes.sensor['interval_seconds']);
  return seconds === null ? null : Math.round(seconds * 1_000);
}

/** How often a sensor measures: as seen, else as the sensor service says; not for other programs. */
export function intervalMsOf(known: Knowledge, sensor: string): number | null {
  const observed = known.sensors.get(sensor)?.intervalMs ?? null;
  const told = Object.hasOwn(known.facts.hashes.sensor, STATUS_PREFIX + sensor)
    ? statusIntervalMs(known)
    : null;
  return observed ?? told;
}

interface Dated {
  readonly time: number | null;
  readonly age_ms: number | null;
  readonly interval_ms: number | null;
  readonly freshness: Freshness;
}

function dated(known: Knowledge, sensor: string, reading: Seen | undefined): Dated {
  const age = reading === undefined ? null : ageMs(reading, known.now);
  const interval = intervalMsOf(known, sensor);
  return {
    time: reading?.timeMs ?? null,
    age_ms: age,
    interval_ms: interval,
    freshness: freshness(age, interval, isMeasuring(known)),
  };
}

export function latestRows(known: Knowledge): Row[] {
  return sensorIds(known).flatMap((sensor) => {
    const values = known.sensors.get(sensor)?.values ?? new Map<string, never>();
    return [...values]
      .toSorted(([a], [b]) => byImportance(a, b))
      .map(([quantity, { raw, reading }]) => {
        const { label, unit, grafana } = describe(quantity);
        const current = known.sensors.get(sensor)?.newest ?? reading;
        // The newest reading lacks it: what an older one said is not its value now.
        const missing = current.id !== reading.id && isMissing(current, quantity, reading);
        const shown = missing ? current : reading;
        return {
          sensor,
          quantity,
          label,
          unit,
          grafana_unit: grafana,
          value: missing ? null : finite(raw),
          text: missing ? null : short(raw, 64),
          quality: shown.quality,
          ...dated(known, sensor, shown),
        };
      });
  });
}

/** A reading whose quantities are others altogether is of another kind, not one with a hole. */
function isMissing(current: Seen, quantity: string, older: Seen): boolean {
  const has = (name: string) => current.quantities.some(([other]) => other === name);
  if (has(quantity)) return false;
  return current.quantities.length === 0 || older.quantities.some(([name]) => has(name));
}

interface SensorState {
  readonly state: string;
  readonly level: Level;
  readonly detail: string;
}

/** What the sensor service says of a sensor: `ok`, or `lost: CODE message`. */
export function sensorStateOf(known: Knowledge, sensor: string): SensorState {
  const raw = known.facts.hashes.sensor[STATUS_PREFIX + sensor];
  if (raw === undefined) return { state: 'unknown', level: 'unknown', detail: '' };
  const [, state = 'unknown', detail = ''] = /^(\w+)(?:: ?(.*))?$/s.exec(raw.trim()) ?? [];
  const levels: Readonly<Record<string, Level>> = {
    ok: 'good',
    new: 'idle',
    unsure: 'warning',
    lost: 'bad',
  };
  return { state, level: levels[state] ?? 'unknown', detail: short(detail) };
}

/** A sensor that nobody watches is judged by its readings. */
const BY_FRESHNESS: Readonly<Record<Freshness, Level>> = {
  fresh: 'good',
  late: 'warning',
  old: 'bad',
  paused: 'idle',
};

export function sensorRows(known: Knowledge): Row[] {
  return sensorIds(known).map((sensor) => {
    const found: SensorSeen | undefined = known.sensors.get(sensor);
    const told = sensorStateOf(known, sensor);
    const when = dated(known, sensor, found?.newest);
    const level = told.level === 'unknown' ? BY_FRESHNESS[when.freshness] : told.level;
    const doubtful = (found?.newest.quality ?? 'good') !== 'good';
    const worse = level === 'good' && (doubtful || ['late', 'old'].includes(when.freshness));
    return {
      sensor,
      state: told.state,
      level: worse ? 'warning' : level,
      detail: told.detail,
      quality: found?.newest.quality ?? 'unknown',
      quantities: [...(found?.values.keys() ?? [])].toSorted(byImportance).join(','),
      ...when,
    };
  });
}

export function quantityRows(known: Knowledge, sensors: (id: string) => boolean): Row[] {
  const measuredBy = new Map<string, string[]>();
  for (const sensor of sensorIds(known).filter(sensors)) {
    for (const quantity of known.sensors.get(sensor)?.values.keys() ?? []) {
      measuredBy.set(quantity, [...(measuredBy.get(quantity) ?? []), sensor]);
    }
  }
  return [...measuredBy]
    .toSorted(([a], [b]) => byImportance(a, b))
    .map(([quantity, by]) => {
      const { label, unit, grafana } = describe(quantity);
      return { quantity, label, unit, grafana_unit: grafana, sensors: by.join(',') };
    });
}

/** Rows of `readings`, in the order of the entries. */
export function readingRows(entries: readonly StreamEntry[]): Row[] {
  return entries.flatMap((entry): Row[] => {
    const reading = seen(entry);
    if (reading === undefined) return [];
    const [, fields] = entry;
    const values = reading.quantities.map(([name, raw]) => {
      const { label, unit } = describe(name);
      return `${label} ${short(raw, 64)}${unit === '' ? '' : ` ${unit}`}`;
    });
    return [
      {
        time: reading.timeMs,
        id: reading.id,
        sensor: reading.sensor,
        quality: reading.quality,
        epoch: fieldOf(fields, '_epoch') ?? null,
        seq: whole(fieldOf(fields, '_seq')),
        values: values.join(', '),
      },
    ];
  });
}
