/**
 * Thermometers with 16-bit registers: Microchip MCP9808 (data sheet DS25095A, 2011), Texas
 * Instruments TMP102 (SBOS397H, December 2018), LM75 and its relatives (TI LM75B and LM75C: SNIS153B,
 * March 2013; NXP LM75B: revision 6.1, February 2015).
 *
 * All three read 0 °C (or anything) between power-on and the first conversion. Settings that differ
 * from those of power-on, read after the temperature, prove that it belongs to a conversion of ours.
 */
import type { QuantityRanges } from '../quality.ts';
import { chipReset, notReady } from './bosch.ts';
import { int16, uint16 } from './bytes.ts';

export const MCP9808_RANGES: QuantityRanges = {
  temperature_celsius: { min: -40, max: 125, decimals: 4 },
};
export const MCP9808_REGISTER = { config: 0x01, ambient: 0x05, maker: 0x06, device: 0x07 } as const;
/** Registers 6 and 7: maker 0x0054, device 0x04 in the high byte (5.1.4 and 5.1.5, pages 27, 28). */
export const MCP9808_MAKER = 0x0054;
export const MCP9808_DEVICE = 0x04;
/** Hysteresis of the alert pin, which nobody reads, set to 1.5 °C: our mark (register 5-2, page 18). */
export const MCP9808_CONFIG = 0x0200;
/** One conversion at the full resolution takes 250 ms, typically (section 5.2.4); with some reserve. */
export const MCP9808_WAIT_MS = 300;

/** Bits 12:0 signed, 1/16 °C a step; bits 15:13 are alerts (register 5-4, page 24). */
export function mcp9808Celsius(ambient: Uint8Array, config: Uint8Array): number {
  if (uint16(config) !== MCP9808_CONFIG) throw chipReset();
  return ((uint16(ambient) << 19) >> 19) / 16;
}

export const TMP102_RANGES: QuantityRanges = {
  temperature_celsius: { min: -40, max: 125, decimals: 4 },
};
export const TMP102_REGISTER = { temperature: 0x00, config: 0x01 } as const;
/** Start one conversion while shut down (section 7.5.3: OS, R1 R0, SD; the rest as after power-on). */
export const TMP102_ONCE = 0xe1a0;
/** Longest conversion (section 6.5). */
export const TMP102_WAIT_MS = 35;

/** 12 bits signed, left aligned, 1/16 °C a step (section 7.3.1, table 2). */
export function tmp102Celsius(temperature: Uint8Array, config: Uint8Array): number {
  const settings = uint16(config);
  // The alert bit (5) follows the temperature; OS (15) is set again when the conversion is done.
  if ((settings & 0x7fd0) !== (TMP102_ONCE & 0x7fd0)) throw chipReset();
  if ((settings & 0x8000) === 0) throw notReady();
  return (int16(temperature) >> 4) / 16;
}

export const LM75_RANGES: QuantityRanges = {
  temperature_celsius: { min: -55, max: 125, decimals: 3 },
};
export const LM75_REGISTER = { temperature: 0x00, config: 0x01 } as const;
/** Two faults before the alert pin, which nobody reads, goes active: our mark (SNIS153B, page 11). */
export const LM75_CONFIG = 0x08;
/**
 * Longest conversion of the original (SNIS153B, page 4). A read interrupts a conversion, which begins
 * anew after it (note 5 there): who reads more often never gets a new value.
 */
export const LM75_WAIT_MS = 300;

/**
 * 9 bits signed, left aligned, 0.5 °C a step; 11 bits for LM75B (0.125 °C). The bits below are
 * undefined and not used.
 */
export function lm75Celsius(temperature: Uint8Array, config: number, bits: number): number {
  if ((config & 0x1f) !== LM75_CONFIG) throw chipReset();
  return (int16(temperature) >> (16 - bits)) / 2 ** (bits - 8);
}
