/**
 * Bosch BME280: from register contents to temperature, pressure and humidity.
 * Source: data sheet BST-BME280-DS002, revision 1.6; sections and pages are given at each rule.
 */
import { HardwareError } from './hardware-error.ts';
import type { QuantityRanges } from './quality.ts';

/** Operating ranges (section 1.1 to 1.3, pages 8 to 10); decimals: what the chip resolves. */
export const BME280_RANGES: QuantityRanges = {
  temperature_celsius: { min: -40, max: 85, decimals: 2 },
  pressure_hpa: { min: 300, max: 1100, decimals: 2 },
  humidity_percent: { min: 0, max: 100, decimals: 2 },
};

/** Register addresses (section 5.3, table 18, page 26). */
export const REGISTER = {
  id: 0xd0,
  reset: 0xe0,
  ctrlHum: 0xf2,
  status: 0xf3,
  ctrlMeas: 0xf4,
  config: 0xf5,
  /** Trimming parameters in two blocks: 0x88 to 0xA1 and 0xE1 to 0xE7. */
  trimming1: { first: 0x88, length: 26 },
  trimming2: { first: 0xe1, length: 7 },
  /** ctrl_hum to hum_lsb in one burst: settings, status and data of the same conversion. */
  result: { first: 0xf2, length: 13 },
} as const;

/** Content of the id register of a BME280 (section 5.4.1, page 27). */
export const CHIP_ID = 0x60;
/** Written to the reset register: complete power-on reset (section 5.4.2, page 27). */
export const RESET_WORD = 0xb6;
/** Start-up time after a reset (section 1, table 1, page 7). */
export const STARTUP_MS = 2;

/** Each quantity sampled once, the chip's "weather monitoring" setting (section 3.5.1, page 19). */
export const CTRL_HUM_ONCE = 0x01;
export const CTRL_MEAS_SLEEP = 0x24;
/** The same with mode = forced: one conversion, then asleep again (section 3.3.3, page 16). */
export const CTRL_MEAS_FORCED = 0x25;
/** Filter off (section 5.4.6, page 30). */
export const CONFIG_PLAIN = 0x00;

const STATUS_MEASURING = 0x08;
/** Bit 0 of the status register: trimming data is being copied (section 5.4.4, page 28). */
export const STATUS_IM_UPDATE = 0x01;

/** Longest conversion with these settings: 1.25 + 2.3 + (2.3 + 0.575) * 2 ms (section 9.1, page 51). */
export const CONVERSION_MS = 9.3;

export interface Trimming {
  readonly t: readonly [number, number, number];
  readonly p: readonly [number, number, number, number, number, number, number, number, number];
  readonly h: readonly [number, number, number, number, number, number];
}

export interface RawValues {
  /** 20 bits each. */
  readonly temperature: number;
  readonly pressure: number;
  /** 16 bits. */
  readonly humidity: number;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Trimming parameters from the two register blocks (section 4.2.2, table 16, page 24).
 * @throws HardwareError `BAD_CALIBRATION` for the contents of a missing or unpowered chip
 */
export function parseTrimming(block1: Uint8Array, block2: Uint8Array): Trimming {
  const [one, two] = [view(block1), view(block2)];
  const signed = (offset: number) => one.getInt16(offset, true);
  const t = [one.getUint16(0, true), signed(2), signed(4)] as const;
  const p1 = one.getUint16(6, true);
  if ([t[0], p1].some((word) => word === 0 || word === 0xffff)) {
    throw new HardwareError('BAD_CALIBRATION', 'trimming parameters are all zero or all one');
  }
  const nibbles = two.getUint8(4);
  return {
    t,
    p: [
      p1,
      signed(8),
      signed(10),
      signed(12),
      signed(14),
      signed(16),
      signed(18),
      signed(20),
      signed(22),
    ],
    h: [
      one.getUint8(25),
      two.getInt16(0, true),
      two.getUint8(2),
      // H4 and H5 are 12-bit signed numbers that share register 0xE5.
      two.getInt8(3) * 16 + (nibbles & 0x0f),
      two.getInt8(5) * 16 + (nibbles >> 4),
      two.getInt8(6),
    ],
  };
}

/**
 * Raw values from the burst at 0xF2 (section 5.4.7 to 5.4.9, page 31).
 * @throws HardwareError `NOT_READY` while the conversion runs; `CHIP_RESET` when the settings are
 * not those written before: what stands in the data registers then is no measurement
 */
export function parseResult(burst: Uint8Array): RawValues {
  const at = (register: number) => burst[register - REGISTER.result.first] ?? 0;
  const settings = at(REGISTER.ctrlMeas);
  if ((at(REGISTER.ctrlHum) & 0x07) !== CTRL_HUM_ONCE || (settings & 0xfc) !== CTRL_MEAS_SLEEP) {
    throw new HardwareError('CHIP_RESET', 'the chip has lost its settings');
  }
  if ((at(REGISTER.status) & STATUS_MEASURING) !== 0 || settings !== CTRL_MEAS_SLEEP) {
    throw new HardwareError('NOT_READY', 'the conversion takes longer than the data sheet allows');
  }
  const twentyBits = (first: number) =>
    (at(first) << 12) | (at(first + 1) << 4) | (at(first + 2) >> 4);
  return {
    pressure: twentyBits(0xf7),
    temperature: twentyBits(0xfa),
    humidity: (at(0xfd) << 8) | at(0xfe),
  };
}

/** "Fine" temperature, the carrier of the other two compensations; 5120 units are 1 °C. */
function fineTemperature(raw: number, [t1, t2, t3]: Trimming['t']): number {
  const coarse = (raw / 16_384 - t1 / 1024) * t2;
  const square = (raw / 131_072 - t1 / 8192) ** 2 * t3;
  return coarse + square;
}

/** Pascal; NaN where the formula would divide by zero. */
function pressurePascal(raw: number, fine: number, p: Trimming['p']): number {
  const [p1, p2, p3, p4, p5, p6, p7, p8, p9] = p;
  const x = fine / 2 - 64_000;
  const offset = ((x * x * p6) / 32_768 + x * p5 * 2) / 4 + p4 * 65_536;
  const slope = (1 + ((p3 * x * x) / 524_288 + p2 * x) / 524_288 / 32_768) * p1;
  if (slope === 0) return Number.NaN;
  const first = ((1_048_576 - raw - offset / 4096) * 6250) / slope;
  return first + ((p9 * first * first) / 2_147_483_648 + (first * p8) / 32_768 + p7) / 16;
}

/** Percent, held within 0 to 100 as the data sheet's code does: a chip in mist may say 100.3. */
function humidityPercent(raw: number, fine: number, h: Trimming['h']): number {
  const [h1, h2, h3, h4, h5, h6] = h;
  const x = fine - 76_800;
  const level = raw - (h4 * 64 + (h5 / 16_384) * x);
  const gain = (h2 / 65_536) * (1 + (h6 / 67_108_864) * x * (1 + (h3 / 67_108_864) * x));
  const linear = level * gain;
  return Math.min(100, Math.max(0, linear * (1 - (h1 * linear) / 524_288)));
}

/**
 * The compensation in double precision (section 8.1, page 49). The fine temperature is carried on
 * with its fraction, as the data sheet's worked example does and its C code does not.
 */
export function compensate(
  raw: RawValues,
  trimming: Trimming,
): {
  readonly temperatureCelsius: number;
  readonly pressurePascal: number;
  readonly humidityPercent: number;
} {
  const fine = fineTemperature(raw.temperature, trimming.t);
  return {
    temperatureCelsius: fine / 5120,
    pressurePascal: pressurePascal(raw.pressure, fine, trimming.p),
    humidityPercent: humidityPercent(raw.humidity, fine, trimming.h),
  };
}
