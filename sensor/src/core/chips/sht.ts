/**
 * Sensirion SHT3x and SHT4x: from the answer to temperature and humidity.
 * Sources: SHT3x-DIS data sheet, version 5 (May 2018); SHT4x data sheet, version 6 (February 2023)
 * and later. Neither has a worked example of the conversion; the check sum has one (0xBEEF -> 0x92).
 * Checked against Sensirion's embedded-sht and Linux, drivers/hwmon/sht3x.c and sht4x.c.
 */
import type { Measurement } from '../measurement.ts';
import type { QuantityRanges } from '../quality.ts';
import { badCrc, sensirionCelsius, wordsOf } from './sensirion.ts';

/** Operating ranges (SHT3x tables 1 and 2; SHT4x, first page). */
export const SHT_RANGES: QuantityRanges = {
  temperature_celsius: { min: -40, max: 125, decimals: 2 },
  humidity_percent: { min: 0, max: 100, decimals: 2 },
};

/** Single shot, high repeatability, no clock stretching (SHT3x section 4.3, table 9). */
export const SHT3X_MEASURE = [0x24, 0x00] as const;
/** Longest high repeatability measurement, at low supply voltage too (section 2; Linux: 15 ms). */
export const SHT3X_WAIT_MS = 15.5;
/** Serial number, no clock stretching (embedded-sht, `SHT3X_CMD_READ_SERIAL_ID`). */
export const SHT3X_SERIAL = [0x37, 0x80] as const;

/** High precision (SHT4x "Command overview"). */
export const SHT4X_MEASURE = 0xfd;
/** Longest high precision measurement (SHT4x "Timings"). */
export const SHT4X_WAIT_MS = 8.3;
/** Serial number (SHT4x "Command overview"). */
export const SHT4X_SERIAL = 0x89;
/** Time for the chip to put a serial number together (embedded-sht, `SHT3X_CMD_DURATION_USEC`). */
export const SHT_SERIAL_WAIT_MS = 1;

/** 100 * S_RH / (2^16 - 1) (SHT3x section 4.13). */
export function sht3xPercent(raw: number): number {
  return (100 * raw) / 65_535;
}

/**
 * -6 + 125 * S_RH / (2^16 - 1), cropped to 0 to 100: values beyond are possible at the ends and mean
 * the end (SHT4x "Quick start").
 */
export function sht4xPercent(raw: number): number {
  return Math.min(100, Math.max(0, -6 + (125 * raw) / 65_535));
}

/**
 * Temperature and humidity; a word whose check sum is wrong is left out and the rest marked.
 * @throws HardwareError `BAD_CRC` when both are wrong
 */
export function parseSht(answer: Uint8Array, percent: (raw: number) => number): Measurement {
  const [temperature, humidity] = wordsOf(answer);
  if (temperature === undefined && humidity === undefined) throw badCrc();
  return {
    quantities: {
      ...(temperature === undefined ? {} : { temperature_celsius: sensirionCelsius(temperature) }),
      ...(humidity === undefined ? {} : { humidity_percent: percent(humidity) }),
    },
    ...(temperature === undefined || humidity === undefined
      ? { quality: 'bus_error' as const }
      : { raw: [temperature, humidity] }),
  };
}
