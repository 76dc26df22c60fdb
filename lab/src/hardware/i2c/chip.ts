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
}

/** Makes a chip as it is after power-on; `nowMs` = monotonic time for conversions. */
export type ChipFactory = (nowMs: () => number) => Chip;

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
