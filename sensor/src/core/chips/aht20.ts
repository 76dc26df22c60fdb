/**
 * ASAIR AHT20: from the answer to temperature and humidity.
 * Source: AHT20 product manual (ASAIR, 2020), "Sensor reading process" (5.4) and "Signal conversion"
 * (6); checked against the data sheet of the DHT20, which has the same chip in it (Aosong, version
 * 1.0, May 2021, sections 7.3, 7.4, 8). Neither has a worked example; the test has a real answer.
 */
import { HardwareError } from '../hardware-error.ts';
import type { Measurement } from '../measurement.ts';
import type { QuantityRanges } from '../quality.ts';
import { notReady } from './bosch.ts';
import { badCrc, crc8 } from './sensirion.ts';

/** Measuring ranges. */
export const AHT20_RANGES: QuantityRanges = {
  temperature_celsius: { min: -40, max: 85, decimals: 2 },
  humidity_percent: { min: 0, max: 100, decimals: 2 },
};

/** After power-on, which a plugged chip may just have had (5.4, step 1: 40 ms). */
export const AHT20_POWER_ON_MS = 40;
/** Initialises the calibration, when the status does not show it (5.4, step 1). */
export const AHT20_INITIALISE = [0xbe, 0x08, 0x00] as const;
export const AHT20_INITIALISE_MS = 10;
/** Triggers a measurement, ready after 80 ms (5.4, steps 2 and 3). */
export const AHT20_MEASURE = [0xac, 0x33, 0x00] as const;
export const AHT20_MEASURE_MS = 80;

const BUSY = 0x80;
/** Bit 3 of the status is set when the chip is calibrated (5.3; DHT20: table 9). */
const CALIBRATED = 0x08;

export function isCalibrated(status: number | undefined): boolean {
  return ((status ?? 0) & CALIBRATED) !== 0;
}

/**
 * Status, 20 bits of humidity, 20 bits of temperature, check sum with start value 0xFF (5.4).
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
