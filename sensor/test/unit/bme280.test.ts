import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import {
  BME280_RANGES,
  CHIP_ID,
  REGISTER,
  compensate,
  parseResult,
  parseTrimming,
} from '../../src/core/chips/bme280.ts';
import { HardwareError } from '../../src/core/hardware-error.ts';
import { judge } from '../../src/core/quality.ts';
import { bme280 } from '../../src/drivers/bme280.ts';
import { chipLink } from '../../src/drivers/chip-link.ts';
import { FakeBus } from '../fakes/register-bus.ts';
import type { FakeChip } from '../fakes/register-bus.ts';

/** Trimming of the worked example in Bosch's data sheet of the sister chip BMP280 (same formulas). */
const EXAMPLE = {
  t: [27_504, 26_435, -1000],
  p: [36_477, -10_685, 3024, 2855, 140, -7, 15_500, -14_600, 6000],
  h: [75, 370, 0, 313, 50, 30],
} as const;

const code = (expected: string) => (error: unknown) =>
  error instanceof HardwareError && error.code === expected;

function blocks(): [Uint8Array, Uint8Array] {
  const [one, two] = [new Uint8Array(26), new Uint8Array(7)];
  const [first, second] = [new DataView(one.buffer), new DataView(two.buffer)];
  [...EXAMPLE.t, ...EXAMPLE.p].forEach((word, i) => first.setInt16(2 * i, word, true));
  const [h1, h2, h3, h4, h5, h6] = EXAMPLE.h;
  one[25] = h1;
  second.setInt16(0, h2, true);
  two.set([h3, h4 >> 4, (h4 & 15) | ((h5 & 15) << 4), h5 >> 4, h6], 2);
  return [one, two];
}

const twenty = (v: number) => [v >> 12, (v >> 4) & 0xff, (v & 0x0f) << 4];

/** The burst at 0xF2 with the given raw values and settings. */
function burst(raw: { p: number; t: number; h: number }, head = [0x01, 0x00, 0x24, 0x00, 0x00]) {
  return Uint8Array.from([...head, ...twenty(raw.p), ...twenty(raw.t), raw.h >> 8, raw.h & 0xff]);
}

describe('the compensation', () => {
  const raw = { temperature: 519_888, pressure: 415_148, humidity: 30_281 };

  it("gives the worked example's 25.08 °C", () => {
    assert.equal(compensate(raw, EXAMPLE).temperatureCelsius.toFixed(2), '25.08');
  });

  it("gives the worked example's 100653.27 Pa", () => {
    assert.equal(compensate(raw, EXAMPLE).pressurePascal.toFixed(2), '100653.27');
  });

  it('gives no pressure where the formula would divide by zero', () => {
    const broken = { ...EXAMPLE, p: [0, 0, 0, 0, 0, 0, 0, 0, 0] as const };
    assert.ok(Number.isNaN(compensate(raw, broken).pressurePascal));
  });

  it('holds humidity within 0 and 100 percent', () => {
    assert.equal(compensate({ ...raw, humidity: 0 }, EXAMPLE).humidityPercent, 0);
    assert.equal(compensate({ ...raw, humidity: 0xffff }, EXAMPLE).humidityPercent, 100);
  });
});

describe('the trimming parameters', () => {
  it('are read with their signs and shared nibbles', () => {
    assert.deepEqual(parseTrimming(...blocks()), EXAMPLE);
  });

  it('H4 and H5 may be negative', () => {
    const [one, two] = blocks();
    two.set([0xff, 0x21, 0xfe], 3);
    const { h } = parseTrimming(one, two);
    assert.deepEqual([h[3], h[4]], [-16 + 1, -32 + 2]);
  });

  for (const value of [0x00, 0xff]) {
    it(`are refused when every byte is ${value}`, () => {
      const one = new Uint8Array(26).fill(value);
      assert.throws(() => parseTrimming(one, new Uint8Array(7)), code('BAD_CALIBRATION'));
    });
  }
});

describe('the result registers', () => {
  it('hold 20, 20 and 16 bits', () => {
    assert.deepEqual(parseResult(burst({ p: 415_148, t: 519_888, h: 30_281 })), {
      pressure: 415_148,
      temperature: 519_888,
      humidity: 30_281,
    });
  });

  const refused: readonly [string, number[], string][] = [
    ['a conversion under way', [0x01, 0x08, 0x25, 0, 0], 'NOT_READY'],
    ['settings as after power-on', [0x00, 0x00, 0x00, 0, 0], 'CHIP_RESET'],
    ['humidity switched off', [0x00, 0x00, 0x24, 0, 0], 'CHIP_RESET'],
    ['a bus that reads all ones', [0xff, 0xff, 0xff, 0xff, 0xff], 'CHIP_RESET'],
  ];
  for (const [what, head, expected] of refused) {
    it(`are no measurement with ${what}`, () => {
      assert.throws(() => parseResult(burst({ p: 0, t: 0, h: 0 }, head)), code(expected));
    });
  }
});

/** A chip that converts at once. */
function chip(): FakeChip {
  const registers = new Uint8Array(256);
  registers[REGISTER.id] = CHIP_ID;
  const [one, two] = blocks();
  registers.set(one, REGISTER.trimming1.first);
  registers.set(two, REGISTER.trimming2.first);
  return {
    registers,
    onWrite(register, value) {
      if (register === REGISTER.reset) registers.fill(0, 0xf2, 0xf6);
      if (register !== REGISTER.ctrlMeas || (value & 3) === 0) return;
      registers[REGISTER.ctrlMeas] = value & ~3;
      registers.set(burst({ p: 415_148, t: 519_888, h: 30_281 }).subarray(5), 0xf7);
    },
  };
}

/** The driver at an address of a bus, with a clock that waits for nobody. */
const at = (bus: FakeBus, address: number, sleepMs = async (_delayMs: number) => {}) => {
  const link = chipLink(bus, address, { sleepMs, monotonicMs: () => 0 });
  return { identify: async () => bme280.identify?.(link), open: async () => bme280.open(link, {}) };
};

describe('the driver', () => {
  it('opens the chip and measures in forced mode', async () => {
    const bus = new FakeBus();
    bus.chips.set(0x76, chip());
    assert.equal(await at(bus, 0x76).identify(), true);
    const { quantities: measured } = await (await at(bus, 0x76).open()).measure();
    assert.equal(measured['temperature_celsius']?.toFixed(2), '25.08');
    assert.equal(measured['pressure_hpa']?.toFixed(2), '1006.53');
    assert.ok((measured['humidity_percent'] ?? 0) > 0);
  });

  it('waits as long as the data sheet says a conversion takes at most', async () => {
    const bus = new FakeBus();
    bus.chips.set(0x77, chip());
    const waits: number[] = [];
    const probe = await at(bus, 0x77, async (delayMs) => void waits.push(delayMs)).open();
    waits.length = 0;
    await probe.measure();
    assert.deepEqual(waits, [9.3]);
  });

  it('refuses another chip at its address', async () => {
    const bus = new FakeBus();
    const other = chip();
    other.registers[REGISTER.id] = 0x58;
    bus.chips.set(0x76, other);
    assert.equal(await at(bus, 0x76).identify(), false);
    await assert.rejects(at(bus, 0x76).open(), code('WRONG_CHIP'));
  });

  it('notices that the chip was exchanged or lost its power between two measurements', async () => {
    const bus = new FakeBus();
    bus.chips.set(0x76, chip());
    const probe = await at(bus, 0x76).open();
    bus.chips.set(0x76, chip());
    await assert.rejects(probe.measure(), code('CHIP_RESET'));
  });

  it('rejects as the bus does when the chip is gone', async () => {
    const bus = new FakeBus();
    bus.chips.set(0x76, chip());
    const probe = await at(bus, 0x76).open();
    bus.chips.clear();
    await assert.rejects(probe.measure(), code('ENXIO'));
  });

  it('gives up on a chip that never finishes its reset', async () => {
    const bus = new FakeBus();
    const stuck = chip();
    bus.chips.set(0x76, {
      ...stuck,
      onWrite: () => void (stuck.registers[REGISTER.status] = 1),
    });
    await assert.rejects(at(bus, 0x76).open(), code('NOT_READY'));
  });
});

function check(quantities: Readonly<Record<string, number>>): void {
  const judged = judge(quantities, BME280_RANGES);
  for (const [name, text] of Object.entries(judged.quantities)) {
    const range = BME280_RANGES[name];
    assert.ok(range !== undefined && Number(text) >= range.min && Number(text) <= range.max);
  }
  const complete = Object.keys(judged.quantities).length === 3;
  assert.equal(judged.quality, complete ? undefined : 'out_of_range');
}

describe('random register contents and broken transfers', () => {
  it('yield documented errors or numbers within the physical range, 10,000 times', async () => {
    const random = seededRandom(280);
    const byte = () => Math.floor(random.next() * 256);
    let [measured, failed] = [0, 0];
    for (let run = 0; run < 10_000; run += 1) {
      const bus = new FakeBus();
      const broken = chip();
      const damage = random.next();
      // From single damaged bytes to nothing but noise; identity and settings often survive.
      for (let register = 0x88; register < 0xf7; register += 1) {
        const keep = register === REGISTER.id && random.next() < 0.9;
        if (!keep && random.next() < damage) broken.registers[register] = byte();
      }
      const raw = { p: byte() * 4096, t: byte() * 4096, h: byte() * 256 };
      const noisy: FakeChip = {
        registers: broken.registers,
        onWrite(register, value) {
          broken.onWrite?.(register, value);
          if (random.next() < 0.9) broken.registers.set(burst(raw).subarray(5), 0xf7);
        },
      };
      if (run % 3 === 0) {
        noisy.onTransfer = async (length) =>
          random.next() < 0.05 ? Uint8Array.from({ length: length + 1 }, byte) : undefined;
      }
      bus.chips.set(0x76, noisy);
      try {
        const { quantities } = await (await at(bus, 0x76).open()).measure();
        check(quantities);
        measured += 1;
      } catch (error) {
        if (!(error instanceof HardwareError)) throw error;
        failed += 1;
      }
    }
    assert.ok(measured > 1000, `${measured} measured`);
    assert.ok(failed > 1000, `${failed} failed`);
  });
});
