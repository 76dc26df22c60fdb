/**
 * What becomes of a measured number: written at the chip's resolution when it is possible at all,
 * left out and the reading marked when it is not (contract, section 2: no invented numbers).
 */
import type { Quality } from '@holdfast/redis';

export interface QuantityRange {
  /** Smallest and largest value the chip can measure; for chips the datasheet's operating range. */
  readonly min: number;
  readonly max: number;
  /** Decimal places worth storing: the resolution of the chip. */
  readonly decimals: number;
}

export type QuantityRanges = Readonly<Record<string, QuantityRange>>;

export interface Judged {
  /** Values as they are stored. */
  readonly quantities: Readonly<Record<string, string>>;
  readonly quality: Quality | undefined;
  /** Names of the quantities that were left out. */
  readonly outOfRange: readonly string[];
}

/** Keeps what is finite and within its range; a quantity without a range is left out too. */
export function judge(measured: Readonly<Record<string, number>>, ranges: QuantityRanges): Judged {
  const quantities: Record<string, string> = {};
  const outOfRange: string[] = [];
  for (const [name, value] of Object.entries(measured)) {
    const range = Object.hasOwn(ranges, name) ? ranges[name] : undefined;
    if (range !== undefined && value >= range.min && value <= range.max) {
      quantities[name] = plainNumber(value, range.decimals);
    } else {
      outOfRange.push(name);
    }
  }
  return { quantities, quality: outOfRange.length > 0 ? 'out_of_range' : undefined, outOfRange };
}

/** `21.50` as `21.5`, `-0.001` as `0`; never an exponent. */
function plainNumber(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return short === '-0' ? '0' : short;
}
