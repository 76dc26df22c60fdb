/** Texas Instruments INA219: the transactions. Decoding and sources are in `core/chips/ina219.ts`. */
import { bigEndian } from '../core/chips/bytes.ts';
import {
  INA219_RANGES,
  INA219_REGISTER as REGISTER,
  INA219_SHUNT_MAX_VOLT,
  INA219_WAIT_MS,
  ina219Config,
  parseIna219,
} from '../core/chips/ina219.ts';
import { optionOf } from '../core/options.ts';
import type { SensorOptions } from '../core/options.ts';
import type { I2cDriver } from '../ports.ts';

const maxShuntVolt = (options: SensorOptions) =>
  optionOf(options, 'max_ampere') * optionOf(options, 'shunt_ohm');

export const ina219: I2cDriver = {
  name: 'ina219',
  addresses: Array.from({ length: 16 }, (_, i) => 0x40 + i),
  ranges: INA219_RANGES,
  options: {
    shunt_ohm: { fallback: 0.1, min: 0.001, max: 100, help: 'the resistor on the board' },
    max_ampere: { fallback: 3.2, min: 0.001, max: 320, help: 'largest current, sets the scale' },
  },
  sensible: (options) => maxShuntVolt(options) <= INA219_SHUNT_MAX_VOLT + 1e-9,

  async open(chip, options) {
    const shuntOhm = optionOf(options, 'shunt_ohm');
    const config = ina219Config(maxShuntVolt(options));
    await chip.readRegisters(REGISTER.config, 2);
    return {
      async measure() {
        // Writing the configuration starts the conversions.
        await chip.writeRegisters(REGISTER.config, bigEndian(config));
        await chip.sleepMs(INA219_WAIT_MS);
        const shunt = await chip.readRegisters(REGISTER.shunt, 2);
        const bus = await chip.readRegisters(REGISTER.bus, 2);
        const settings = await chip.readRegisters(REGISTER.config, 2);
        return { quantities: parseIna219({ shunt, bus, config: settings }, shuntOhm, config) };
      },
    };
  },
};
