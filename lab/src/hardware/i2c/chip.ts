/**
 * What a modelled chip does on the wire. A transfer is an optional write followed, after a repeated
 * start, by an optional read; a chip that does not acknowledge throws `Nak`.
 */

/** The chip does not acknowledge: the controller reports that nobody is there. */
export class Nak extends Error {
  override readonly name = 'Nak';
}

/** Values a test or a person sets, with the unit in the name. */
export type ChipValues = Readonly<Record<string, number>>;

export interface Chip {
  write(bytes: Uint8Array): void;
  read(length: number): Uint8Array;
  /** Sets what the chip measures from now on; unknown names are refused with a RangeError. */
  set(values: ChipValues): void;
  /** Makes the check sums of an answer wrong; missing where the chip has none. */
  readonly spoil?: (answer: Uint8Array) => void;
}

/** Makes a chip as it is after power-on; `nowMs` = monotonic time for conversions. */
export type ChipFactory = (nowMs: () => number) => Chip;

/** The values after a change. @throws RangeError for an unknown name or no number */
export function withValues<T extends ChipValues>(values: T, changes: ChipValues): T {
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(values, name) || !Number.isFinite(value)) throw new RangeError(name);
  }
  return { ...values, ...changes };
}

/** The nearest whole number within the limits of a register. */
export function clampRound(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, Math.round(value)));
}

/** Chips with 8-bit registers: a pointer that counts up with every byte. */
export abstract class RegisterChip implements Chip {
  protected readonly registers = new Uint8Array(256);
  #pointer = 0;

  write(bytes: Uint8Array): void {
    const [pointer, ...data] = bytes;
    if (pointer === undefined) return;
    this.#pointer = pointer;
    for (const value of data) {
      this.writeRegister(this.#pointer, value);
      this.#pointer = (this.#pointer + 1) & 0xff;
    }
  }

  read(length: number): Uint8Array {
    this.beforeRead();
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 1) {
      bytes[i] = this.registers[this.#pointer] ?? 0;
      this.#pointer = (this.#pointer + 1) & 0xff;
    }
    return bytes;
  }

  abstract set(values: ChipValues): void;
  protected abstract writeRegister(register: number, value: number): void;
  /** Brings registers up to date that change by themselves. */
  protected abstract beforeRead(): void;
}

/** Chips with 16-bit registers, high byte first: a pointer that stays. */
export abstract class WordChip implements Chip {
  #pointer = 0;

  write(bytes: Uint8Array): void {
    const [pointer, high, low] = bytes;
    if (pointer === undefined) return;
    this.#pointer = pointer;
    if (high !== undefined) this.writeWord(pointer, (high << 8) | (low ?? 0));
  }

  read(length: number): Uint8Array {
    const word = this.readWord(this.#pointer) & 0xffff;
    return Uint8Array.from({ length }, (_, i) => (i % 2 === 0 ? word >> 8 : word & 0xff));
  }

  abstract set(values: ChipValues): void;
  protected abstract readWord(register: number): number;
  protected abstract writeWord(register: number, word: number): void;
}
