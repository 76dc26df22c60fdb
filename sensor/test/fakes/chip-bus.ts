/** A bus of the lab's modelled chips, without a socket between, and with faults and a log. */
import { Nak } from '@holdfast/lab/hardware';
import type { Chip } from '@holdfast/lab/hardware';
import { HardwareError } from '../../src/core/hardware-error.ts';
import type { I2cBus } from '../../src/ports.ts';

export interface Transfer {
  readonly address: number;
  readonly written: readonly number[];
  readonly length: number;
}

export class ChipBus implements I2cBus {
  readonly chips = new Map<number, Chip>();
  readonly log: Transfer[] = [];
  /** Called before each transfer; throws to make it fail. */
  before: (address: number) => void = () => {};
  /** May change what was read. */
  after: (address: number, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes;

  async readRegisters(address: number, register: number, length: number): Promise<Uint8Array> {
    return this.#transfer(address, [register], length);
  }

  async writeRegisters(address: number, register: number, bytes: readonly number[]): Promise<void> {
    await this.#transfer(address, [register, ...bytes], 0);
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    return this.#transfer(address, [], length);
  }

  async write(address: number, bytes: readonly number[]): Promise<void> {
    await this.#transfer(address, bytes, 0);
  }

  async #transfer(address: number, written: readonly number[], length: number) {
    await Promise.resolve();
    this.log.push({ address, written, length });
    this.before(address);
    const chip = this.chips.get(address);
    if (chip === undefined) throw new HardwareError('ENXIO', 'nobody there');
    try {
      if (written.length > 0) chip.write(Uint8Array.from(written));
      const bytes = this.after(address, length > 0 ? chip.read(length) : new Uint8Array());
      if (bytes.length !== length) throw new HardwareError('EIO', 'short transfer');
      return bytes;
    } catch (error) {
      if (error instanceof Nak) throw new HardwareError('ENXIO', 'not acknowledged');
      throw error;
    }
  }
}
