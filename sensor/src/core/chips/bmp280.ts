/**
 * Bosch BMP280: from register contents to temperature and pressure.
 * Source: data sheet BST-BMP280-DS001, revision 1.14.
 */
import type { QuantityRanges } from '../quality.ts';
import { checkConversion, fineTemperature, pressurePascal, twentyBits } from './bosch.ts';
import type { BoschTrimming } from './bosch.ts';

/** Operating range (section 1, table 2). */
export const BMP280_RANGES: QuantityRanges = {
  temperature_celsius: { min: -40, max: 85, decimals: 2 },
  pressure_hpa: { min: 300, max: 1100, decimals: 2 },
};

/** Content of the id register: 0x58; the first samples had 0x56 and 0x57 (section 4.3.1). */
export const BMP280_IDS: readonly number[] = [0x58, 0x56, 0x57];

/** Longest conversion, both sampled once (section 3.8.1, table 13: ultra low power). */
export const BMP280_CONVERSION_MS = 6.4;

/** status to temp_xlsb in one burst. */
export const BMP280_RESULT = { first: 0xf3, length: 10 } as const;

/** @throws HardwareError as `checkConversion` */
export function parseBmp280(burst: Uint8Array): {
  readonly pressure: number;
  readonly temperature: number;
} {
  checkConversion(burst[0] ?? 0, burst[1] ?? 0);
  return { pressure: twentyBits(burst, 4), temperature: twentyBits(burst, 7) };
}

export function compensateBmp280(
  raw: { readonly pressure: number; readonly temperature: number },
  trimming: BoschTrimming,
): { readonly temperatureCelsius: number; readonly pressurePascal: number } {
  const fine = fineTemperature(raw.temperature, trimming.t);
  return {
    temperatureCelsius: fine / 5120,
    pressurePascal: pressurePascal(raw.pressure, fine, trimming.p),
  };
}
