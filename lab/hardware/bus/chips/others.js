/** AHT20, BH1750 and the chips with 16-bit registers; each as its data sheet describes it. */
import { Chip, WordRegisters, clamp, crc8 } from './registers.js';

const CALIBRATED = 0x18;

export class Aht20 extends Chip {
  #measured = false;

  constructor() {
    super({ temperature_celsius: 20, humidity_percent: 50 });
  }

  write([command]) {
    if (command === 0xac) this.#measured = true;
    if (command === 0xba) this.#measured = false;
  }

  read(length) {
    const h = clamp((this.values.humidity_percent / 100) * 2 ** 20, 0, 2 ** 20 - 1);
    const t = clamp(((this.values.temperature_celsius + 50) / 200) * 2 ** 20, 0, 2 ** 20 - 1);
    const middle = ((h & 15) << 4) | (t >> 16);
    const data = [CALIBRATED, h >> 12, (h >> 4) & 255, middle, (t >> 8) & 255, t & 255];
    const bytes = this.#measured ? [...data, crc8(data)] : [CALIBRATED];
    return Array.from({ length }, (_, i) => bytes[i] ?? 0xff);
  }
}

export class Bh1750 extends Chip {
  #measuring = false;

  constructor() {
    super({ illuminance_lux: 100 });
  }

  write([command]) {
    if (command === 0) this.#measuring = false;
    else if ([0x10, 0x11, 0x13, 0x20, 0x21, 0x23].includes(command)) this.#measuring = true;
  }

  read(length) {
    const raw = this.#measuring ? clamp(this.values.illuminance_lux * 1.2, 0, 65535) : 0;
    return Array.from({ length }, (_, i) => [raw >> 8, raw & 255][i] ?? 0xff);
  }
}

export class Tmp102 extends WordRegisters {
  constructor() {
    super({ temperature_celsius: 20 }, [1, 2, 3]);
    this.words = new Map([
      [1, 0x60a0],
      [2, 0x4b00],
      [3, 0x5000],
    ]);
  }

  read16(register) {
    if (register !== 0) return super.read16(register);
    return (clamp(this.values.temperature_celsius / 0.0625, -2048, 2047) << 4) & 0xffff;
  }
}

export class Lm75 extends WordRegisters {
  constructor() {
    super({ temperature_celsius: 20 }, [1, 2, 3]);
    this.words = new Map([
      [2, 0x4b00],
      [3, 0x5000],
    ]);
  }

  /** The configuration is a single byte. */
  write([pointer, high, low]) {
    super.write(pointer === 1 && high !== undefined ? [pointer, high, 0] : [pointer, high, low]);
  }

  read16(register) {
    if (register !== 0) return super.read16(register);
    return (clamp(this.values.temperature_celsius / 0.5, -256, 255) << 7) & 0xffff;
  }
}

export class Mcp9808 extends WordRegisters {
  constructor() {
    super({ temperature_celsius: 20 }, [1, 2, 3, 4, 8]);
    this.words = new Map([
      [6, 0x0054],
      [7, 0x0400],
    ]);
  }

  read16(register) {
    if (register !== 5) return super.read16(register);
    return clamp(this.values.temperature_celsius * 16, -4096, 4095) & 0x1fff;
  }
}

const FULL_SCALE_VOLTS = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256];
/** Inputs subtracted from each other, by the first four settings of the multiplexer. */
const PAIRS = [
  [0, 1],
  [0, 3],
  [1, 3],
  [2, 3],
];

export class Ads1115 extends WordRegisters {
  constructor() {
    super({ ain0_volt: 0, ain1_volt: 0, ain2_volt: 0, ain3_volt: 0 }, [1, 2, 3]);
    this.words = new Map([
      [1, 0x8583],
      [2, 0x8000],
      [3, 0x7fff],
    ]);
  }

  read16(register) {
    const config = super.read16(1);
    if (register === 1) return config | 0x8000;
    if (register !== 0) return super.read16(register);
    const volt = (input) => this.values[`ain${input}_volt`];
    const mux = (config >> 12) & 7;
    const [plus, minus] = PAIRS[mux] ?? [mux - 4];
    const difference = volt(plus) - (minus === undefined ? 0 : volt(minus));
    const range = FULL_SCALE_VOLTS[(config >> 9) & 7];
    return clamp((difference / range) * 32768, -32768, 32767) & 0xffff;
  }
}

export class Ina219 extends WordRegisters {
  constructor() {
    super({ bus_volt: 5, shunt_volt: 0.01 }, [0, 5]);
    this.words = new Map([[0, 0x399f]]);
  }

  read16(register) {
    const shunt = clamp(this.values.shunt_volt / 0.00001, -32000, 32000);
    const bus = clamp(this.values.bus_volt / 0.004, 0, 8000);
    const current = Math.trunc((shunt * super.read16(5)) / 4096);
    const computed = {
      1: shunt,
      2: (bus << 3) | 2,
      3: Math.trunc((current * bus) / 5000),
      4: current,
    };
    return (computed[register] ?? super.read16(register)) & 0xffff;
  }
}

/** Low byte first; lux by gain 1 and 100 ms: 0.0672 lx a count at gain 1 (0.0336 at gain 2). */
export class Veml7700 extends WordRegisters {
  constructor() {
    super({ illuminance_lux: 100 }, [0, 1, 2, 3]);
    this.words = new Map([
      [0, 0x0001],
      [7, 0xc481],
    ]);
  }

  write([pointer, low, high]) {
    super.write(high === undefined ? [pointer] : [pointer, high, low]);
  }

  read(length) {
    const [high, low] = super.read(2);
    return Array.from({ length }, (_, i) => [low, high][i] ?? 0xff);
  }

  read16(register) {
    if (register !== 4 && register !== 5) return super.read16(register);
    const config = super.read16(0);
    if ((config & 1) !== 0) return 0;
    const gain = [1, 2, 1 / 8, 1 / 4][(config >> 11) & 3];
    const timeMs = { 12: 25, 8: 50, 0: 100, 1: 200, 2: 400, 3: 800 }[(config >> 6) & 15] ?? 100;
    const luxPerCount = (0.0042 * 2 * 800) / (gain * timeMs);
    return clamp(this.values.illuminance_lux / luxPerCount, 0, 65535);
  }
}
