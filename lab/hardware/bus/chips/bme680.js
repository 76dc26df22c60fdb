/**
 * BME680: identity, trimming, forced mode (BST-BME680-DS001, sections 5.2 and 5.3). The compensation
 * is the one in whole numbers of Bosch's BME68x SensorAPI, with every step cut as it is there.
 */
import { ByteRegisters, rawFor, twentyBits } from './registers.js';

/** Plausible, and other than the simulator's. */
const T = [25987, 26411, 3];
const P = [36295, -10386, 88, 7120, -122, 30, 31, -803, -2544, 30];
const H = [778, 1024, 0, 45, 20, 120, -100];

const [ID, RESET, STATUS, DATA] = [0xd0, 0xe0, 0x1d, 0x1f];
const [CTRL_GAS_1, CTRL_HUM, CTRL_MEAS] = [0x71, 0x72, 0x74];
const [FIRST_SETTING, LAST_SETTING] = [0x70, 0x75];
const NEW_DATA = 0x80;
const RUN_GAS = 0x30;
const RESET_DATA = [0x80, 0, 0, 0x80, 0, 0, 0x80, 0];

function fine(raw) {
  const x = (raw >> 3) - (T[0] << 1);
  const half = x >> 1;
  return ((x * T[1]) >> 11) + ((((half * half) >> 12) * (T[2] << 4)) >> 14);
}

function celsius(raw) {
  return ((fine(raw) * 5 + 128) >> 8) / 100;
}

function pascal(raw, tFine) {
  const x = (tFine >> 1) - 64000;
  const quarter = x >> 2;
  const bent = (((quarter * quarter) >> 11) * P[5]) >> 2;
  const offset = ((bent + ((x * P[4]) << 1)) >> 2) + (P[3] << 16);
  const curve = (((quarter * quarter) >> 13) * (P[2] << 5)) >> 3;
  const slope = ((32768 + ((curve + ((P[1] * x) >> 1)) >> 18)) * P[0]) >> 15;
  const first = (1048576 - raw - (offset >> 12)) * 3125;
  const p = first >= 0x40000000 ? Math.trunc(first / slope) * 2 : Math.trunc((first * 2) / slope);
  const square = (P[8] * (((p >> 3) * (p >> 3)) >> 13)) >> 12;
  const linear = ((p >> 2) * P[7]) >> 13;
  const cube = Math.floor(((p >> 8) ** 3 * P[9]) / 131072);
  return p + ((square + linear + cube + (P[6] << 7)) >> 4);
}

function percent(raw, tFine) {
  const t = (tFine * 5 + 128) >> 8;
  const cut = Math.trunc;
  const level = raw - H[0] * 16 - (cut((t * H[2]) / 100) >> 1);
  const bend = cut((t * H[3]) / 100) + cut(((t * cut((t * H[4]) / 100)) >> 6) / 100) + 16384;
  const gain = (H[1] * bend) >> 10;
  const linear = level * gain;
  const curve = ((H[5] << 7) + cut((t * H[6]) / 100)) >> 4;
  // Beyond 100 % the square outgrows 32 bits.
  const square = Math.floor((curve * Math.floor((linear >> 14) ** 2 / 1024)) / 2);
  return Math.min(100, Math.max(0, Math.floor((linear + square) / 1024) / 4096));
}

export class Bme680 extends ByteRegisters {
  constructor() {
    super({ temperature_celsius: 21.5, humidity_percent: 45, pressure_hpa: 1013.25 });
    this.registers[ID] = 0x61;
    this.#storeTrimming();
    this.powerOn();
  }

  powerOn() {
    this.registers.fill(0, FIRST_SETTING, LAST_SETTING + 1);
    this.registers.set([0, 0, ...RESET_DATA], STATUS);
  }

  /** Further bytes of a write are pairs of register and value (section 6.2.1). */
  write(bytes) {
    super.write(bytes.slice(0, 2));
    for (let i = 2; i + 1 < bytes.length; i += 2) super.write(bytes.slice(i, i + 2));
  }

  write8(register, value) {
    if (register === RESET && value === 0xb6) this.powerOn();
    if (register < FIRST_SETTING || register > LAST_SETTING) return;
    this.registers[register] = value;
    if (register === CTRL_MEAS && (value & 3) === 1) this.#measure();
  }

  /** One conversion, then asleep; the result is there at once, which no program can rely on. */
  #measure() {
    this.registers[CTRL_MEAS] &= ~3;
    // Whoever switches the heater on waits for it, and this model has none.
    if ((this.registers[CTRL_GAS_1] & RUN_GAS) !== 0) return;
    const { temperature_celsius, humidity_percent, pressure_hpa } = this.values;
    const t = rawFor(temperature_celsius, 0xfffff, celsius);
    const tFine = fine(t);
    const p = rawFor(pressure_hpa * 100, 0xfffff, (raw) => pascal(raw, tFine));
    const h = rawFor(humidity_percent, 0xffff, (raw) => percent(raw, tFine));
    const isHumidityOn = (this.registers[CTRL_HUM] & 7) !== 0;
    this.registers.set([...twentyBits(p), ...twentyBits(t)], DATA);
    this.registers.writeUInt16BE(isHumidityOn ? h : 0x8000, DATA + 6);
    this.registers[STATUS] = NEW_DATA;
  }

  #storeTrimming() {
    const word = (value, at) => this.registers.writeUInt16LE(value & 0xffff, at);
    const byte = (value, at) => (this.registers[at] = value & 0xff);
    word(T[0], 0xe9);
    word(T[1], 0x8a);
    byte(T[2], 0x8c);
    for (const [i, at] of [
      [0, 0x8e],
      [1, 0x90],
      [3, 0x94],
      [4, 0x96],
      [7, 0x9c],
      [8, 0x9e],
    ]) {
      word(P[i], at);
    }
    for (const [i, at] of [
      [2, 0x92],
      [5, 0x99],
      [6, 0x98],
      [9, 0xa0],
    ])
      byte(P[i], at);
    byte(H[1] >> 4, 0xe1);
    byte(((H[1] & 15) << 4) | (H[0] & 15), 0xe2);
    byte(H[0] >> 4, 0xe3);
    H.slice(2).forEach((value, i) => byte(value, 0xe4 + i));
  }
}
