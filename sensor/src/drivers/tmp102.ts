/** Texas Instruments TMP102: the transactions. Decoding and sources are in `core/chips/thermometers.ts`. */
import { bigEndian } from '../core/chips/bytes.ts';
import {
  TMP102_ONCE,
  TMP102_RANGES,
  TMP102_REGISTER as REGISTER,
  TMP102_WAIT_MS,
  tmp102Celsius,
} from '../core/chips/thermometers.ts';
import type { I2cDriver } from '../ports.ts';

export const tmp102: I2cDriver = {
  name: 'tmp102',
  addresses: [0x48, 0x49, 0x4a, 0x4b],
  ranges: TMP102_RANGES,

  async open(chip) {
    await chip.readRegisters(REGISTER.config, 2);
    return {
      async measure() {
        await chip.writeRegisters(REGISTER.config, bigEndian(TMP102_ONCE));
        await chip.sleepMs(TMP102_WAIT_MS);
        const temperature = await chip.readRegisters(REGISTER.temperature, 2);
        const config = await chip.readRegisters(REGISTER.config, 2);
        return { quantities: { temperature_celsius: tmp102Celsius(temperature, config) } };
      },
    };
  },
};
