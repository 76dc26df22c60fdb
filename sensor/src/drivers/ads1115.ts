/** Texas Instruments ADS1115: the transactions. Decoding and sources are in `core/chips/ads1115.ts`. */
import {
  ADS1115_CHANNELS,
  ADS1115_GAINS,
  ADS1115_RANGES,
  ADS1115_REGISTER as REGISTER,
  ADS1115_WAIT_MS,
  ads1115Config,
  ads1115Volt,
} from '../core/chips/ads1115.ts';
import { bigEndian } from '../core/chips/bytes.ts';
import { choice, optionOf } from '../core/options.ts';
import type { ChipLink, I2cDriver } from '../ports.ts';

async function volt(chip: ChipLink, channel: number, gain: number): Promise<number> {
  await chip.writeRegisters(REGISTER.config, bigEndian(ads1115Config(channel, gain)));
  await chip.sleepMs(ADS1115_WAIT_MS);
  const conversion = await chip.readRegisters(REGISTER.conversion, 2);
  return ads1115Volt(conversion, await chip.readRegisters(REGISTER.config, 2), channel, gain);
}

export const ads1115: I2cDriver = {
  name: 'ads1115',
  addresses: [0x48, 0x49, 0x4a, 0x4b],
  ranges: ADS1115_RANGES,
  options: { gain: choice(1, ADS1115_GAINS, 'full scale = 4.096 V / gain') },

  async open(chip, options) {
    const gain = optionOf(options, 'gain');
    await chip.readRegisters(REGISTER.config, 2);
    return {
      async measure() {
        const quantities: Record<string, number> = {};
        for (const channel of ADS1115_CHANNELS) {
          quantities[`voltage_${channel}_volt`] = await volt(chip, channel, gain);
        }
        return { quantities };
      },
    };
  },
};
