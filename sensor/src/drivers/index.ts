/** The registry: every driver for a chip on I2C. A new one is one file and one line here. */
import type { Clock } from '@holdfast/kit';
import { STUCK_OPTION } from '../core/options.ts';
import { sensorId } from '../core/sensor-list.ts';
import type { DriverForms, SensorPlace } from '../core/sensor-list.ts';
import { stuckRule } from '../core/stuck.ts';
import type { I2cBuses, I2cDriver, Sensor } from '../ports.ts';
import { ads1115 } from './ads1115.ts';
import { aht20 } from './aht20.ts';
import { bh1750 } from './bh1750.ts';
import { bme280 } from './bme280.ts';
import { bme680 } from './bme680.ts';
import { bmp280 } from './bmp280.ts';
import { chipLink } from './chip-link.ts';
import { ina219 } from './ina219.ts';
import { lm75 } from './lm75.ts';
import { mcp9808 } from './mcp9808.ts';
import { scd4x } from './scd4x.ts';
import { sht3x } from './sht3x.ts';
import { sht4x } from './sht4x.ts';
import { tmp102 } from './tmp102.ts';
import { veml7700 } from './veml7700.ts';

/** Where two are tried at one address, in this order: SHT4x before SHT3x (see `detect.ts`). */
export const I2C_DRIVERS: readonly I2cDriver[] = [
  bme280,
  bmp280,
  bme680,
  sht4x,
  sht3x,
  aht20,
  scd4x,
  bh1750,
  veml7700,
  ads1115,
  ina219,
  mcp9808,
  tmp102,
  lm75,
];

export const DRIVER_FORMS: DriverForms = Object.fromEntries(
  I2C_DRIVERS.map((driver) => [driver.name, driver]),
);

/** The sensor at a place; `driver` must be the one the place names. */
export function i2cSensor(
  driver: I2cDriver,
  place: SensorPlace,
  buses: I2cBuses,
  clock: Clock,
): Sensor {
  return {
    id: sensorId(place),
    ranges: driver.ranges,
    stuck: stuckRule(driver.noisy === true, place.options[STUCK_OPTION]),
    open: async () =>
      driver.open(chipLink(buses.bus(place.bus), place.address, clock), place.options),
  };
}
