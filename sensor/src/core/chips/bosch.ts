/**
 * What BMP280 and BME280 have in common: trimming, result registers and compensation of temperature
 * and pressure. The formulas are those of both data sheets (BST-BMP280-DS001 revision 1.14, section
 * 3.11.3 and 8.1; BST-BME280-DS002 revision 1.6, section 4.2.3 and 8.1).
 */
import { HardwareError } from '../hardware-error.ts';
import { int16LittleEndian, uint16LittleEndian } from './bytes.ts';

/** Register addresses that are the same in both. */
export const BOSCH_REGISTER = {
  id: 0xd0,
  reset: 0xe0,
  status: 0xf3,
  ctrlMeas: 0xf4,
  config: 0xf5,
  /** T1 to T3, P1 to P9. */
  trimming: { first: 0x88, length: 24 },
} as const;

/** Written to the reset register: complete power-on reset. */
export const RESET_WORD = 0xb6;
/** Start-up time after a reset (table 1 of both). */
export const STARTUP_MS = 2;
/** Bit 0 of the status register: trimming data is being copied. */
export const STATUS_IM_UPDATE = 0x01;
/** Bit 3: a conversion is running; cleared when its results stand in the data registers. */
export const STATUS_MEASURING = 0x08;

/** Temperature and pressure sampled once, asleep. */
export const CTRL_MEAS_SLEEP = 0x24;
/** The same with mode = forced: one conversion, then asleep again. */
export const CTRL_MEAS_FORCED = 0x25;
/** Filter off. */
export const CONFIG_PLAIN = 0x00;

export interface BoschTrimming {
  readonly t: readonly [number, number, number];
  readonly p: readonly [number, number, number, number, number, number, number, number, number];
}

/**
 * Trimming parameters from the registers at 0x88: T1 and P1 unsigned, the others signed.
 * @throws HardwareError `BAD_CALIBRATION` for the contents of a missing or unpowered chip
 */
export function parseBoschTrimming(block: Uint8Array): BoschTrimming {
  const [t1, p1] = [uint16LittleEndian(block, 0), uint16LittleEndian(block, 6)];
  if ([t1, p1].some((word) => word === 0 || word === 0xffff)) {
    throw new HardwareError('BAD_CALIBRATION', 'trimming parameters are all zero or all one');
  }
  const at = (offset: number) => int16LittleEndian(block, offset);
  return {
    t: [t1, at(2), at(4)],
    p: [p1, at(8), at(10), at(12), at(14), at(16), at(18), at(20), at(22)],
  };
}

/** A 20-bit result in three registers, left aligned. */
export function twentyBits(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] ?? 0) << 12) | ((bytes[offset + 1] ?? 0) << 4) | ((bytes[offset + 2] ?? 0) >> 4)
  );
}

/**
 * Refuses result registers that hold no measurement of ours.
 * @throws HardwareError `CHIP_RESET` when `ctrl_meas` is not what was written before; `NOT_READY`
 * while the conversion runs
 */
export function checkConversion(status: number, ctrlMeas: number): void {
  if ((ctrlMeas & 0xfc) !== CTRL_MEAS_SLEEP) throw chipReset();
  if ((status & STATUS_MEASURING) !== 0) throw notReady();
}

export function chipReset(): HardwareError {
  return new HardwareError('CHIP_RESET', 'the chip has lost its settings');
}

export function notReady(): HardwareError {
  return new HardwareError('NOT_READY', 'the conversion takes longer than the data sheet allows');
}

/** "Fine" temperature, the carrier of the other compensations; 5120 units are 1 °C. */
export function fineTemperature(raw: number, [t1, t2, t3]: BoschTrimming['t']): number {
  const coarse = (raw / 16_384 - t1 / 1024) * t2;
  const square = (raw / 131_072 - t1 / 8192) ** 2 * t3;
  return coarse + square;
}

/** Pascal; NaN where the formula would divide by zero. */
export function pressurePascal(raw: number, fine: number, p: BoschTrimming['p']): number {
  const [p1, p2, p3, p4, p5, p6, p7, p8, p9] = p;
  const x = fine / 2 - 64_000;
  const offset = ((x * x * p6) / 32_768 + x * p5 * 2) / 4 + p4 * 65_536;
  const slope = (1 + ((p3 * x * x) / 524_288 + p2 * x) / 524_288 / 32_768) * p1;
  if (slope === 0) return Number.NaN;
  const first = ((1_048_576 - raw - offset / 4096) * 6250) / slope;
  return first + ((p9 * first * first) / 2_147_483_648 + (first * p8) / 32_768 + p7) / 16;
}
