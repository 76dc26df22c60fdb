/**
 * Finding the chips that tell who they are, without disturbing those that do not. What is sent, in
 * this order for each address; nothing else, and no data byte to any register:
 *
 * | address | driver | on the bus |
 * | --- | --- | --- |
 * | 0x76, 0x77 | bme280, bmp280, bme680 | register number 0xD0, read 1 byte: 0x60; 0x58, 0x57, 0x56; 0x61 |
 * | 0x44, 0x45, 0x46 | sht4x | read 1 byte: must be refused; command 0x89, read 6 bytes with 2 CRCs |
 * | 0x44, 0x45 | sht3x | the same with command 0x3780 |
 * | 0x62 | scd4x | the same with 0x3682, 9 bytes with 3 CRCs; refused by one that measures: 0xE4B8, 3 bytes with CRC |
 * | 0x10 | veml7700 | register number 0x07, read 2 bytes: 0xC481 |
 * | 0x18 to 0x1f | mcp9808 | register number 0x06, read 2 bytes: 0x0054; then 0x07: 0x04.. |
 *
 * SHT4x comes first: its command of one byte is half a command to an SHT3x, which ignores it. The
 * read before the commands keeps them from register chips (INA219, OPT3001, MCP4725 and others live
 * at these addresses), to which they would be data: those answer the read.
 */
import type { Clock } from '@holdfast/kit';
import { busFails, failureOutcome } from '../core/detection.ts';
import type { Attempt } from '../core/detection.ts';
import { HardwareError } from '../core/hardware-error.ts';
import { defaultOptions } from '../core/options.ts';
import type { SensorPlace } from '../core/sensor-list.ts';
import type { I2cBuses, I2cDriver } from '../ports.ts';
import { chipLink } from './chip-link.ts';

export interface Found {
  readonly places: readonly SensorPlace[];
  readonly tried: readonly Attempt[];
}

export interface Search {
  readonly buses: I2cBuses;
  /** Numbers of the buses to look at. */
  readonly numbers: readonly number[];
  readonly drivers: readonly I2cDriver[];
  /** Places that have a sensor already and are left alone by this driver. */
  readonly taken: (bus: number, address: number, driver: string) => boolean;
  readonly clock: Pick<Clock, 'sleepMs' | 'monotonicMs'>;
}

/** Looks for every driver's chip at its addresses, one bus beside the other. */
export async function detect(search: Search): Promise<Found> {
  const each = await Promise.all(search.numbers.map(async (bus) => detectOn(search, bus)));
  return {
    places: each.flatMap(({ places }) => places),
    tried: each.flatMap(({ tried }) => tried),
  };
}

async function detectOn(search: Search, bus: number): Promise<Found> {
  const tried: Attempt[] = [];
  const places: SensorPlace[] = [];
  for (const driver of search.drivers) {
    for (const address of driver.identify === undefined ? [] : driver.addresses) {
      if (places.some((place) => place.address === address)) continue;
      const outcome = await tryOne(search, driver, bus, address);
      tried.push({ bus, address, driver: driver.name, outcome });
      if (outcome === 'found') {
        places.push({ driver: driver.name, bus, address, options: defaultOptions(driver.options) });
      }
      if (busFails(outcome)) return { places, tried };
    }
  }
  return { places, tried };
}

async function tryOne(
  { buses, taken, clock }: Search,
  driver: I2cDriver,
  bus: number,
  address: number,
): Promise<string> {
  if (taken(bus, address, driver.name)) return 'in use';
  try {
    const chip = chipLink(buses.bus(bus), address, clock);
    return (await driver.identify?.(chip)) === true ? 'found' : 'another chip';
  } catch (error) {
    if (error instanceof HardwareError) return failureOutcome(error.code);
    throw error;
  }
}
