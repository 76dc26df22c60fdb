/**
 * Sensors that were seen before and are not among the newest readings: a slow one beside fast ones,
 * or one that has stopped.
 */
import { MAX_QUANTITIES, spacingMs } from './readings.ts';
import type { QuantitiesSeen, SensorSeen } from './readings.ts';

/** By far more than a device has; names may change with every reading. */
const MAX_SENSORS = 200;
/** A quantity that has not come for so long is no longer measured. */
const REMEMBERED_MS = 3_600_000;

/** @param now what the newest readings tell; empty when there are none at all */
export function remember(
  before: ReadonlyMap<string, SensorSeen>,
  now: ReadonlyMap<string, SensorSeen>,
): ReadonlyMap<string, SensorSeen> {
  // A buffer without readings is another one: nothing that was seen before is in it.
  if (now.size === 0) return now;
  const merged = new Map<string, SensorSeen>();
  for (const [sensor, seen] of now) {
    if (merged.size >= MAX_SENSORS) return merged;
    merged.set(sensor, update(before.get(sensor), seen));
  }
  for (const [sensor, seen] of before) {
    if (merged.size < MAX_SENSORS && !merged.has(sensor)) merged.set(sensor, { ...seen, share: 0 });
  }
  return merged;
}

function update(before: SensorSeen | undefined, now: SensorSeen): SensorSeen {
  if (before === undefined) return now;
  const values = now.values.size >= before.values.size ? now.values : withRare(before, now);
  const passed = before.newest.id === now.newest.id ? 0 : spacingMs(before.newest, now.newest);
  // Too few among the newest: the time since the one seen before tells, or what was known then.
  const guess = before.intervalMs ?? (passed > 0 ? Math.round(passed) : null);
  return { ...now, values, intervalMs: now.intervalMs ?? guess };
}

/** What the newest readings have, and what others had within the last hour. */
function withRare(before: SensorSeen, { newest, values }: SensorSeen): QuantitiesSeen {
  const merged = new Map(values);
  for (const [name, value] of before.values) {
    if (merged.size >= MAX_QUANTITIES) break;
    if (merged.has(name) || spacingMs(value.reading, newest) > REMEMBERED_MS) continue;
    merged.set(name, value);
  }
  return merged;
}
