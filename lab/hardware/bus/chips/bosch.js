/**
 * BME280 and BMP280: identity, trimming, sleep and forced mode (BST-BME280-DS002, sections 4.2.3 and
 * 5.4). Until the first measurement after power-on the data registers hold their reset values: a
 * program that reads them without asking for a measurement gets what it deserves.
 */
import { ByteRegisters, rawFor, twentyBits } from './registers.js';

/** The worked example of Bosch's BMP280 data sheet; humidity: plausible. */
const T = [27504, 26435, -1000];
const P = [36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000];
const H = [75, 370, 0, 313, 50, 30];

const [ID, RESET, CTRL_HUM, CTRL_MEAS, CONFIG, DATA] = [0xd0, 0xe0, 0xf2, 0xf4, 0xf5, 0xf7];
const RESET_DATA = [0x80, 0, 0, 0x80, 0, 0, 0x80, 0];

function fine(raw) {
  const offset = raw / 131072 - T[0] / 8192;
  return (raw / 16384 - T[0] / 1024) * T[1] + offset * offset * T[2];
}

function pascal(raw, tFine) {
  const x = tFine / 2 - 64000;
  const offset = ((x * x * P[5]) / 32768 + x * P[4] * 2) / 4 + P[3] * 65536;
  const slope = (1 + ((P[2] * x * x) / 524288 + P[1] * x) / 524288 / 32768) * P[0];
  const p = ((1048576 - raw - offset / 4096) * 6250) / slope;
  return p + ((P[8] * p * p) / 2147483648 + (p * P[7]) / 32768 + P[6]) / 16;
}

function percent(raw, tFine) {
  const x = tFine - 76800;
  const gain = (H[1] / 65536) * (1 + (H[5] / 67108864) * x * (1 + (H[2] / 67108864) * x));
  const linear = (raw - (H[3] * 64 + (H[4] / 16384) * x)) * gain;
  return linear * (1 - (H[0] * linear) / 524288);
}

export class Bmp280 extends ByteRegisters {
  constructor(id = 0x58, further = {}) {
    super({ temperature_celsius: 25.08, pressure_hpa: 1006.5327, ...further });
    this.registers[ID] = id;
    T.forEach((word, i) => this.registers.writeInt16LE((word << 16) >> 16, 0x88 + 2 * i));
    P.forEach((word, i) => this.registers.writeInt16LE((word << 16) >> 16, 0x8e + 2 * i));
    this.powerOn();
  }

  powerOn() {
    for (const register of [CTRL_HUM, CTRL_MEAS, CONFIG]) this.registers[register] = 0;
    this.registers.set(RESET_DATA.slice(0, this.dataBytes), DATA);
  }

  get dataBytes() {
    return 6;
  }

  write8(register, value) {
    if (register === RESET && value === 0xb6) this.powerOn();
    if (![CTRL_HUM, CTRL_MEAS, CONFIG].includes(register)) return;
    this.registers[register] = value;
    if (register === CTRL_MEAS && (value & 3) !== 0) this.measure();
  }

  /** Forced mode goes back to sleep; the result is there at once, which no program can rely on. */
  measure() {
    const { temperature_celsius: celsius, pressure_hpa: hpa } = this.values;
    const t = rawFor(celsius, 0xfffff, (raw) => fine(raw) / 5120);
    const p = rawFor(hpa * 100, 0xfffff, (raw) => pascal(raw, fine(t)));
    this.registers.set([...twentyBits(p), ...twentyBits(t)], DATA);
    if ((this.registers[CTRL_MEAS] & 3) !== 3) this.registers[CTRL_MEAS] &= ~3;
    return fine(t);
  }

  refresh() {
    if ((this.registers[CTRL_MEAS] & 3) === 3) this.measure();
  }
}

export class Bme280 extends Bmp280 {
  constructor() {
    super(0x60, { humidity_percent: 45 });
    this.registers[0xa1] = H[0];
    this.registers.writeInt16LE(H[1], 0xe1);
    this.registers.set([H[2], H[3] >> 4, (H[3] & 15) | ((H[4] & 15) << 4), H[4] >> 4, H[5]], 0xe3);
  }

  get dataBytes() {
    return 8;
  }

  measure() {
    const tFine = super.measure();
    const raw = rawFor(this.values.humidity_percent, 0xffff, (value) => percent(value, tFine));
    const isMeasured = (this.registers[CTRL_HUM] & 7) !== 0;
    this.registers.writeUInt16BE(isMeasured ? raw : 0x8000, DATA + 6);
    return tFine;
  }
}
