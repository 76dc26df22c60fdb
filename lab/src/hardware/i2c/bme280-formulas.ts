/**
 * The BME280's compensation in whole numbers, as its data sheet gives it for small processors
 * (BST-BME280-DS002, revision 1.6, section 4.2.3, page 25). The sensor service computes in floating
 * point; that the two agree checks both.
 */

/** Trimming of the worked example in Bosch's BMP280 data sheet; humidity: plausible values. */
export const TRIMMING = {
  t: [27_504, 26_435, -1000],
  p: [36_477, -10_685, 3024, 2855, 140, -7, 15_500, -14_600, 6000],
  h: [75, 370, 0, 313, 50, 30],
} as const;

const [P1, P2, P3, P4, P5, P6, P7, P8, P9] = TRIMMING.p;
const BIG_P = [
  BigInt(P1),
  BigInt(P2),
  BigInt(P3),
  BigInt(P4),
  BigInt(P5),
  BigInt(P6),
  BigInt(P7),
  BigInt(P8),
  BigInt(P9),
] as const;

/** The carrier of temperature; 5120 units are 1 °C. */
export function fineTemperature(raw: number): number {
  const [t1, t2, t3] = TRIMMING.t;
  const coarse = (((raw >> 3) - (t1 << 1)) * t2) >> 11;
  const difference = (raw >> 4) - t1;
  return coarse + ((((difference * difference) >> 12) * t3) >> 14);
}

export function celsius(raw: number): number {
  return ((fineTemperature(raw) * 5 + 128) >> 8) / 100;
}

export function pascal(raw: number, fine: number): number {
  const [p1, p2, p3, p4, p5, p6, p7, p8, p9] = BIG_P;
  const x = BigInt(fine) - 128_000n;
  const offset = x * x * p6 + ((x * p5) << 17n) + (p4 << 35n);
  const slope = (((1n << 47n) + ((x * x * p3) >> 8n) + ((x * p2) << 12n)) * p1) >> 33n;
  if (slope === 0n) return 0;
  const first = (((1_048_576n - BigInt(raw)) << 31n) - offset) * 3125n;
  const p = first / slope;
  const square = (p9 * (p >> 13n) * (p >> 13n)) >> 25n;
  const sum = ((p + square + ((p8 * p) >> 19n)) >> 8n) + (p7 << 4n);
  return Number(sum) / 256;
}

export function percent(raw: number, fine: number): number {
  const [h1, h2, h3, h4, h5, h6] = TRIMMING.h;
  const x = fine - 76_800;
  const level = ((raw << 14) - (h4 << 20) - h5 * x + 16_384) >> 15;
  const curve = (((x * h6) >> 10) * (((x * h3) >> 11) + 32_768)) >> 10;
  const linear = level * (((curve + 2_097_152) * h2 + 8192) >> 14);
  const bent = linear - (((((linear >> 15) * (linear >> 15)) >> 7) * h1) >> 4);
  return (Math.min(419_430_400, Math.max(0, bent)) >> 12) / 1024;
}

/** The raw value from 0 to `max` whose result is nearest to `wanted`; `formula` is monotonic. */
export function rawFor(wanted: number, max: number, formula: (raw: number) => number): number {
  const rising = formula(max) > formula(0);
  let [low, high] = [0, max];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (formula(middle) < wanted === rising) low = middle + 1;
    else high = middle;
  }
  const before = Math.max(0, low - 1);
  return Math.abs(formula(before) - wanted) < Math.abs(formula(low) - wanted) ? before : low;
}
