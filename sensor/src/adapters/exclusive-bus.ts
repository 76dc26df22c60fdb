/**
 * One transfer at a time on a bus, each with a time limit, and so the wait for it. A transfer that
 * outlives its limit keeps the bus until it ends (the kernel would only queue another behind it);
 * those who wait meanwhile get `BUS_BLOCKED` in their turn. Other buses are not concerned.
 */
import type { Clock } from '@holdfast/kit';
import { HardwareError } from '../core/hardware-error.ts';
import type { I2cBus } from '../ports.ts';
import { timedOut, withTimeLimit } from '../time-limit.ts';

export class ExclusiveBus implements I2cBus {
  readonly #bus: I2cBus;
  readonly #name: string;
  readonly #limitMs: number;
  readonly #clock: Clock;
  /** Settles when the last transfer given has ended; never rejects. */
  #idle: Promise<void> = Promise.resolve();

  constructor(bus: I2cBus, name: string, limitMs: number, clock: Clock) {
    this.#bus = bus;
    this.#name = name;
    this.#limitMs = limitMs;
    this.#clock = clock;
  }

  async readRegisters(address: number, register: number, length: number): Promise<Uint8Array> {
    return this.#alone(async () => this.#bus.readRegisters(address, register, length));
  }

  async writeRegisters(address: number, register: number, bytes: readonly number[]): Promise<void> {
    return this.#alone(async () => this.#bus.writeRegisters(address, register, bytes));
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    return this.#alone(async () => this.#bus.read(address, length));
  }

  async write(address: number, bytes: readonly number[]): Promise<void> {
    return this.#alone(async () => this.#bus.write(address, bytes));
  }

  async #alone<T>(transfer: () => Promise<T>): Promise<T> {
    const before = this.#idle;
    let givenUp = false;
    const work = before.then(async () => {
      if (givenUp) throw new HardwareError('BUS_BLOCKED', `${this.#name}: given up`);
      return transfer();
    });
    this.#idle = work.then(ignore, ignore);
    // Long enough for one hanging neighbour to run into its own limit.
    const waitMs = 2 * this.#limitMs;
    await withTimeLimit(before, waitMs, this.#clock, () => {
      givenUp = true;
      return new HardwareError('BUS_BLOCKED', `${this.#name}: not free within ${waitMs} ms`);
    });
    return withTimeLimit(work, this.#limitMs, this.#clock, () =>
      timedOut(this.#name, this.#limitMs),
    );
  }
}

function ignore(): void {}
