/** Bosch BME280: the transactions. Decoding and sources are in `core/chips/bme280.ts`. */
import {
  BME280_RANGES,
  CHIP_ID,
  CONVERSION_MS,
  CTRL_HUM_ONCE,
  REGISTER,
  compensate,
  parseResult,
  parseTrimming,
} from '../core/chips/bme280.ts';
import type { Trimming } from '../core/chips/bme280.ts';
import { CONFIG_PLAIN, CTRL_MEAS_FORCED, CTRL_MEAS_SLEEP } from '../core/chips/bosch.ts';
import type { Measurement } from '../core/measurement.ts';
import type { ChipLink, I2cDriver } from '../ports.ts';
import { hasId, requireId, resetBosch } from './bosch.ts';

async function measure(chip: ChipLink, trimming: Trimming): Promise<Measurement> {
  await chip.writeRegisters(REGISTER.ctrlMeas, [CTRL_MEAS_FORCED]);
  await chip.sleepMs(CONVERSION_MS);
  const raw = parseResult(await chip.readRegisters(REGISTER.result.first, REGISTER.result.length));
  const result = compensate(raw, trimming);
  return {
    quantities: {
      temperature_celsius: result.temperatureCelsius,
      pressure_hpa: result.pressurePascal / 100,
      humidity_percent: result.humidityPercent,
    },
    raw: [raw.temperature, raw.pressure, raw.humidity],
  };
}

export const bme280: I2cDriver = {
  name: 'bme280',
  addresses: [0x76, 0x77],
  ranges: BME280_RANGES,
  noisy: true,
  identify: async (chip) => hasId(chip, [CHIP_ID]),

  async open(chip) {
    await requireId(chip, [CHIP_ID], 'BME280');
    await resetBosch(chip, REGISTER.status);
    const { trimming1, trimming2 } = REGISTER;
    const trimming = parseTrimming(
      await chip.readRegisters(trimming1.first, trimming1.length),
      await chip.readRegisters(trimming2.first, trimming2.length),
    );
    await chip.writeRegisters(REGISTER.config, [CONFIG_PLAIN]);
    // Takes effect with the next write to ctrl_meas (section 5.4.3, page 27).
    await chip.writeRegisters(REGISTER.ctrlHum, [CTRL_HUM_ONCE]);
    await chip.writeRegisters(REGISTER.ctrlMeas, [CTRL_MEAS_SLEEP]);
    return { measure: () => measure(chip, trimming) };
  },
};
