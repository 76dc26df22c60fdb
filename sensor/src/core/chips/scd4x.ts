/**
 * Sensirion SCD40 and SCD41: from the answer to CO2, temperature and humidity.
 * Source: SCD4x data sheet, version 1.3 (September 2022); sections are given at each rule.
 */
import type { Measurement } from '../measurement.ts';
import type { QuantityRanges } from '../quality.ts';
import { badCrc, sensirionCelsius, wordsOf } from './sensirion.ts';

/**
 * Output range of CO2 and operating ranges (sections 1.1 to 1.3). From 1 ppm: 0 is what the chip
 * gives where it has not measured CO2 at all, and no air has none.
 */
export const SCD4X_RANGES: QuantityRanges = {
  co2_ppm: { min: 1, max: 40_000, decimals: 0 },
  temperature_celsius: { min: -10, max: 60, decimals: 2 },
  humidity_percent: { min: 0, max: 100, decimals: 2 },
};

/** Commands and how long each takes (section 3.4, table 9). */
export const SCD4X = {
  /** Answered in idle mode only. */
  serial: [0x36, 0x82],
  start: [0x21, 0xb1],
  /** Stops measuring; the chip answers again after `STOP_MS`. */
  stop: [0x3f, 0x86],
  /** Answered in every mode. */
  dataReady: [0xe4, 0xb8],
  read: [0xec, 0x05],
} as const;
export const COMMAND_MS = 1;
export const STOP_MS = 500;

/** Between two values in periodic measurement (section 3.5.1). */
export const PERIOD_MS = 5_000;
/** A period and some tolerance. */
export const LATE_MS = 5_500;
/** Three periods and some tolerance without a value: the chip does not measure (any more). */
export const SILENT_MS = 16_000;
/**
 * Response time of 60 s for 63 % of a step (section 1.1): after three of them 95 %, so long the values
 * after a start are marked.
 */
export const WARM_UP_MS = 180_000;

/** Section 3.8.2: the low 11 bits are zero while no value is ready. @throws HardwareError `BAD_CRC` */
export function isDataReady(answer: Uint8Array): boolean {
  const [word] = wordsOf(answer);
  if (word === undefined) throw badCrc();
  return (word & 0x07ff) !== 0;
}

/**
 * Section 3.5.2; a word whose check sum is wrong is left out and the rest marked.
 * @throws HardwareError `BAD_CRC` when all are wrong
 */
export function parseScd4x(answer: Uint8Array): Measurement {
  const words = wordsOf(answer);
  const [co2, temperature, humidity] = words;
  if (words.every((word) => word === undefined)) throw badCrc();
  const whole = co2 !== undefined && temperature !== undefined && humidity !== undefined;
  return {
    quantities: {
      ...(co2 === undefined ? {} : { co2_ppm: co2 }),
      ...(temperature === undefined ? {} : { temperature_celsius: sensirionCelsius(temperature) }),
      ...(humidity === undefined ? {} : { humidity_percent: (100 * humidity) / 65_535 }),
    },
    ...(whole ? { raw: [co2, temperature, humidity] } : { quality: 'bus_error' as const }),
  };
}
