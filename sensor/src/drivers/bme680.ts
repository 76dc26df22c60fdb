/** Bosch BME680 and BME688: the transactions. Decoding and sources are in `core/chips/bme680.ts`. */
import {
  BME680_CONVERSION_MS,
  BME680_ID,
  BME680_RANGES,
  BME680_REGISTER as REGISTER,
  BME680_STARTUP_MS,
  compensateBme680,
  parseBme680,
  parseBme680Trimming,
} from '../core/chips/bme680.ts';
import type { Bme680Trimming } from '../core/chips/bme680.ts';
import {
  CONFIG_PLAIN,
  CTRL_MEAS_FORCED,
  CTRL_MEAS_SLEEP,
  RESET_WORD,
} from '../core/chips/bosch.ts';
import type { Measurement } from '../core/measurement.ts';
import type { ChipLink, I2cDriver } from '../ports.ts';
import { hasId, requireId } from './bosch.ts';

const GAS_OFF = 0x00;
const HUMIDITY_ONCE = 0x01;

async function measure(chip: ChipLink, trimming: Bme680Trimming): Promise<Measurement> {
  await chip.writeRegisters(REGISTER.ctrlMeas, [CTRL_MEAS_FORCED]);
  await chip.sleepMs(BME680_CONVERSION_MS);
  const { result, settings } = REGISTER;
  const raw = parseBme680(
    await chip.readRegisters(result.first, result.length),
    await chip.readRegisters(settings.first, settings.length),
  );
  const values = compensateBme680(raw, trimming);
  return {
    quantities: {
      temperature_celsius: values.temperatureCelsius,
      pressure_hpa: values.pressurePascal / 100,
      humidity_percent: values.humidityPercent,
    },
    raw: [raw.temperature, raw.pressure, raw.humidity],
  };
}

export const bme680: I2cDriver = {
  name: 'bme680',
  addresses: [0x76, 0x77],
  ranges: BME680_RANGES,
  noisy: true,
  identify: async (chip) => hasId(chip, [BME680_ID]),

  async open(chip) {
    await requireId(chip, [BME680_ID], 'BME680 or BME688');
    await chip.writeRegisters(REGISTER.reset, [RESET_WORD]);
    await chip.sleepMs(BME680_STARTUP_MS);
    const { trimming1, trimming2 } = REGISTER;
    const trimming = parseBme680Trimming(
      await chip.readRegisters(trimming1.first, trimming1.length),
      await chip.readRegisters(trimming2.first, trimming2.length),
    );
    await chip.writeRegisters(REGISTER.ctrlGas1, [GAS_OFF]);
    await chip.writeRegisters(REGISTER.config, [CONFIG_PLAIN]);
    await chip.writeRegisters(REGISTER.ctrlHum, [HUMIDITY_ONCE]);
    await chip.writeRegisters(REGISTER.ctrlMeas, [CTRL_MEAS_SLEEP]);
    return { measure: () => measure(chip, trimming) };
  },
};
