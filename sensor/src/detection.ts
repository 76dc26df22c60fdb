/** Looks for sensors from time to time while the service runs: they may be plugged in later. */
import { errorCode, errorMessage } from '@holdfast/kit';
import type { Clock, Log } from '@holdfast/kit';
import type { SensorApp } from './app.ts';
import { triedText } from './core/detection.ts';
import { sensorId } from './core/sensor-list.ts';
import type { SensorPlace } from './core/sensor-list.ts';
import { detect } from './drivers/detect.ts';
import { I2C_DRIVERS, i2cSensor } from './drivers/index.ts';
import type { SensorLog } from './log.ts';
import type { I2cBuses } from './ports.ts';

const DETECT_MS = 5_000;

export interface DetectionOptions {
  readonly app: SensorApp;
  readonly buses: I2cBuses;
  /** Sensors named by the user; their addresses are not probed. */
  readonly named: readonly SensorPlace[];
  /** Buses to look at; undefined = all there are. */
  readonly only: readonly number[] | undefined;
  readonly clock: Clock;
  readonly log: Log<SensorLog>;
}

/** Adds the sensors of a list that have a place. */
export function addNamed(options: Omit<DetectionOptions, 'log' | 'only'>): void {
  const { app, buses, named, clock } = options;
  for (const place of named) {
    const driver = I2C_DRIVERS.find(({ name }) => name === place.driver);
    if (driver === undefined || app.has(sensorId(place))) continue;
    app.add(i2cSensor(driver, place, buses, clock));
  }
}

/** One look: adds what is there. */
async function look(options: DetectionOptions, found: SensorPlace[]): Promise<void> {
  const { app, buses, named, only, clock } = options;
  const numbers = only ?? (await buses.list());
  // A sensor found before and lost now may have been replaced by another chip; its own driver looks
  // for it already.
  const isTaken = (place: SensorPlace, driver: string) =>
    place.driver === driver || named.includes(place) || !app.isLost(sensorId(place));
  const { places, tried } = await detect({
    buses,
    numbers,
    drivers: I2C_DRIVERS,
    taken: (bus, address, driver) =>
      [...named, ...found].some(
        (place) => place.bus === bus && place.address === address && isTaken(place, driver),
      ),
    clock,
  });
  const fresh = places.filter((place) => !app.has(sensorId(place)));
  found.push(...fresh);
  addNamed({ app, buses, named: fresh, clock });
  const ids = [...named, ...found].map(sensorId).join(' ');
  const summary = `I2C buses: ${numbers.join(' ') || 'none'}; sensors: ${ids || 'none'}`;
  app.detection(summary, triedText(tried));
}

/** Adds what it finds, until `signal` aborts. */
export async function keepDetecting(options: DetectionOptions, signal: AbortSignal): Promise<void> {
  const { app, clock, log } = options;
  const found: SensorPlace[] = [];
  let failure = '';
  while (!signal.aborted) {
    try {
      await look(options, found);
      failure = '';
    } catch (error) {
      const code = errorCode(error);
      app.detection(`failed: ${code}`, 'nothing');
      if (code !== failure) log.warn('detection_failed', { code, error: errorMessage(error) });
      failure = code;
    }
    await clock.sleepMs(DETECT_MS, signal);
  }
}

/** Numbers of the buses on which sensors are named or looked for. */
export async function busesInUse(
  options: Pick<DetectionOptions, 'buses' | 'named' | 'only'> & { readonly auto: boolean },
): Promise<readonly number[]> {
  const there = options.auto ? await options.buses.list() : [];
  const looked = there.filter((bus) => options.only?.includes(bus) ?? true);
  return [...options.named.map(({ bus }) => bus), ...looked];
}
