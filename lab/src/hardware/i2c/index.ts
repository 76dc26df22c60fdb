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
 * | `i2c_fault` | `bus`, `address`, `fault`: `none`, `nak`, `short` (a byte is missing), `hang`, `badcrc` | |
 *
 * `ok` tells success; a failure has a `code`: what the kernel would say (`ENXIO` nobody acknowledges,
 * `ENOENT` no such bus) or `EINVAL` for a request that makes no sense. Bus 1 is always there, as on
 * a Pi; another one comes into being with its first chip. `badcrc` is refused for chips that have no
 * check sum.
 */
import { Bme280 } from './bme280.ts';
import { Bme680 } from './bme680.ts';
import { Nak } from './chip.ts';
import type { Chip, ChipFactory, ChipValues } from './chip.ts';
import { Bh1750, Veml7700 } from './light.ts';
import { Aht20, Scd4x, Sht3x, Sht4x } from './sensirion.ts';
import { Ads1115, Ina219, Lm75, Mcp9808, Tmp102 } from './word-chips.ts';

export { Nak } from './chip.ts';
export type { Chip, ChipValues } from './chip.ts';

export type I2cFault = 'none' | 'nak' | 'short' | 'hang' | 'badcrc';

type Request = Readonly<Record<string, unknown>>;
type Answer = Record<string, unknown>;

const CHIPS: Readonly<Record<string, ChipFactory>> = {
  bme280: (nowMs) => new Bme280(nowMs),
  bmp280: (nowMs) => new Bme280(nowMs, 'bmp280'),
  bme680: (nowMs) => new Bme680(nowMs),
  sht3x: (nowMs) => new Sht3x(nowMs),
  sht4x: (nowMs) => new Sht4x(nowMs),
  aht20: (nowMs) => new Aht20(nowMs),
  scd4x: (nowMs) => new Scd4x(nowMs),
  bh1750: (nowMs) => new Bh1750(nowMs),
  veml7700: (nowMs) => new Veml7700(nowMs),
  ads1115: (nowMs) => new Ads1115(nowMs),
  ina219: (nowMs) => new Ina219(nowMs),
  mcp9808: (nowMs) => new Mcp9808(nowMs),
  tmp102: (nowMs) => new Tmp102(nowMs),
  lm75: (nowMs) => new Lm75(nowMs),
};
/** A chip as it is after power-on; undefined when there is no such model. */
export function modelledChip(name: string, nowMs: () => number): Chip | undefined {
  return Object.hasOwn(CHIPS, name) ? CHIPS[name]?.(nowMs) : undefined;
}

const FAULTS: readonly string[] = ['none', 'nak', 'short', 'hang', 'badcrc'] satisfies I2cFault[];
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
    const chip = modelledChip(String(request['chip']), this.#nowMs);
    if (chip === undefined) throw new Refusal('EINVAL');
    chip.set(valuesOf(request));
    const chips = this.#buses.get(bus) ?? new Map<number, Slot>();
    chips.set(address, { chip, fault: 'none', release: [] });
    this.#buses.set(bus, chips);
    return {};
  }

  #setFault(request: Request): Answer {
    const slot = this.#slot(request);
    const fault = String(request['fault']);
    const impossible = fault === 'badcrc' && slot.chip.spoil === undefined;
    if (!FAULTS.includes(fault) || impossible) throw new Refusal('EINVAL');
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
    if (slot.fault === 'badcrc') slot.chip.spoil?.(bytes);
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
