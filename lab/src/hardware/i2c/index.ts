/**
 * I2C buses with modelled chips, for demos and tests. Answers the operations of the hardware
 * simulator whose names begin with `i2c`:
 *
 * | op | members | answer |
 * | --- | --- | --- |
 * | `i2c_buses` | | `buses`: numbers |
 * | `i2c` | `bus`, `address`, `write` (hex, may be empty), `read` (bytes, may be 0) | `bytes` (hex) |
 * | `i2c_add` | `bus`, `address`, `chip`, `values`? | |
 * | `i2c_set` | `bus`, `address`, `values` | |
 * | `i2c_remove` | `bus`, `address` | |
 * | `i2c_fault` | `bus`, `address`, `fault`: `none`, `nak`, `short` (a byte is missing), `hang` | |
 *
 * `ok` tells success; a failure has a `code`: what the kernel would say (`ENXIO` nobody acknowledges,
 * `ENOENT` no such bus) or `EINVAL` for a request that makes no sense. Bus 1 is always there, as on
 * a Pi; another one comes into being with its first chip.
 */
import { Bme280 } from './bme280.ts';
import { Nak } from './chip.ts';
import type { Chip, ChipFactory, ChipValues } from './chip.ts';

export type I2cFault = 'none' | 'nak' | 'short' | 'hang';

type Request = Readonly<Record<string, unknown>>;
type Answer = Record<string, unknown>;

const CHIPS: Readonly<Record<string, ChipFactory>> = {
  bme280: (nowMs) => new Bme280(nowMs),
};
const FAULTS: readonly string[] = ['none', 'nak', 'short', 'hang'] satisfies I2cFault[];
const MAX_READ = 8192;

interface Slot {
  readonly chip: Chip;
  fault: I2cFault;
  /** Ends transfers that hang. */
  readonly release: (() => void)[];
}

class Refusal extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export class I2cSimulation {
  readonly #buses = new Map<number, Map<number, Slot>>([[1, new Map()]]);
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Carries out one operation. A transfer to a chip that hangs resolves when the fault is lifted. */
  async handle(request: Record<string, unknown>): Promise<Record<string, unknown>> {
    try {
      return { ok: true, ...(await this.#carryOut(request)) };
    } catch (error) {
      if (error instanceof Refusal) return { ok: false, code: error.code };
      if (error instanceof Nak) return { ok: false, code: 'ENXIO' };
      if (error instanceof RangeError) return { ok: false, code: 'EINVAL' };
      throw error;
    }
  }

  async #carryOut(request: Request): Promise<Answer> {
    switch (request['op']) {
      case 'i2c_buses':
        return { buses: [...this.#buses.keys()].toSorted((a, b) => a - b) };
      case 'i2c':
        return { bytes: await this.#transfer(request) };
      case 'i2c_add':
        return this.#add(request);
      case 'i2c_set':
        this.#slot(request).chip.set(valuesOf(request));
        return {};
      case 'i2c_remove':
        letGo(this.#slot(request));
        this.#bus(request).delete(whole(request, 'address', 0x7f));
        return {};
      case 'i2c_fault':
        return this.#setFault(request);
      default:
        throw new Refusal('EINVAL');
    }
  }

  #add(request: Request): Answer {
    const bus = whole(request, 'bus', 255);
    const address = whole(request, 'address', 0x7f);
    const name = String(request['chip']);
    const make = Object.hasOwn(CHIPS, name) ? CHIPS[name] : undefined;
    if (make === undefined) throw new Refusal('EINVAL');
    const chip = make(this.#nowMs);
    chip.set(valuesOf(request));
    const chips = this.#buses.get(bus) ?? new Map<number, Slot>();
    chips.set(address, { chip, fault: 'none', release: [] });
    this.#buses.set(bus, chips);
    return {};
  }

  #setFault(request: Request): Answer {
    const slot = this.#slot(request);
    const fault = String(request['fault']);
    if (!FAULTS.includes(fault)) throw new Refusal('EINVAL');
    slot.fault = fault as I2cFault;
    if (fault !== 'hang') letGo(slot);
    return {};
  }

  async #transfer(request: Request): Promise<string> {
    const slot = this.#slot(request);
    const hex = request['write'] ?? '';
    if (typeof hex !== 'string' || !/^([0-9a-f]{2})*$/i.test(hex)) throw new Refusal('EINVAL');
    const length = whole(request, 'read', MAX_READ);
    if (slot.fault === 'nak') throw new Nak();
    if (slot.fault === 'hang') {
      await new Promise<void>((resolve) => slot.release.push(resolve));
      throw new Refusal('EIO');
    }
    if (hex !== '') slot.chip.write(Buffer.from(hex, 'hex'));
    const bytes = length > 0 ? slot.chip.read(length) : new Uint8Array();
    const served = slot.fault === 'short' ? bytes.subarray(0, -1) : bytes;
    return Buffer.from(served).toString('hex');
  }

  #bus(request: Request): Map<number, Slot> {
    const bus = this.#buses.get(whole(request, 'bus', 255));
    if (bus === undefined) throw new Refusal('ENOENT');
    return bus;
  }

  #slot(request: Request): Slot {
    const slot = this.#bus(request).get(whole(request, 'address', 0x7f));
    if (slot === undefined) throw new Refusal('ENXIO');
    return slot;
  }
}

function letGo(slot: Slot): void {
  for (const release of slot.release.splice(0)) release();
}

function whole(request: Request, name: string, max: number): number {
  const value = request[name] ?? 0;
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > max) {
    throw new Refusal('EINVAL');
  }
  return Number(value);
}

function valuesOf(request: Request): ChipValues {
  const values = request['values'] ?? {};
  if (typeof values !== 'object' || values === null) throw new Refusal('EINVAL');
  if (Object.values(values).some((value) => typeof value !== 'number')) throw new Refusal('EINVAL');
  return values as ChipValues;
}
