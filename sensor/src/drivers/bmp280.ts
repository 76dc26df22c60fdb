/** Bosch BMP280: the transactions. Decoding and sources are in `core/chips/bmp280.ts`. */
import {
  BMP280_CONVERSION_MS,
  BMP280_IDS,
  BMP280_RANGES,
  BMP280_RESULT,
  compensateBmp280,
  parseBmp280,
} from '../core/chips/bmp280.ts';
import {
  BOSCH_REGISTER,
  CONFIG_PLAIN,
  CTRL_MEAS_FORCED,
  CTRL_MEAS_SLEEP,
  parseBoschTrimming,
} from '../core/chips/bosch.ts';
import type { BoschTrimming } from '../core/chips/bosch.ts';
import type { Measurement } from '../core/measurement.ts';
import type { ChipLink, I2cDriver } from '../ports.ts';
import { hasId, requireId, resetBosch } from './bosch.ts';

async function measure(chip: ChipLink, trimming: BoschTrimming): Promise<Measurement> {
  await chip.writeRegisters(BOSCH_REGISTER.ctrlMeas, [CTRL_MEAS_FORCED]);
  await chip.sleepMs(BMP280_CONVERSION_MS);
  const raw = parseBmp280(await chip.readRegisters(BMP280_RESULT.first, BMP280_RESULT.length));
  const { temperatureCelsius, pressurePascal } = compensateBmp280(raw, trimming);
  return {
    quantities: { temperature_celsius: temperatureCelsius, pressure_hpa: pressurePascal / 100 },
    raw: [raw.temperature, raw.pressure],
  };
}

export const bmp280: I2cDriver = {
  name: 'bmp280',
  addresses: [0x76, 0x77],
  ranges: BMP280_RANGES,
  noisy: true,
  identify: async (chip) => hasId(chip, BMP280_IDS),

  async open(chip) {
    await requireId(chip, BMP280_IDS, 'BMP280');
    await resetBosch(chip, BOSCH_REGISTER.status);
    const { first, length } = BOSCH_REGISTER.trimming;
    const trimming = parseBoschTrimming(await chip.readRegisters(first, length));
    await chip.writeRegisters(BOSCH_REGISTER.config, [CONFIG_PLAIN]);
    await chip.writeRegisters(BOSCH_REGISTER.ctrlMeas, [CTRL_MEAS_SLEEP]);
    return { measure: () => measure(chip, trimming) };
  },
};
