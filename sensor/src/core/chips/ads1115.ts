/**
 * Texas Instruments ADS1115: four voltages against ground.
 * Source: data sheet SBAS444E (December 2024), "Full-Scale Range (PGA) and LSB Size", "Data Format",
 * "Config Register"; the last one is the same in SBAS444D (January 2018).
 */
import type { QuantityRange, QuantityRanges } from '../quality.ts';
import { chipReset, notReady } from './bosch.ts';
import { int16, uint16 } from './bytes.ts';

export const ADS1115_REGISTER = { conversion: 0x00, config: 0x01 } as const;
export const ADS1115_CHANNELS = [0, 1, 2, 3] as const;

/** Name of the gain (full scale 4.096 V / gain) -> full scale and bits 11:9 (PGA[2:0], Config register). */
const GAINS: ReadonlyMap<number, { readonly fullScaleVolt: number; readonly bits: number }> =
  new Map([
    [0.667, { fullScaleVolt: 6.144, bits: 0 }],
    [1, { fullScaleVolt: 4.096, bits: 1 }],
    [2, { fullScaleVolt: 2.048, bits: 2 }],
    [4, { fullScaleVolt: 1.024, bits: 3 }],
    [8, { fullScaleVolt: 0.512, bits: 4 }],
    [16, { fullScaleVolt: 0.256, bits: 5 }],
  ]);
export const ADS1115_GAINS: readonly number[] = [...GAINS.keys()];

const RANGE: QuantityRange = { min: -6.144, max: 6.144, decimals: 6 };
export const ADS1115_RANGES: QuantityRanges = {
  voltage_0_volt: RANGE,
  voltage_1_volt: RANGE,
  voltage_2_volt: RANGE,
  voltage_3_volt: RANGE,
};

/** One conversion at 128 samples a second, the oscillator 10 % slow at worst, and 25 µs to wake up. */
export const ADS1115_WAIT_MS = 9;

const READY = 0x8000;

/** Starts one conversion of a channel against ground; comparator off (Config register). */
export function ads1115Config(channel: number, gain: number): number {
  const bits = GAINS.get(gain)?.bits ?? 1;
  return READY | ((4 + channel) << 12) | (bits << 9) | 0x0100 | (4 << 5) | 0x03;
}

/**
 * Volt ("Data Format": 0x8000 = -full scale, 0x7FFF = full scale less one step); NaN at
 * both ends, which mean "this or more". `config` was read after the conversion.
 * @throws HardwareError `CHIP_RESET`, `NOT_READY`
 */
export function ads1115Volt(
  conversion: Uint8Array,
  config: Uint8Array,
  channel: number,
  gain: number,
): number {
  const settings = uint16(config);
  if ((settings | READY) !== ads1115Config(channel, gain)) throw chipReset();
  if ((settings & READY) === 0) throw notReady();
  const raw = int16(conversion);
  if (raw === 0x7fff || raw === -0x8000) return Number.NaN;
  return (raw * (GAINS.get(gain)?.fullScaleVolt ?? Number.NaN)) / 32_768;
}
