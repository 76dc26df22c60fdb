/** What chips have in common: register files, checksums, values set from outside. */

/** CRC-8, polynomial 0x31, initial 0xff, as Sensirion's and Aosong's data sheets give it. */
export function crc8(bytes) {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x80 ? ((crc << 1) ^ 0x31) & 0xff : crc << 1;
  }
  return crc;
}

export function bigEndian(word) {
  return [(word >> 8) & 0xff, word & 0xff];
}

/** A word with its checksum. */
export function checkedWord(word) {
  const bytes = bigEndian(word);
  return [...bytes, crc8(bytes)];
}

export function clamp(value, min, max) {
  return Math.min(max, Math.max(min, Math.round(value)));
}

/** The raw value from 0 to `max` with the result nearest to `wanted`. */
export function rawFor(wanted, max, formula) {
  const rising = formula(max) > formula(0);
  let [low, high] = [0, max];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (formula(middle) < wanted === rising) low = middle + 1;
    else high = middle;
  }
  const below = Math.max(0, low - 1);
  return Math.abs(formula(below) - wanted) < Math.abs(formula(low) - wanted) ? below : low;
}

/** Three registers, left aligned. */
export function twentyBits(raw) {
  return [raw >> 12, (raw >> 4) & 0xff, (raw & 0x0f) << 4];
}

/** A chip with values by name; unknown names and what is not a number are refused. */
export class Chip {
  /** The defaults say which names there are. */
  constructor(defaults) {
    this.values = { ...defaults };
  }

  set(values) {
    for (const [name, value] of Object.entries(values)) {
      if (!Object.hasOwn(this.values, name) || !Number.isFinite(value)) {
        throw Object.assign(new Error(`${name} cannot be ${value}`), { code: 'EINVAL' });
      }
    }
    Object.assign(this.values, values);
  }
}

/** 8-bit registers, with a pointer that counts up. Chips redefine `write8` and `refresh`. */
export class ByteRegisters extends Chip {
  registers = Buffer.alloc(256);
  #pointer = 0;

  write([pointer, ...data]) {
    if (pointer === undefined) return;
    this.#pointer = pointer;
    for (const value of data) {
      this.write8(this.#pointer, value);
      this.#pointer = (this.#pointer + 1) & 0xff;
    }
  }

  read(length) {
    this.refresh();
    return Array.from({ length }, () => {
      const value = this.registers[this.#pointer];
      this.#pointer = (this.#pointer + 1) & 0xff;
      return value;
    });
  }

  write8(register, value) {
    this.registers[register] = value;
  }

  refresh() {}
}

/** 16-bit registers, high byte first. Chips redefine `read16`; `writable` says what can be set. */
export class WordRegisters extends Chip {
  words = new Map();
  #pointer = 0;

  constructor(defaults, writable) {
    super(defaults);
    this.writable = writable;
  }

  write([pointer, high, low]) {
    if (pointer === undefined) return;
    this.#pointer = pointer;
    if (low !== undefined && this.writable.includes(pointer)) {
      this.words.set(pointer, (high << 8) | low);
    }
  }

  read(length) {
    const word = bigEndian(this.read16(this.#pointer));
    return Array.from({ length }, (_, i) => word[i] ?? 0xff);
  }

  read16(register) {
    return this.words.get(register) ?? 0;
  }
}
