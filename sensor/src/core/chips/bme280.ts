/**
 * Bosch BME280: from register contents to temperature, pressure and humidity.
 * Source: data sheet BST-BME280-DS002, revision 1.6; sections and pages are given at each rule.
 */
import type { QuantityRanges } from '../quality.ts';
import {
  BOSCH_REGISTER,
  checkConversion,
  chipReset,
  fineTemperature,
  parseBoschTrimming,
  pressurePascal,
  twentyBits,
} from './bosch.ts';
import type { BoschTrimming } from './bosch.ts';
import { int16LittleEndian, int8, uint16 } from './bytes.ts';

/** Operating ranges (sections 1.1 to 1.3; humidity: table 2, page 9); decimals: what it resolves. */
export const BME280_RANGES: QuantityRanges = {
  temperature_celsius: { min: -40, max: 85, decimals: 2 },
  pressure_hpa: { min: 300, max: 1100, decimals: 2 },
  humidity_percent: { min: 0, max: 100, decimals: 2 },
};

/** Register addresses (section 5.3, table 18, page 27). */
export const REGISTER = {
  ...BOSCH_REGISTER,
  ctrlHum: 0xf2,
  /** Trimming parameters in two blocks: 0x88 to 0xA1 and 0xE1 to 0xE7. */
  trimming1: { first: 0x88, length: 26 },
  trimming2: { first: 0xe1, length: 7 },
  /** ctrl_hum to hum_lsb in one burst: settings, status and data of the same conversion. */
  result: { first: 0xf2, length: 13 },
} as const;

/** Content of the id register of a BME280 (section 5.4.1, page 27). */
export const CHIP_ID = 0x60;

/** Humidity sampled once, the setting the data sheet recommends for weather monitoring (section 3.5). */
export const CTRL_HUM_ONCE = 0x01;

/** Longest conversion with these settings: 1.25 + 2.3 + (2.3 + 0.575) * 2 ms (section 9.1, page 51). */
export const CONVERSION_MS = 9.3;

export interface Trimming extends BoschTrimming {
  readonly h: readonly [number, number, number, number, number, number];
}

export interface RawValues {
  /** 20 bits each. */
  readonly temperature: number;
  readonly pressure: number;
  /** 16 bits. */
  readonly humidity: number;
}

/**
 * Trimming parameters from the two register blocks (section 4.2.2, table 16, page 24).
 * @throws HardwareError `BAD_CALIBRATION` for the contents of a missing or unpowered chip
 */
export function parseTrimming(block1: Uint8Array, block2: Uint8Array): Trimming {
  const nibbles = block2[4] ?? 0;
  return {
    ...parseBoschTrimming(block1),
    h: [
      block1[25] ?? 0,
      int16LittleEndian(block2, 0),
      block2[2] ?? 0,
      // H4 and H5 are 12-bit signed numbers that share register 0xE5.
      int8(block2[3]) * 16 + (nibbles & 0x0f),
      int8(block2[5]) * 16 + (nibbles >> 4),
      int8(block2[6]),
    ],
  };
}

/**
 * Raw values from the burst at 0xF2 (section 5.3, table 18, page 27).
 * @throws HardwareError `NOT_READY` while the conversion runs; `CHIP_RESET` when the settings are
 * not those written before: what stands in the data registers then is no measurement
 */
export function parseResult(burst: Uint8Array): RawValues {
  const [ctrlHum = 0, status = 0, ctrlMeas = 0] = burst;
  if ((ctrlHum & 0x07) !== CTRL_HUM_ONCE) throw chipReset();
  checkConversion(status, ctrlMeas);
  return {
    pressure: twentyBits(burst, 5),
    temperature: twentyBits(burst, 8),
    humidity: uint16(burst, 11),
  };
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
