/** Chips with 16-bit registers as seen from the bus (sources as in the sensor's drivers). */
import { WordChip, clampRound, withValues } from './chip.ts';
import type { ChipValues } from './chip.ts';

const WARMTH = { temperature_celsius: 21.5 };

/** A thermometer that shows 0 °C until its first conversion is done. */
abstract class Thermometer extends WordChip {
  protected readonly nowMs: () => number;
  protected values = WARMTH;

  constructor(nowMs: () => number) {
    super();
    this.nowMs = nowMs;
  }

  set(values: ChipValues): void {
    this.values = withValues(this.values, values);
  }

  /** Two's complement of the temperature in steps. */
  protected steps(perCelsius: number, bits: number): number {
    const limit = 2 ** (bits - 1);
    return clampRound(this.values.temperature_celsius * perCelsius, -limit, limit - 1);
  }
}

export class Mcp9808 extends Thermometer {
  readonly #firstAtMs = this.nowMs() + 250;
  #config = 0;

  protected readWord(register: number): number {
    if (register === 1) return this.#config;
    if (register === 5) return this.nowMs() < this.#firstAtMs ? 0 : this.steps(16, 13) & 0x1fff;
    if (register === 6) return 0x0054;
    return register === 7 ? 0x0400 : 0;
  }

  protected writeWord(register: number, word: number): void {
    if (register === 1) this.#config = word;
  }
}

export class Tmp102 extends Thermometer {
  #config = 0x60a0;
  #doneAtMs = this.nowMs() + 26;
  #shown = 0;

  protected readWord(register: number): number {
    const done = this.nowMs() >= this.#doneAtMs;
    if (done) this.#shown = (this.steps(16, 12) << 4) & 0xffff;
    if (register === 0) return this.#shown;
    const asleep = (this.#config & 0x0100) !== 0;
    return register === 1 ? this.#config | (asleep && done ? 0x8000 : 0) : 0;
  }

  protected writeWord(register: number, word: number): void {
    if (register !== 1) return;
    this.#config = (word & 0x7fff) | 0x6000;
    if ((word & 0x8100) === 0x8100) this.#doneAtMs = this.nowMs() + 26;
  }
}

export class Lm75 extends Thermometer {
  readonly #firstAtMs = this.nowMs() + 100;
  #config = 0;

  protected readWord(register: number): number {
    // The configuration has one byte.
    if (register === 1) return this.#config << 8;
    return register === 0 && this.nowMs() >= this.#firstAtMs ? this.steps(2, 9) << 7 : 0;
  }

  protected writeWord(register: number, word: number): void {
    if (register === 1) this.#config = word >> 8;
  }
}

const VOLTS = { voltage_0_volt: 0.5, voltage_1_volt: 1, voltage_2_volt: 1.65, voltage_3_volt: 3.3 };
const FULL_SCALES_VOLT = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256];

export class Ads1115 extends WordChip {
  readonly #nowMs: () => number;
  #values = VOLTS;
  #config = 0x8583;
  #doneAtMs = 0;
  #shown = 0;

  constructor(nowMs: () => number) {
    super();
    this.#nowMs = nowMs;
  }

  set(values: ChipValues): void {
    this.#values = withValues(this.#values, values);
  }

  protected readWord(register: number): number {
    const done = this.#nowMs() >= this.#doneAtMs;
    if (done && this.#doneAtMs > 0) this.#shown = this.#convert();
    if (register === 0) return this.#shown;
    return register === 1 ? (this.#config & 0x7fff) | (done ? 0x8000 : 0) : 0;
  }

  protected writeWord(register: number, word: number): void {
    if (register !== 1) return;
    this.#config = word;
    if ((word & 0x8000) !== 0) this.#doneAtMs = this.#nowMs() + 8;
  }

  #convert(): number {
    const {
      voltage_0_volt: a,
      voltage_1_volt: b,
      voltage_2_volt: c,
      voltage_3_volt: d,
    } = this.#values;
    const inputs = [a - b, a - d, b - d, c - d, a, b, c, d];
    const volt = inputs[(this.#config >> 12) & 7] ?? 0;
    const fullScaleVolt = FULL_SCALES_VOLT[(this.#config >> 9) & 7] ?? 1;
    return clampRound((volt / fullScaleVolt) * 32_768, -32_768, 32_767);
  }
}

/** A board with a shunt of 0.1 Ω unless told otherwise. */
const LOAD = { voltage_volt: 5, current_ampere: 0.5, shunt_ohm: 0.1 };
const CONVERSION_MS = 1.1;

export class Ina219 extends WordChip {
  readonly #nowMs: () => number;
  #values = LOAD;
  #config = 0x399f;
  #calibration = 0;
  #doneAtMs = 0;

  constructor(nowMs: () => number) {
    super();
    this.#nowMs = nowMs;
    this.#doneAtMs = nowMs() + CONVERSION_MS;
  }

  set(values: ChipValues): void {
    this.#values = withValues(this.#values, values);
  }

  protected readWord(register: number): number {
    const done = this.#nowMs() >= this.#doneAtMs;
    if (register === 0) return this.#config;
    if (register === 1) return done ? this.#shunt() : 0;
    if (register === 2)
      return done ? (clampRound(this.#values.voltage_volt * 250, 0, 8191) << 3) | 2 : 0;
    if (register === 4) return done ? Math.trunc((this.#shunt() * this.#calibration) / 4096) : 0;
    return register === 5 ? this.#calibration : 0;
  }

  protected writeWord(register: number, word: number): void {
    if (register === 5) this.#calibration = word & 0xfffe;
    if (register !== 0) return;
    this.#config = word & 0x8000 ? 0x399f : word;
    this.#doneAtMs = this.#nowMs() + CONVERSION_MS;
  }

  /** 10 µV a step, cut off at the full scale set. */
  #shunt(): number {
    const limit = 4_000 * 2 ** ((this.#config >> 11) & 3);
    const { current_ampere, shunt_ohm } = this.#values;
    return clampRound(current_ampere * shunt_ohm * 100_000, -limit, limit);
  }
}
