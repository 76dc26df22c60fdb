/** Looks for sensors from time to time while the service runs: they may be plugged in later. */
import { errorCode, errorMessage } from '@holdfast/kit';
import type { Clock, Log } from '@holdfast/kit';
import type { SensorApp } from './app.ts';
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
  readonly clock: Clock;
  readonly log: Log<SensorLog>;
}

/** Adds the sensors of a list that have a place. */
export function addNamed(options: Omit<DetectionOptions, 'log'>): void {
  const { app, buses, named, clock } = options;
  for (const place of named) {
    const driver = I2C_DRIVERS.find(({ name }) => name === place.driver);
    if (driver !== undefined) app.add(i2cSensor(driver, place, buses, clock));
  }
}

/** Adds what it finds, until `signal` aborts. */
export async function keepDetecting(options: DetectionOptions, signal: AbortSignal): Promise<void> {
  const { app, buses, named, clock, log } = options;
  const places = [...named];
  let failure = '';
  while (!signal.aborted) {
    try {
      const found = await detect(buses, I2C_DRIVERS, (bus, address) =>
        places.some((place) => place.bus === bus && place.address === address),
      );
      places.push(...found);
      addNamed({ app, buses, named: found, clock });
      const numbers = (await buses.list()).join(' ');
      const ids = places.map(sensorId).join(' ');
      app.detection(`I2C buses: ${numbers || 'none'}; sensors: ${ids || 'none'}`);
      failure = '';
    } catch (error) {
      const code = errorCode(error);
      app.detection(`failed: ${code}`);
      if (code !== failure) log.warn('detection_failed', { code, error: errorMessage(error) });
      failure = code;
    }
    await clock.sleepMs(DETECT_MS, signal);
  }
}
