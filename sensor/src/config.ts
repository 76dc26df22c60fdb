/** The environment of the service; the only reader of process.env. */
import { custom, integer, loadConfig, number, text } from '@holdfast/kit';
import type { ConfigOf } from '@holdfast/kit';
import { KEYS, REDIS_ENV } from '@holdfast/redis';
import { allowedSensors, parseBusList, parseSensorList } from './core/sensor-list.ts';
import { DRIVER_FORMS } from './drivers/index.ts';

export const SENSOR_ENV = {
  ...REDIS_ENV,
  INTERVAL_SECONDS: number({
    fallback: 5,
    unit: 's',
    min: KEYS.interval.value.min,
    max: KEYS.interval.value.max,
    help: 'time between measurements, as long as `measurement:interval` is not set',
  }),
  SENSORS: custom(
    {
      fallback: { auto: true, host: true, places: [] },
      fallbackText: 'auto',
      allowed: allowedSensors(DRIVER_FORMS),
      help: 'what to measure; `auto` = this machine and every chip that can be told by its identity',
    },
    (raw) => parseSensorList(raw, DRIVER_FORMS),
  ),
  I2C_BUSES: custom<readonly number[] | undefined>(
    {
      fallback: undefined,
      fallbackText: 'auto',
      allowed: 'auto, or a list of bus numbers such as 1,3',
      help: 'where `SENSORS=auto` looks for chips; `auto` = on every bus there is',
    },
    parseBusList,
  ),
  HARDWARE_SIMULATOR: text({
    fallback: undefined,
    help: "Unix socket of a hardware simulator, used instead of this machine's buses",
  }),
  I2C_TIMEOUT_MILLIS: integer({
    fallback: 1_000,
    unit: 'ms',
    min: 10,
    max: 10_000,
    help: 'a transfer on a bus that takes longer has failed',
  }),
  PENDING_MAX_READINGS: integer({
    fallback: 10_000,
    min: 2,
    max: 100_000,
    help: 'readings kept in memory while Redis is away (about 0.3 KB each); then the oldest go',
  }),
  PENDING_DIR: text({
    fallback: undefined,
    help: 'folder for readings that wait for Redis, so that they outlive this service; unset = in memory only',
  }),
} as const;

export type SensorConfig = ConfigOf<typeof SENSOR_ENV>;

/** @throws ConfigError naming every fault */
export function readConfig(): SensorConfig {
  return loadConfig(SENSOR_ENV, process.env);
}
