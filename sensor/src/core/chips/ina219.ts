/**
 * Texas Instruments INA219: voltage, current and power. Current and power are computed here from the
 * two voltages: the chip's own registers need a calibration value that a replugged chip has lost, and
 * would then read 0.
 * Source: data sheet SBOS448G (December 2015), sections 8.5 and 8.6; the worked example stands in
 * SBOS448F (September 2011), table 3, page 24, and in section 9.2.2.1 of the newer one.
 */
import type { Quantities } from '../measurement.ts';
import type { QuantityRanges } from '../quality.ts';
import { chipReset, notReady } from './bosch.ts';
import { int16, uint16 } from './bytes.ts';

export const INA219_REGISTER = { config: 0x00, shunt: 0x01, bus: 0x02 } as const;

/** Shunt up to 320 mV, bus up to 32 V full scale (26 V recommended); current up to what a shunt of
 * 1 mΩ lets through. */
export const INA219_RANGES: QuantityRanges = {
  voltage_volt: { min: 0, max: 32, decimals: 3 },
  shunt_voltage_volt: { min: -0.32, max: 0.32, decimals: 5 },
  current_ampere: { min: -320, max: 320, decimals: 5 },
  power_watt: { min: -10_240, max: 10_240, decimals: 4 },
};

/** Two conversions of 12 bits at 586 µs each at most (section 7.5), and the time to wake up. */
export const INA219_WAIT_MS = 2;

/** Full scale of the shunt voltage for each setting of bits 12:11 (table 4). */
const SHUNT_FULL_SCALES_VOLT = [0.04, 0.08, 0.16, 0.32] as const;
const CONVERSION_READY = 0x02;
const OVERFLOW = 0x01;

/** The largest shunt voltage the chip can measure. */
export const INA219_SHUNT_MAX_VOLT = 0.32;

/** Bits 12:11: the smallest full scale that holds the largest current. */
function gainBits(maxShuntVolt: number): number {
  const index = SHUNT_FULL_SCALES_VOLT.findIndex((volt) => maxShuntVolt <= volt + 1e-9);
  return index < 0 ? SHUNT_FULL_SCALES_VOLT.length - 1 : index;
}

/** 32 V bus range, 12 bits, shunt and bus once (mode 3, table 6). */
export function ina219Config(maxShuntVolt: number): number {
  return 0x2000 | (gainBits(maxShuntVolt) << 11) | (0x3 << 7) | (0x3 << 3) | 0x3;
}

/**
 * Shunt: 10 µV a step, bus: 4 mV a step in bits 15:3 (section 8.6.3). `config` was read last. A
 * shunt voltage at the end of its scale means "this or more": current and power are NaN then.
 * @throws HardwareError `CHIP_RESET`, `NOT_READY`
 */
export function parseIna219(
  registers: {
    readonly shunt: Uint8Array;
    readonly bus: Uint8Array;
    readonly config: Uint8Array;
  },
  shuntOhm: number,
  config: number,
): Quantities {
  if (uint16(registers.config) !== config) throw chipReset();
  const bus = uint16(registers.bus);
  if ((bus & CONVERSION_READY) === 0) throw notReady();
  const fullScaleVolt = SHUNT_FULL_SCALES_VOLT[(config >> 11) & 0x3] ?? 0;
  const shuntVolt = int16(registers.shunt) / 100_000;
  const clipped = (bus & OVERFLOW) !== 0 || Math.abs(shuntVolt) >= fullScaleVolt;
  const currentAmpere = clipped ? Number.NaN : shuntVolt / shuntOhm;
  const voltageVolt = (bus >> 3) / 250;
  return {
    voltage_volt: voltageVolt,
    shunt_voltage_volt: clipped ? Number.NaN : shuntVolt,
    current_ampere: currentAmpere,
    power_watt: voltageVolt * currentAmpere,
  };
}
