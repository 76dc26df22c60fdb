/**
 * The buses of this machine through the kernel's /dev/i2c-<n>, by npm i2c-bus. The native module is
 * loaded with the first transfer: the service runs where there is no I2C.
 *
 * A bus is closed after every failure and opened again by the next transfer: the file of an adapter
 * that was pulled out stays dead for ever.
 */
import { readdir } from 'node:fs/promises';
import { errorCode, errorMessage } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import type { PromisifiedBus } from 'i2c-bus';
import { HardwareError } from '../core/hardware-error.ts';
import type { I2cBus, I2cBuses } from '../ports.ts';
import { ExclusiveBus } from './exclusive-bus.ts';

async function openBus(number: number): Promise<PromisifiedBus> {
  const { default: i2c } = await import('i2c-bus');
  return i2c.openPromisified(number);
}

function checkLength(actual: number, wanted: number): void {
  if (actual !== wanted) throw new HardwareError('EIO', `${actual} of ${wanted} bytes transferred`);
}

class KernelBus implements I2cBus {
  readonly #number: number;
  #opened: Promise<PromisifiedBus> | undefined;

  constructor(number: number) {
    this.#number = number;
  }

  async readRegisters(address: number, register: number, length: number): Promise<Uint8Array> {
    return this.#use(async (bus) => {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await bus.readI2cBlock(address, register, length, buffer);
      checkLength(bytesRead, length);
      return buffer;
    });
  }

  async writeRegisters(address: number, register: number, bytes: readonly number[]): Promise<void> {
    await this.#use(async (bus) => {
      const [only] = bytes;
      // A byte write is served by controllers that cannot write blocks.
      if (bytes.length === 1 && only !== undefined) {
        await bus.writeByte(address, register, only);
        return;
      }
      const buffer = Buffer.from(bytes);
      await bus.writeI2cBlock(address, register, buffer.length, buffer);
    });
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    return this.#use(async (bus) => {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await bus.i2cRead(address, length, buffer);
      checkLength(bytesRead, length);
      return buffer;
    });
  }

  async write(address: number, bytes: readonly number[]): Promise<void> {
    await this.#use(async (bus) => {
      const buffer = Buffer.from(bytes);
      const { bytesWritten } = await bus.i2cWrite(address, buffer.length, buffer);
      checkLength(bytesWritten, buffer.length);
    });
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.then(async (bus) => bus.close()).catch(() => {});
  }

  async #use<T>(transfer: (bus: PromisifiedBus) => Promise<T>): Promise<T> {
    try {
      this.#opened ??= openBus(this.#number);
      return await transfer(await this.#opened);
    } catch (error) {
      await this.close();
      if (error instanceof HardwareError) throw error;
      throw new HardwareError(errorCode(error), errorMessage(error), { cause: error });
    }
  }
}

/** @param limitMs time limit of each transfer and of the wait for it */
export function kernelBuses(limitMs: number, clock: Clock): I2cBuses {
  const buses = new Map<number, { readonly kernel: KernelBus; readonly bus: I2cBus }>();
  return {
    async list() {
      const names = await readdir('/dev');
      return names
        .flatMap((name) => /^i2c-(\d+)$/.exec(name)?.[1] ?? [])
        .map(Number)
        .toSorted((a, b) => a - b);
    },
    bus(number) {
      const known = buses.get(number);
      if (known !== undefined) return known.bus;
      const kernel = new KernelBus(number);
      const bus = new ExclusiveBus(kernel, `/dev/i2c-${number}`, limitMs, clock);
      buses.set(number, { kernel, bus });
      return bus;
    },
    async close() {
      await Promise.all([...buses.values()].map(async ({ kernel }) => kernel.close()));
    },
  };
}
