import type { Clock } from '@holdfast/kit';
import type { ChipLink, I2cBus } from '../ports.ts';

/** One address of a bus. */
export function chipLink(
  bus: I2cBus,
  address: number,
  clock: Pick<Clock, 'sleepMs' | 'monotonicMs'>,
): ChipLink {
  return {
    readRegisters: async (register, length) => bus.readRegisters(address, register, length),
    writeRegisters: async (register, bytes) => bus.writeRegisters(address, register, bytes),
    read: async (length) => bus.read(address, length),
    write: async (bytes) => bus.write(address, bytes),
    sleepMs: async (delayMs) => clock.sleepMs(delayMs),
    monotonicMs: () => clock.monotonicMs(),
  };
}
