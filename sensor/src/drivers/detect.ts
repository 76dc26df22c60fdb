/** Finding the chips that tell who they are, on all buses, without disturbing those that do not. */
import { HardwareError } from '../core/hardware-error.ts';
import type { SensorPlace } from '../core/sensor-list.ts';
import type { I2cBus, I2cBuses, I2cDriver } from '../ports.ts';

/**
 * Looks for every driver's chip at its addresses, one bus beside the other.
 * @param taken places that have a sensor already and are left alone
 * @returns what was found; a bus or chip that fails is passed over
 * @throws HardwareError when nobody can tell which buses there are
 */
export async function detect(
  buses: I2cBuses,
  drivers: readonly I2cDriver[],
  taken: (bus: number, address: number) => boolean,
): Promise<SensorPlace[]> {
  const numbers = await buses.list();
  const found = await Promise.all(
    numbers.map(async (number) => detectOn(buses.bus(number), number, drivers, taken)),
  );
  return found.flat();
}

async function detectOn(
  bus: I2cBus,
  number: number,
  drivers: readonly I2cDriver[],
  taken: (bus: number, address: number) => boolean,
): Promise<SensorPlace[]> {
  const found = new Map<number, SensorPlace>();
  for (const driver of drivers) {
    for (const address of driver.addresses) {
      if (found.has(address) || taken(number, address)) continue;
      if (await isThere(driver, bus, address)) {
        found.set(address, { driver: driver.name, bus: number, address });
      }
    }
  }
  return [...found.values()];
}

async function isThere(driver: I2cDriver, bus: I2cBus, address: number): Promise<boolean> {
  try {
    return await driver.identify(bus, address);
  } catch (error) {
    if (error instanceof HardwareError) return false;
    throw error;
  }
}
