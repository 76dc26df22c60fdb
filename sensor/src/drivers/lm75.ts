/** LM75 and relatives: the transactions. Decoding and sources are in `core/chips/thermometers.ts`. */
import {
  LM75_CONFIG,
  LM75_RANGES,
  LM75_REGISTER as REGISTER,
  LM75_WAIT_MS,
  lm75Celsius,
} from '../core/chips/thermometers.ts';
import { choice, optionOf } from '../core/options.ts';
import type { I2cDriver } from '../ports.ts';

export const lm75: I2cDriver = {
  name: 'lm75',
  addresses: Array.from({ length: 8 }, (_, i) => 0x48 + i),
  ranges: LM75_RANGES,
  options: { bits: choice(9, [9, 11], '9 for LM75 and LM75A of TI, 11 for LM75A/B of NXP') },

  async open(chip, options) {
    const bits = optionOf(options, 'bits');
    await chip.writeRegisters(REGISTER.config, [LM75_CONFIG]);
    let readMs = chip.monotonicMs();
    return {
      async measure() {
        const waitMs = readMs + LM75_WAIT_MS - chip.monotonicMs();
        if (waitMs > 0) await chip.sleepMs(waitMs);
        const temperature = await chip.readRegisters(REGISTER.temperature, 2);
        const [config = 0] = await chip.readRegisters(REGISTER.config, 1);
        readMs = chip.monotonicMs();
        return { quantities: { temperature_celsius: lm75Celsius(temperature, config, bits) } };
      },
    };
  },
};
