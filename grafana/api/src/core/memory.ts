/**
 * Sensors that were seen before and are not among the newest readings: a slow one beside fast ones,
 * or one that has stopped.
 */
import { spacingMs } from './readings.ts';
import type { SensorSeen } from './readings.ts';

const MAX_SENSORS = 200;

/** @param now what the newest readings tell; empty when there are none at all */
export function remember(
  before: ReadonlyMap<string, SensorSeen>,
  now: ReadonlyMap<string, SensorSeen>,
): ReadonlyMap<string, SensorSeen> {
  // A buffer without readings is another one: nothing that was seen before is in it.
  if (now.size === 0) return now;
  const merged = new Map<string, SensorSeen>();
  for (const [sensor, seen] of now) merged.set(sensor, update(before.get(sensor), seen));
  for (const [sensor, seen] of before) {
    if (merged.size < MAX_SENSORS && !merged.has(sensor)) merged.set(sensor, { ...seen, share: 0 });
  }
  return merged;
}

function update(before: SensorSeen | undefined, now: SensorSeen): SensorSeen {
  if (before === undefined) return now;
  const values =
    now.values.size >= before.values.size ? now.values : new Map([...before.values, ...now.values]);
  const passed = before.newest.id === now.newest.id ? 0 : spacingMs(before.newest, now.newest);
  // Too few among the newest: the time since the one seen before tells, or what was known then.
  const guess = before.intervalMs ?? (passed > 0 ? Math.round(passed) : null);
  return { ...now, values, intervalMs: now.intervalMs ?? guess };
}
