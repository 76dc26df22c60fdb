/**
 * ASAIR AHT20: from the answer to temperature and humidity.
 * Source: AHT20 product manual, version 1.1 (2020), sections 5.3, 5.4 and 6; it has no worked example.
 */
import { HardwareError } from '../hardware-error.ts';
import type { Measurement } from '../measurement.ts';
import type { QuantityRanges } from '../quality.ts';
import { notReady } from './bosch.ts';
import { badCrc, crc8 } from './sensirion.ts';

/** Tables 1 and 2. */
export const AHT20_RANGES: QuantityRanges = {
  temperature_celsius: { min: -40, max: 85, decimals: 2 },
  humidity_percent: { min: 0, max: 100, decimals: 2 },
};

/** After power-on, which a plugged chip may just have had (section 5.4, step 1: 40 ms). */
export const AHT20_POWER_ON_MS = 40;
/** Initialises the calibration, when the status does not show it (section 5.4, step 1). */
export const AHT20_INITIALISE = [0xbe, 0x08, 0x00] as const;
export const AHT20_INITIALISE_MS = 10;
/** Triggers a measurement (section 5.4, step 2). */
export const AHT20_MEASURE = [0xac, 0x33, 0x00] as const;
export const AHT20_MEASURE_MS = 80;

const BUSY = 0x80;
/** Bit 3 of the status is set when the chip is calibrated (section 5.3, table 8). */
const CALIBRATED = 0x08;

export function isCalibrated(status: number | undefined): boolean {
  return ((status ?? 0) & CALIBRATED) !== 0;
}

/**
 * Status, 20 bits of humidity, 20 bits of temperature, check sum (section 5.4, step 3).
 * @throws HardwareError `BAD_CRC`, `NOT_READY`, `CHIP_RESET` when it has not measured at all
 */
export function parseAht20(answer: Uint8Array): Measurement {
  if (crc8(answer.subarray(0, 6)) !== answer[6]) throw badCrc();
  const [status = 0, a = 0, b = 0, c = 0, d = 0, e = 0] = answer;
  if ((status & BUSY) !== 0) throw notReady();
  const humidity = (a << 12) | (b << 4) | (c >> 4);
  const temperature = ((c & 0x0f) << 16) | (d << 8) | e;
  if (!isCalibrated(status) || (humidity === 0 && temperature === 0)) {
    throw new HardwareError('CHIP_RESET', 'the chip has not measured');
  }
  return {
    quantities: {
      temperature_celsius: (temperature / 2 ** 20) * 200 - 50,
      humidity_percent: (humidity / 2 ** 20) * 100,
    },
    raw: [temperature, humidity],
  };
}
