/** A place on the bus with a chip in it, and what is wrong with that chip. */

export const FAULTS = ['none', 'nak', 'short', 'badcrc', 'hang'];

/**
 * A chip is `write(bytes)`, `read(length)` and `set(values)`. `write` returns false and `read`
 * undefined where the chip does not acknowledge.
 */
export class Slot {
  #chip;
  #fault = 'none';
  #release = [];

  constructor(chip) {
    this.#chip = chip;
  }

  set(values) {
    this.#chip.set(values);
  }

  /** @param {'none' | 'nak' | 'short' | 'badcrc' | 'hang'} fault */
  break(fault) {
    this.#fault = fault;
    if (fault !== 'hang') for (const release of this.#release.splice(0)) release();
  }

  /** Resolves at once, or when the chip no longer hangs. */
  async untilAnswering() {
    if (this.#fault === 'hang') await new Promise((resolve) => this.#release.push(resolve));
  }

  /** Returns undefined when the chip does not acknowledge. */
  write(bytes) {
    if (this.#fault === 'nak') return undefined;
    return this.#chip.write(bytes) === false ? undefined : [];
  }

  /** Returns undefined when the chip does not acknowledge; a byte less when it is to be short. */
  read(length) {
    if (this.#fault === 'nak') return undefined;
    const bytes = this.#chip.read(length);
    if (bytes === undefined || bytes.length === 0) return bytes;
    if (this.#fault === 'short') return bytes.slice(0, -1);
    if (this.#fault !== 'badcrc') return bytes;
    // In the first and in the last word: neither checksum is right then.
    return bytes.map((byte, i) => (i === 0 || i === bytes.length - 1 ? byte ^ 0x5a : byte));
  }
}
