/** Vishay VEML7700: the transactions. Decoding and sources are in `core/chips/light.ts`. */
import { uint16LittleEndian } from '../core/chips/bytes.ts';
import {
  VEML7700_GAINS,
  VEML7700_ID,
  VEML7700_RANGES,
  VEML7700_REGISTER as REGISTER,
  VEML7700_START_MS,
  VEML7700_TIMES_MS,
  parseVeml7700,
  veml7700Config,
  veml7700Lux,
} from '../core/chips/light.ts';
import { choice, optionOf } from '../core/options.ts';
import type { I2cDriver } from '../ports.ts';

export const veml7700: I2cDriver = {
  name: 'veml7700',
  addresses: [0x10],
  ranges: VEML7700_RANGES,
  options: {
    gain: choice(0.125, VEML7700_GAINS, 'the smaller, the more light it can take'),
    integration_millis: choice(100, VEML7700_TIMES_MS, 'the shorter, the more light it can take'),
  },
  identify: async (chip) =>
    uint16LittleEndian(await chip.readRegisters(REGISTER.id, 2)) === VEML7700_ID,

  async open(chip, options) {
    const gain = optionOf(options, 'gain');
    const integrationMs = optionOf(options, 'integration_millis');
    const config = veml7700Config(gain, integrationMs);
    await chip.writeRegisters(REGISTER.config, [config & 0xff, config >> 8]);
    // The integration time may be 10 % longer.
    await chip.sleepMs(VEML7700_START_MS + 1.1 * integrationMs);
    return {
      async measure() {
        const light = await chip.readRegisters(REGISTER.light, 2);
        const settings = await chip.readRegisters(REGISTER.config, 2);
        const raw = parseVeml7700(light, settings, config);
        return { quantities: { illuminance_lux: veml7700Lux(raw, gain, integrationMs) } };
      },
    };
  },
};
