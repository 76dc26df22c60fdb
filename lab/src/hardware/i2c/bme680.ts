/**
 * A BME680 as seen from the bus: identity, trimming, forced mode. The compensation is the data sheet's
 * in whole numbers (BST-BME680-DS001, revision 1.9, section 3.3); the sensor service computes in
 * floating point, and that the two agree checks both.
 */
import { rawFor } from './bme280-formulas.ts';
import { RegisterChip, withValues } from './chip.ts';
import type { ChipValues } from './chip.ts';

/** Plausible trimming. */
export const TRIMMING_680 = {
  t: [26_203, 26_519, 3],
  p: [35_008, -10_284, 88, 9692, -202, 30, 24, -516, -3469, 30],
  h: [794, 1007, 0, 45, 20, 120, -100],
} as const;

const shift = (value: number, bits: number) => Math.floor(value / 2 ** bits);

export function fine680(raw: number): number {
  const [t1, t2, t3] = TRIMMING_680.t;
  const x = shift(raw, 3) - t1 * 2;
  const half = shift(x, 1);
  return shift(x * t2, 11) + shift(shift(half * half, 12) * t3 * 16, 14);
}

export function celsius680(raw: number): number {
  return shift(fine680(raw) * 5 + 128, 8) / 100;
}

export function pascal680(raw: number, fine: number): number {
  const [p1, p2, p3, p4, p5, p6, p7, p8, p9, p10] = TRIMMING_680.p;
  const x = shift(fine, 1) - 64_000;
  const square = shift(x, 2) ** 2;
  const bent = shift(shift(square, 11) * p6, 2) + x * p5 * 2;
  const offset = shift(bent, 2) + p4 * 65_536;
  const sum = shift(shift(square, 13) * p3 * 32, 3) + shift(p2 * x, 1);
  const slope = shift((32_768 + shift(sum, 18)) * p1, 15);
  const first = Math.floor(((1_048_576 - raw - shift(offset, 12)) * 3125 * 2) / slope);
  const one = shift(p9 * shift(shift(first, 3) ** 2, 13), 12);
  const two = shift(shift(first, 2) * p8, 13);
  const three = shift(shift(first, 8) ** 3 * p10, 17);
  return first + shift(one + two + three + p7 * 128, 4);
}

export function percent680(raw: number, fine: number): number {
  const [h1, h2, h3, h4, h5, h6, h7] = TRIMMING_680.h;
  const t = shift(fine * 5 + 128, 8);
  const x = raw - h1 * 16 - shift(Math.trunc((t * h3) / 100), 1);
  const bend =
    Math.trunc((t * h4) / 100) +
    Math.trunc(shift(t * Math.trunc((t * h5) / 100), 6) / 100) +
    16_384;
  const linear = x * shift(h2 * bend, 10);
  const gain = shift(h6 * 128 + Math.trunc((t * h7) / 100), 4);
  const square = shift(gain * shift(shift(linear, 14) ** 2, 10), 1);
  return Math.min(100, Math.max(0, shift(shift(linear + square, 10) * 1000, 12) / 1000));
}

const VALUES = { temperature_celsius: 21.5, humidity_percent: 45, pressure_hpa: 1013.25 };

export class Bme680 extends RegisterChip {
  readonly #nowMs: () => number;
  #values = VALUES;
  #doneAtMs: number | undefined;

  constructor(nowMs: () => number) {
    super();
    this.#nowMs = nowMs;
    this.registers[0xd0] = 0x61;
    this.#storeTrimming();
    this.#powerOn();
  }

  set(values: ChipValues): void {
    this.#values = withValues(this.#values, values);
  }

  protected writeRegister(register: number, value: number): void {
    if (register === 0xe0 && value === 0xb6) this.#powerOn();
    if (register < 0x70 || register > 0x75) return;
    this.registers[register] = value;
    if (register !== 0x74 || (value & 3) !== 1) return;
    this.registers[0x1d] = 0x20;
    this.#doneAtMs = this.#nowMs() + 10;
  }

  protected beforeRead(): void {
    if (this.#doneAtMs === undefined || this.#nowMs() < this.#doneAtMs) return;
    this.#doneAtMs = undefined;
    this.registers[0x74] = (this.registers[0x74] ?? 0) & ~3;
    this.#convert();
  }

  #powerOn(): void {
    this.registers.fill(0, 0x70, 0x76);
    this.registers.set([0, 0, 0x80, 0, 0, 0x80, 0, 0, 0x80, 0], 0x1d);
    this.#doneAtMs = undefined;
  }

  #convert(): void {
    const { temperature_celsius, humidity_percent, pressure_hpa } = this.#values;
    const t = rawFor(temperature_celsius, 0xfffff, celsius680);
    const fine = fine680(t);
    const p = rawFor(pressure_hpa * 100, 0xfffff, (raw) => pascal680(raw, fine));
    const h = rawFor(humidity_percent, 0xffff, (raw) => percent680(raw, fine));
    const twenty = (raw: number) => [raw >> 12, (raw >> 4) & 0xff, (raw & 15) << 4];
    const data = [0x80, 0, ...twenty(p), ...twenty(t), h >> 8, h & 0xff];
    this.registers.set(data, 0x1d);
  }

  #storeTrimming(): void {
    const view = new DataView(this.registers.buffer);
    const { t, p, h } = TRIMMING_680;
    view.setUint16(0xe9, t[0], true);
    view.setInt16(0x8a, t[1], true);
    view.setInt8(0x8c, t[2]);
    for (const [index, at] of [0x8e, 0x90, 0, 0x94, 0x96, 0, 0, 0x9c, 0x9e].entries()) {
      if (at !== 0) view.setInt16(at, p[index] ?? 0, true);
    }
    view.setInt8(0x92, p[2]);
    view.setInt8(0x99, p[5]);
    view.setInt8(0x98, p[6]);
    view.setUint8(0xa0, p[9]);
    const [h1, h2, h3, h4, h5, h6, h7] = h;
    this.registers.set([h2 >> 4, ((h2 & 15) << 4) | (h1 & 15), h1 >> 4], 0xe1);
    this.registers.set([h3, h4, h5, h6, h7], 0xe4);
  }
}
