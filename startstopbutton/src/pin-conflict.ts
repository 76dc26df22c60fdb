/** Says once, loudly, when the button sits on a wire of the bus that sensors use. */
import type { Surroundings } from './events.ts';
import { BUS_PINS, conflictText, disturbedSensors } from './core/pin-conflict.ts';
import type { Facts } from './ports.ts';

/** Sensors may be found later than the button starts. */
const LOOK_MS = 5_000;

/** Looks until it has said so, or `signal` aborts. */
export async function watchPinConflict(
  { clock, log, reports }: Surroundings,
  facts: Facts,
  pin: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && BUS_PINS.includes(pin)) {
    const fields = await facts.sensorFields().catch(() => []);
    const sensors = disturbedSensors(pin, fields);
    if (sensors.length > 0) {
      const remedy = conflictText(pin, sensors);
      log.warn('pin_conflict', { pin, sensors: sensors.join(' '), remedy });
      reports.event('pin_conflict', { pin, sensors: sensors.join(' ') });
      reports.status({ pin_conflict: remedy });
      return;
    }
    await clock.sleepMs(LOOK_MS, signal);
  }
}
