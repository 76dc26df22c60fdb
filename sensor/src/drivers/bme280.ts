/** Bosch BME280 on I2C: the transactions. Decoding and sources are in `core/bme280.ts`. */
import {
  BME280_RANGES,
  CHIP_ID,
  CONFIG_PLAIN,
  CONVERSION_MS,
  CTRL_HUM_ONCE,
  CTRL_MEAS_FORCED,
  CTRL_MEAS_SLEEP,
  REGISTER,
  RESET_WORD,
  STARTUP_MS,
  STATUS_IM_UPDATE,
  compensate,
  parseResult,
  parseTrimming,
} from '../core/bme280.ts';
import type { Trimming } from '../core/bme280.ts';
import { HardwareError } from '../core/hardware-error.ts';
import type { I2cBus, I2cDriver, Probe, Quantities } from '../ports.ts';

type Sleep = (delayMs: number) => Promise<void>;

/** Tries of the status register after a reset, `STARTUP_MS` apart. */
const STARTUP_TRIES = 5;

async function readId(bus: I2cBus, address: number): Promise<number | undefined> {
  return (await bus.readRegisters(address, REGISTER.id, 1))[0];
}

async function reset(bus: I2cBus, address: number, sleepMs: Sleep): Promise<void> {
  await bus.writeRegisters(address, REGISTER.reset, [RESET_WORD]);
  for (let attempt = 0; attempt < STARTUP_TRIES; attempt += 1) {
    await sleepMs(STARTUP_MS);
    const [status] = await bus.readRegisters(address, REGISTER.status, 1);
    if (((status ?? 0) & STATUS_IM_UPDATE) === 0) return;
  }
  throw new HardwareError('NOT_READY', 'the chip does not finish its reset');
}

async function measure(
  bus: I2cBus,
  address: number,
  trimming: Trimming,
  sleepMs: Sleep,
): Promise<Quantities> {
  await bus.writeRegisters(address, REGISTER.ctrlMeas, [CTRL_MEAS_FORCED]);
  await sleepMs(CONVERSION_MS);
  const { first, length } = REGISTER.result;
  const result = compensate(parseResult(await bus.readRegisters(address, first, length)), trimming);
  return {
    temperature_celsius: result.temperatureCelsius,
    pressure_hpa: result.pressurePascal / 100,
    humidity_percent: result.humidityPercent,
  };
}

export const bme280: I2cDriver = {
  name: 'bme280',
  addresses: [0x76, 0x77],
  ranges: BME280_RANGES,

  async identify(bus, address) {
    return (await readId(bus, address)) === CHIP_ID;
  },

  async open(bus, address, sleepMs): Promise<Probe> {
    const id = await readId(bus, address);
    if (id !== CHIP_ID) {
      throw new HardwareError('WRONG_CHIP', `id register is ${id}, a BME280 has ${CHIP_ID}`);
    }
    await reset(bus, address, sleepMs);
    const { trimming1, trimming2 } = REGISTER;
    const trimming = parseTrimming(
      await bus.readRegisters(address, trimming1.first, trimming1.length),
      await bus.readRegisters(address, trimming2.first, trimming2.length),
    );
    await bus.writeRegisters(address, REGISTER.config, [CONFIG_PLAIN]);
    // Takes effect with the next write to ctrl_meas (section 5.4.3, page 27).
    await bus.writeRegisters(address, REGISTER.ctrlHum, [CTRL_HUM_ONCE]);
    await bus.writeRegisters(address, REGISTER.ctrlMeas, [CTRL_MEAS_SLEEP]);
    return { measure: () => measure(bus, address, trimming, sleepMs) };
  },
};
