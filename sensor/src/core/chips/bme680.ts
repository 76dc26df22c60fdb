/**
 * Bosch BME680 and BME688: temperature, pressure and humidity. The gas resistance is left out: it
 * means something only after days of running-in and with Bosch's closed library.
 * Sources: data sheet BST-BME680-DS001, revision 1.0 (July 2017), for the registers (sections 5.2 and
 * 5.3). It leaves compensation, trimming and times to Bosch's own interface: these are of BME68x
 * SensorAPI, bme68x.c (`get_calib_data`, `calc_temperature`, `calc_pressure`, `calc_humidity` with
 * floating point, `bme68x_get_meas_dur`), checked against Linux, drivers/iio/chemical/bme680_core.c.
 */
import { HardwareError } from '../hardware-error.ts';
import type { QuantityRanges } from '../quality.ts';
import { CTRL_MEAS_SLEEP, chipReset, notReady, twentyBits } from './bosch.ts';
import { int16LittleEndian, int8, uint16, uint16LittleEndian } from './bytes.ts';

/** Operating ranges (section 1). */
export const BME680_RANGES: QuantityRanges = {
  temperature_celsius: { min: -40, max: 85, decimals: 2 },
  pressure_hpa: { min: 300, max: 1100, decimals: 2 },
  humidity_percent: { min: 0, max: 100, decimals: 2 },
};

/** The id register of both chips (section 5.3.1). */
export const BME680_ID = 0x61;

/** Register addresses on I2C (section 5.2, page 25). */
export const BME680_REGISTER = {
  id: 0xd0,
  reset: 0xe0,
  ctrlGas1: 0x71,
  ctrlHum: 0x72,
  ctrlMeas: 0x74,
  config: 0x75,
  /** ctrl_gas_1, ctrl_hum, (spi page), ctrl_meas: the settings. */
  settings: { first: 0x71, length: 4 },
  /** meas_status_0, a gap, pressure, temperature, humidity. */
  result: { first: 0x1d, length: 10 },
  /** Trimming parameters in two blocks. */
  trimming1: { first: 0x8a, length: 23 },
  trimming2: { first: 0xe1, length: 14 },
} as const;

/** Time after a soft reset (`BME68X_PERIOD_RESET`). */
export const BME680_STARTUP_MS = 10;
/**
 * Longest conversion, each sampled once, no gas: 3 * 1.963 ms + 4 * 0.477 ms switching + 5 * 0.477 ms
 * + 1 ms wake-up (`bme68x_get_meas_dur`); the data sheet gives no formula.
 */
export const BME680_CONVERSION_MS = 12;

type P = number;

export interface Bme680Trimming {
  readonly t: readonly [number, number, number];
  readonly p: readonly [P, P, P, P, P, P, P, P, P, P];
  readonly h: readonly [number, number, number, number, number, number, number];
}

/** @throws HardwareError `BAD_CALIBRATION` for the contents of a missing or unpowered chip */
export function parseBme680Trimming(one: Uint8Array, two: Uint8Array): Bme680Trimming {
  const t1 = uint16LittleEndian(two, 0xe9 - 0xe1);
  const at = (register: number) => register - 0x8a;
  const p1 = uint16LittleEndian(one, at(0x8e));
  if ([t1, p1].some((word) => word === 0 || word === 0xffff)) {
    throw new HardwareError('BAD_CALIBRATION', 'trimming parameters are all zero or all one');
  }
  const word = (register: number) => int16LittleEndian(one, at(register));
  const byte = (register: number) => int8(one[at(register)]);
  const [h2Msb = 0, shared = 0, h1Msb = 0, h3, h4, h5, h6 = 0, h7] = two;
  return {
    t: [t1, word(0x8a), byte(0x8c)],
    p: [
      ...([p1, word(0x90), byte(0x92), word(0x94), word(0x96)] as const),
      ...([byte(0x99), byte(0x98), word(0x9c), word(0x9e), one[at(0xa0)] ?? 0] as const),
    ],
    h: [
      (h1Msb << 4) | (shared & 0x0f),
      (h2Msb << 4) | (shared >> 4),
      ...([int8(h3), int8(h4), int8(h5), h6, int8(h7)] as const),
    ],
  };
}

export interface Bme680Raw {
  readonly temperature: number;
  readonly pressure: number;
  readonly humidity: number;
}

/**
 * Raw values from the result block, checked against the settings read after it.
 * @throws HardwareError `CHIP_RESET`, `NOT_READY`
 */
export function parseBme680(result: Uint8Array, settings: Uint8Array): Bme680Raw {
  const [gas = 0, hum = 0, , meas = 0] = settings;
  // run_gas: bit 4 of a BME680, bit 5 of a BME688.
  if ((gas & 0x30) !== 0 || (hum & 0x07) !== 1) throw chipReset();
  if ((meas & 0xfc) !== CTRL_MEAS_SLEEP) throw chipReset();
  // new_data_0 is set and measuring cleared when the conversion is complete (section 5.3.5, page 33).
  const status = result[0] ?? 0;
  if ((status & 0xa0) !== 0x80) throw notReady();
  return {
    pressure: twentyBits(result, 2),
    temperature: twentyBits(result, 5),
    humidity: uint16(result, 8),
  };
}

/** 5120 units are 1 °C (`calc_temperature`). */
function fine680(raw: number, [t1, t2, t3]: Bme680Trimming['t']): number {
  return (raw / 16_384 - t1 / 1024) * t2 + (raw / 131_072 - t1 / 8192) ** 2 * t3 * 16;
}

/** `calc_pressure`; NaN where it would divide by zero. */
function pascal680(raw: number, fine: number, p: Bme680Trimming['p']): number {
  const [p1, p2, p3, p4, p5, p6, p7, p8, p9, p10] = p;
  const x = fine / 2 - 64_000;
  const offset = ((x * x * p6) / 131_072 + x * p5 * 2) / 4 + p4 * 65_536;
  const slope = (1 + ((p3 * x * x) / 16_384 + p2 * x) / 524_288 / 32_768) * p1;
  if (slope === 0) return Number.NaN;
  const first = ((1_048_576 - raw - offset / 4096) * 6250) / slope;
  const square = (p9 * first * first) / 2_147_483_648;
  const cube = ((first / 256) ** 3 * p10) / 131_072;
  return first + (square + (first * p8) / 32_768 + cube + p7 * 128) / 16;
}

/** `calc_humidity`; held within 0 to 100 as there. */
function percent680(raw: number, celsius: number, h: Bme680Trimming['h']): number {
  const [h1, h2, h3, h4, h5, h6, h7] = h;
  const level = raw - (h1 * 16 + (h3 / 2) * celsius);
  const bend = 1 + (h4 / 16_384) * celsius + (h5 / 1_048_576) * celsius * celsius;
  const linear = level * (h2 / 262_144) * bend;
  const square = (h6 / 16_384 + (h7 / 2_097_152) * celsius) * linear * linear;
  return Math.min(100, Math.max(0, linear + square));
}

export function compensateBme680(raw: Bme680Raw, trimming: Bme680Trimming) {
  const fine = fine680(raw.temperature, trimming.t);
  return {
    temperatureCelsius: fine / 5120,
    pressurePascal: pascal680(raw.pressure, fine, trimming.p),
    humidityPercent: percent680(raw.humidity, fine / 5120, trimming.h),
  };
}
