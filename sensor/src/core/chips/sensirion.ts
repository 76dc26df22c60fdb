/**
 * What Sensirion's chips have in common: words of two bytes, each followed by a check sum. AHT20
 * uses the same check sum over its whole answer.
 */
import { HardwareError } from '../hardware-error.ts';
import { uint16 } from './bytes.ts';

/**
 * CRC-8 with polynomial 0x31 and start value 0xFF (SHT3x-DIS data sheet, version 5, section 4.12,
 * table 20; SCD4x data sheet, version 1.3, section 3.11; the SHT4x's is the same).
 */
export function crc8(bytes: Iterable<number>): number {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 0x80) === 0 ? (crc << 1) & 0xff : ((crc << 1) ^ 0x31) & 0xff;
    }
  }
  return crc;
}

/** The words of an answer; undefined in the place of one whose check sum is wrong. */
export function wordsOf(answer: Uint8Array): readonly (number | undefined)[] {
  return Array.from({ length: Math.floor(answer.length / 3) }, (_, i) => {
    const group = answer.subarray(3 * i, 3 * i + 3);
    return crc8(group.subarray(0, 2)) === group[2] ? uint16(group) : undefined;
  });
}

/**
 * The words of an answer of which every one is needed.
 * @throws HardwareError `BAD_CRC`
 */
export function allWords(answer: Uint8Array): readonly number[] {
  const words = wordsOf(answer);
  const good = words.filter((word) => word !== undefined);
  if (good.length !== words.length) throw badCrc();
  return good;
}

export function badCrc(): HardwareError {
  return new HardwareError('BAD_CRC', 'the check sum of the answer is wrong');
}

/** A bus without a device reads as all ones, one held low as all zeros; neither is a serial number. */
export function isSerial(words: readonly (number | undefined)[]): boolean {
  return (
    words.length > 0 &&
    words.every((word) => word !== undefined) &&
    words.some((word) => word !== 0 && word !== 0xffff)
  );
}

/** -45 + 175 * S_T / (2^16 - 1) (SHT3x section 4.13; SHT4x "Quick start"; SCD4x section 3.5.2). */
export function sensirionCelsius(raw: number): number {
  return -45 + (175 * raw) / 65_535;
}
