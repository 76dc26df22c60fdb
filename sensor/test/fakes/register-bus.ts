/** An I2C bus in memory: chips are 256 registers and a hook that sees every write. */
import { HardwareError } from '../../src/core/hardware-error.ts';
import type { I2cBus, I2cBuses } from '../../src/ports.ts';

export interface FakeChip {
  readonly registers: Uint8Array;
  readonly onWrite?: (register: number, value: number) => void;
  /** Replaces every answer: to fail, to hang or to answer nonsense. */
  onTransfer?: ((length: number) => Promise<Uint8Array | undefined>) | undefined;
  /** The register the next plain read begins with. */
  pointer?: number;
}

export class FakeBus implements I2cBus {
  readonly chips = new Map<number, FakeChip>();
  /** Transfers under way at present and at most. */
  active = 0;
  mostActive = 0;

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
    this.active += 1;
    this.mostActive = Math.max(this.active, this.mostActive);
    try {
      await Promise.resolve();
      const chip = this.chips.get(address);
      if (chip === undefined) throw new HardwareError('ENXIO', 'nobody there');
      const other = await chip.onTransfer?.(length);
      if (other !== undefined && other.length !== length) {
        throw new HardwareError('EIO', 'short transfer');
      }
      return other ?? answer(chip, written, length);
    } finally {
      this.active -= 1;
    }
  }
}

function answer(chip: FakeChip, written: readonly number[], length: number): Uint8Array {
  const [register, ...data] = written;
  if (register !== undefined) chip.pointer = register;
  for (const value of data) {
    const at = chip.pointer ?? 0;
    chip.registers[at] = value;
    chip.onWrite?.(at, value);
    chip.pointer = (at + 1) & 0xff;
  }
  const first = chip.pointer ?? 0;
  return Uint8Array.from({ length }, (_, i) => chip.registers[(first + i) & 0xff] ?? 0);
}

/** Buses in memory; a number that is not there fails like a missing device file. */
export function fakeBuses(buses: ReadonlyMap<number, I2cBus>): I2cBuses {
  const missing = new Proxy({} as I2cBus, {
    get: () => async () => {
      throw new HardwareError('ENOENT', 'no such bus');
    },
  });
  return {
    list: async () => [...buses.keys()],
    bus: (number) => buses.get(number) ?? missing,
    close: async () => {},
  };
}
