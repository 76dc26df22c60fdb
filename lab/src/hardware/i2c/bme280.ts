/**
 * A BME280, or its sister BMP280 that knows no humidity, as seen from the bus: identity, trimming, settings, sleep and forced mode with the real
 * conversion time (BST-BME280-DS002, revision 1.6, sections 3.3, 5.4 and 9.1).
 */
import { RegisterChip, withValues } from './chip.ts';
import type { ChipValues } from './chip.ts';
import { TRIMMING, celsius, fineTemperature, pascal, percent, rawFor } from './bme280-formulas.ts';

const ID = 0xd0;
const RESET = 0xe0;
const CTRL_HUM = 0xf2;
const STATUS = 0xf3;
const CTRL_MEAS = 0xf4;
const CONFIG = 0xf5;
const DATA = 0xf7;
const MODE_BITS = 0x03;

const WEATHER = { temperature_celsius: 21.5, pressure_hpa: 1013.25 };
type Values = typeof WEATHER & { readonly humidity_percent?: number };

export class Bme280 extends RegisterChip {
  readonly #nowMs: () => number;
  readonly #humid: boolean;
  #values: Values;
  /** When the conversion under way is done; undefined while asleep. */
  #doneAtMs: number | undefined;
  /** Humidity setting in force: a write counts from the next write to ctrl_meas on. */
  #humiditySetting = 0;

  constructor(nowMs: () => number, kind: 'bme280' | 'bmp280' = 'bme280') {
    super();
    this.#nowMs = nowMs;
    this.#humid = kind === 'bme280';
    this.#values = this.#humid ? { ...WEATHER, humidity_percent: 45 } : WEATHER;
    this.registers[ID] = this.#humid ? 0x60 : 0x58;
    this.#storeTrimming();
    this.#powerOn();
  }

  set(values: ChipValues): void {
    this.#values = withValues<Values & ChipValues>(this.#values, values);
  }

  protected writeRegister(register: number, value: number): void {
    if (register === RESET && value === 0xb6) this.#powerOn();
    if (register === CONFIG || (this.#humid && register === CTRL_HUM))
      this.registers[register] = value;
    if (register !== CTRL_MEAS) return;
    this.registers[CTRL_MEAS] = value;
    this.#humiditySetting = (this.registers[CTRL_HUM] ?? 0) & 0x07;
    if ((value & MODE_BITS) === 0) this.#doneAtMs = undefined;
    else this.#doneAtMs = this.#nowMs() + this.#typicalConversionMs(value);
    this.registers[STATUS] = this.#doneAtMs === undefined ? 0 : 0x08;
  }

  protected beforeRead(): void {
    if (this.#doneAtMs === undefined || this.#nowMs() < this.#doneAtMs) return;
    const settings = this.registers[CTRL_MEAS] ?? 0;
    this.#convert(settings);
    this.registers[STATUS] = 0;
    const forced = (settings & MODE_BITS) !== MODE_BITS;
    if (forced) this.registers[CTRL_MEAS] = settings & ~MODE_BITS;
    this.#doneAtMs = forced ? undefined : this.#nowMs() + this.#typicalConversionMs(settings);
  }

  #powerOn(): void {
    for (const register of [CTRL_HUM, STATUS, CTRL_MEAS, CONFIG]) this.registers[register] = 0;
    this.registers.set([0x80, 0, 0, 0x80, 0, 0, 0x80, 0], DATA);
    this.#doneAtMs = undefined;
    this.#humiditySetting = 0;
  }

  /** Section 9.1: 1 ms + 2 ms a sample + 0.5 ms each for pressure and humidity. */
  #typicalConversionMs(settings: number): number {
    const [t, p, h] = [settings >> 5, (settings >> 2) & 0x07, this.#humiditySetting].map(samples);
    return 1 + 2 * (t ?? 0) + 2 * (p ?? 0) + 2 * (h ?? 0) + (p ? 0.5 : 0) + (h ? 0.5 : 0);
  }

  #convert(settings: number): void {
    const { temperature_celsius, humidity_percent = 0, pressure_hpa } = this.#values;
    const temperature = rawFor(temperature_celsius, 0xfffff, celsius);
    const fine = fineTemperature(temperature);
    const pressure = rawFor(pressure_hpa * 100, 0xfffff, (raw) => pascal(raw, fine));
    const humidity = rawFor(humidity_percent, 0xffff, (raw) => percent(raw, fine));
    const bytes = new Uint8Array(8);
    bytes.set(twentyBits(pressure, (settings >> 2) & 0x07), 0);
    bytes.set(twentyBits(temperature, settings >> 5), 3);
    bytes.set(this.#humiditySetting === 0 ? [0x80, 0] : [humidity >> 8, humidity & 0xff], 6);
    this.registers.set(bytes, DATA);
  }

  #storeTrimming(): void {
    const view = new DataView(this.registers.buffer);
    TRIMMING.t.forEach((word, i) => view.setInt16(0x88 + 2 * i, word, true));
    TRIMMING.p.forEach((word, i) => view.setInt16(0x8e + 2 * i, word, true));
    const [h1, h2, h3, h4, h5, h6] = TRIMMING.h;
    view.setUint8(0xa1, h1);
    view.setInt16(0xe1, h2, true);
    view.setUint8(0xe3, h3);
    view.setInt8(0xe4, h4 >> 4);
    view.setUint8(0xe5, (h4 & 0x0f) | ((h5 & 0x0f) << 4));
    view.setInt8(0xe6, h5 >> 4);
    view.setInt8(0xe7, h6);
  }
}

/** Samples taken for an oversampling setting: 0, 1, 2, 4, 8, 16. */
function samples(setting: number): number {
  return setting === 0 ? 0 : 2 ** Math.min(4, setting - 1);
}

/**
 * Three registers; without the filter a sample has 16 bits and each doubling of oversampling one
 * more (sections 3.4.2 and 3.4.3). Not measured at all: 0x80000.
 */
function twentyBits(raw: number, setting: number): readonly number[] {
  const unused = 5 - Math.min(5, setting);
  const step = 2 ** unused;
  const value = setting === 0 ? 0x80000 : Math.min(0x100000 - step, Math.round(raw / step) * step);
  return [value >> 12, (value >> 4) & 0xff, (value & 0x0f) << 4];
}
