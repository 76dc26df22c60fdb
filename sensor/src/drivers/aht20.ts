/** ASAIR AHT20: the transactions. Decoding and sources are in `core/chips/aht20.ts`. */
import {
  AHT20_INITIALISE,
  AHT20_INITIALISE_MS,
  AHT20_MEASURE,
  AHT20_MEASURE_MS,
  AHT20_POWER_ON_MS,
  AHT20_RANGES,
  isCalibrated,
  parseAht20,
} from '../core/chips/aht20.ts';
import type { I2cDriver } from '../ports.ts';
import { command } from './sensirion.ts';

export const aht20: I2cDriver = {
  name: 'aht20',
  addresses: [0x38],
  ranges: AHT20_RANGES,
  noisy: true,

  async open(chip) {
    await chip.sleepMs(AHT20_POWER_ON_MS);
    const [status] = await chip.read(1);
    if (!isCalibrated(status)) {
      await chip.write(AHT20_INITIALISE);
      await chip.sleepMs(AHT20_INITIALISE_MS);
    }
    return {
      measure: async () => parseAht20(await command(chip, AHT20_MEASURE, AHT20_MEASURE_MS, 7)),
    };
  },
};
