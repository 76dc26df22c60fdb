/**
 * Light: ROHM BH1750FVI (technical note 2009.04, revision B) and Vishay VEML7700 (data sheet
 * 84286, application note 84323, in their revisions since 2021: before, the resolution was given as
 * 0.0036 lx). Registers checked against the data sheet of the VEML6030, the same chip in another
 * package (84366, revision 1.2, page 7), and Linux, drivers/iio/light/veml6030.c.
 */
import type { QuantityRanges } from '../quality.ts';
import { chipReset } from './bosch.ts';
import { uint16, uint16LittleEndian } from './bytes.ts';

/** 16 bits at 1/1.2 lx (BH1750, page 2: 1 to 65535 counts). */
export const BH1750_RANGES: QuantityRanges = {
  illuminance_lux: { min: 0, max: 54_612, decimals: 1 },
};

export const BH1750_POWER_ON = 0x01;
/** One measurement at 1 lx resolution, then asleep (page 5). */
export const BH1750_ONCE = 0x20;
/** Longest H-resolution measurement (page 2). */
export const BH1750_WAIT_MS = 180;

/** Count / 1.2 (page 10); NaN when the counter is full. */
export function bh1750Lux(answer: Uint8Array): number {
  const raw = uint16(answer);
  return raw === 0xffff ? Number.NaN : raw / 1.2;
}

/** To about 140 klx at the lowest gain (VEML7700, "Features"). */
export const VEML7700_RANGES: QuantityRanges = {
  illuminance_lux: { min: 0, max: 140_000, decimals: 2 },
};

export const VEML7700_REGISTER = { config: 0x00, light: 0x04, id: 0x07 } as const;
/** Low byte: device code, high byte: code of the address 0x10; older chips have none. */
export const VEML7700_ID = 0xc481;
/** From power-on to the first integration: 2.5 ms in the data sheet, 4 ms in Linux. */
export const VEML7700_START_MS = 4;

/** Gain -> bits 12:11 of the configuration (table 1, ALS_GAIN). */
const GAIN_BITS = new Map([
  [0.125, 2],
  [0.25, 3],
  [1, 0],
  [2, 1],
]);
/** Integration time in milliseconds -> bits 9:6 (table 1, ALS_IT). */
const TIME_BITS = new Map([
  [25, 12],
  [50, 8],
  [100, 0],
  [200, 1],
  [400, 2],
  [800, 3],
]);

export const VEML7700_GAINS: readonly number[] = [...GAIN_BITS.keys()];
export const VEML7700_TIMES_MS: readonly number[] = [...TIME_BITS.keys()];

export function veml7700Config(gain: number, integrationMs: number): number {
  return ((GAIN_BITS.get(gain) ?? 0) << 11) | ((TIME_BITS.get(integrationMs) ?? 0) << 6);
}

/** 0.0042 lx a count at gain 2 and 800 ms, in proportion otherwise (application note). */
export function veml7700Resolution(gain: number, integrationMs: number): number {
  return 0.0042 * (2 / gain) * (800 / integrationMs);
}

/** The register's content, low byte first; the settings read after it must be those written. */
export function parseVeml7700(light: Uint8Array, config: Uint8Array, expected: number): number {
  if (uint16LittleEndian(config) !== expected) throw chipReset();
  return uint16LittleEndian(light);
}

/**
 * Lux; NaN when the counter is full. At the gains 1/4 and 1/8, meant for much light, the chip is not
 * linear and the application note's polynomial straightens it.
 */
export function veml7700Lux(raw: number, gain: number, integrationMs: number): number {
  if (raw === 0xffff) return Number.NaN;
  const x = raw * veml7700Resolution(gain, integrationMs);
  if (gain > 0.25) return x;
  return x * (1.0023 + x * (8.1488e-5 + x * (-9.3924e-9 + x * 6.0135e-13)));
}
