/** Light sensors as seen from the bus (sources as in the sensor's drivers). */
import { clampRound, withValues } from './chip.ts';
import type { Chip, ChipValues } from './chip.ts';
import { rawFor } from './bme280-formulas.ts';

const LIGHT = { illuminance_lux: 320 };

export class Bh1750 implements Chip {
  readonly #nowMs: () => number;
  #values = LIGHT;
  #on = false;
  #raw = 0;
  #doneAtMs: number | undefined;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  set(values: ChipValues): void {
    this.#values = withValues(this.#values, values);
  }

  write([command = 0]: Uint8Array): void {
    if (command === 0x01) this.#on = true;
    if (command === 0x00) this.#on = false;
    if (this.#on && [0x10, 0x20].includes(command)) this.#doneAtMs = this.#nowMs() + 120;
  }

  read(length: number): Uint8Array {
    if (this.#doneAtMs !== undefined && this.#nowMs() >= this.#doneAtMs) {
      this.#raw = clampRound(this.#values.illuminance_lux * 1.2, 0, 0xffff);
    }
    const bytes = [this.#raw >> 8, this.#raw & 0xff];
    return Uint8Array.from({ length }, (_, i) => bytes[i] ?? 0xff);
  }
}

const GAINS = [1, 2, 0.125, 0.25];
const TIMES_MS = new Map([
  [12, 25],
  [8, 50],
  [0, 100],
  [1, 200],
  [2, 400],
  [3, 800],
]);

export class Veml7700 implements Chip {
  readonly #nowMs: () => number;
  #values = LIGHT;
  #pointer = 0;
  #config = 0x0001;
  #onSinceMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  set(values: ChipValues): void {
    this.#values = withValues(this.#values, values);
  }

  /** Words, low byte first. */
  write([pointer, low, high = 0]: Uint8Array): void {
    if (pointer === undefined) return;
    this.#pointer = pointer;
    if (pointer !== 0 || low === undefined) return;
    this.#config = (high << 8) | low;
    this.#onSinceMs = this.#nowMs();
  }

  read(length: number): Uint8Array {
    const word = this.#word();
    return Uint8Array.from({ length }, (_, i) => (i % 2 === 0 ? word & 0xff : word >> 8));
  }

  #word(): number {
    if (this.#pointer === 0) return this.#config;
    if (this.#pointer === 7) return 0xc481;
    return this.#pointer === 4 ? this.#light() : 0;
  }

  #light(): number {
    const timeMs = TIMES_MS.get((this.#config >> 6) & 0xf) ?? 100;
    const off = (this.#config & 1) !== 0;
    if (off || this.#nowMs() - this.#onSinceMs < 2.5 + timeMs) return 0;
    const gain = GAINS[(this.#config >> 11) & 3] ?? 1;
    const step = 0.0042 * (2 / gain) * (800 / timeMs);
    return rawFor(this.#values.illuminance_lux, 0xffff, (raw) => {
      const x = raw * step;
      if (gain > 0.25) return x;
      return 6.0135e-13 * x ** 4 - 9.3924e-9 * x ** 3 + 8.1488e-5 * x ** 2 + 1.0023 * x;
    });
  }
}
