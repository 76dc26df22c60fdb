/** NXP PCT2075 thermometer (data sheet revision 10): an example of a driver, compiled and tested. */
import { chipReset } from '../src/core/chips/bosch.ts';
import { int16 } from '../src/core/chips/bytes.ts';
import type { QuantityRanges } from '../src/core/quality.ts';
import type { I2cDriver } from '../src/ports.ts';

const TEMPERATURE = 0x00;
const CONFIG = 0x01;
/** A setting that differs from power-on (two faults before an alert): proves the chip was not reset. */
const MARK = 0x08;
/** Section 7.4.3: a conversion takes 28 ms, one every 100 ms; so long there is none after power-on. */
const FIRST_CONVERSION_MS = 130;

const RANGES: QuantityRanges = {
  temperature_celsius: { min: -55, max: 125, decimals: 3 },
};

/** Table 9: 11 bits, left aligned, 0.125 °C a step. @throws HardwareError `CHIP_RESET` */
export function pct2075Celsius(temperature: Uint8Array, config: number | undefined): number {
  if (config !== MARK) throw chipReset();
  return (int16(temperature) >> 5) / 8;
}

export const pct2075: I2cDriver = {
  name: 'pct2075',
  addresses: [0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x37],
  ranges: RANGES,
  // No `identify`: the chip has no identity, it must be named in SENSORS.
  async open(chip) {
    await chip.writeRegisters(CONFIG, [MARK]);
    await chip.sleepMs(FIRST_CONVERSION_MS);
    return {
      async measure() {
        const temperature = await chip.readRegisters(TEMPERATURE, 2);
        const [config] = await chip.readRegisters(CONFIG, 1);
        return { quantities: { temperature_celsius: pct2075Celsius(temperature, config) } };
      },
    };
  },
};
