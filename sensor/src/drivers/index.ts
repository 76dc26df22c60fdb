/** Every driver for a chip on I2C. A new one is written as `bme280.ts` is and entered here. */
import type { Clock } from '@holdfast/kit';
import { sensorId } from '../core/sensor-list.ts';
import type { DriverAddresses, SensorPlace } from '../core/sensor-list.ts';
import type { I2cBuses, I2cDriver, Sensor } from '../ports.ts';
import { bme280 } from './bme280.ts';

export const I2C_DRIVERS: readonly I2cDriver[] = [bme280];

export const DRIVER_ADDRESSES: DriverAddresses = Object.fromEntries(
  I2C_DRIVERS.map((driver) => [driver.name, driver.addresses]),
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
    open: async () =>
      driver.open(buses.bus(place.bus), place.address, (delayMs) => clock.sleepMs(delayMs)),
  };
}
