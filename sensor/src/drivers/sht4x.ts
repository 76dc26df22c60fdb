/** Sensirion SHT40, SHT41, SHT45: the transactions. Decoding and sources are in `core/chips/sht.ts`. */
import {
  SHT4X_MEASURE,
  SHT4X_SERIAL,
  SHT4X_WAIT_MS,
  SHT_RANGES,
  SHT_SERIAL_WAIT_MS,
  parseSht,
  sht4xPercent,
} from '../core/chips/sht.ts';
import { HardwareError } from '../core/hardware-error.ts';
import type { ChipLink, I2cDriver } from '../ports.ts';
import { command, hasSerial, refusesBareRead } from './sensirion.ts';

const serial = async (chip: ChipLink) => hasSerial(chip, [SHT4X_SERIAL], SHT_SERIAL_WAIT_MS, 6);

export const sht4x: I2cDriver = {
  name: 'sht4x',
  addresses: [0x44, 0x45, 0x46],
  ranges: SHT_RANGES,
  noisy: true,
  identify: async (chip) => (await refusesBareRead(chip)) && serial(chip),

  async open(chip) {
    if (!(await serial(chip))) throw new HardwareError('BAD_CRC', 'no serial number of an SHT4x');
    return {
      // Every measurement is complete in itself: a chip exchanged in between does not matter.
      measure: async () =>
        parseSht(await command(chip, [SHT4X_MEASURE], SHT4X_WAIT_MS, 6), sht4xPercent),
    };
  },
};
