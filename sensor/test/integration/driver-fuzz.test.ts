/**
 * Every driver against random register contents and broken transfers: it yields documented errors or
 * numbers that `judge` can stand for, and it ends.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import { modelledChip } from '@holdfast/lab/hardware';
import { HardwareError } from '../../src/core/hardware-error.ts';
import { defaultOptions } from '../../src/core/options.ts';
import { judge } from '../../src/core/quality.ts';
import { chipLink } from '../../src/drivers/chip-link.ts';
import { I2C_DRIVERS } from '../../src/drivers/index.ts';
import type { I2cDriver } from '../../src/ports.ts';
import { ChipBus } from '../fakes/chip-bus.ts';
import { JumpClock } from '../fakes/jump-clock.ts';

// A stack trace for each of some hundred thousand expected errors would take most of the time.
Error.stackTraceLimit = 0;

const RUNS = 10_000;
/** Codes of the bus and of `core/hardware-error.ts`. */
const DOCUMENTED = new Set(
  ['ENXIO', 'EIO', 'ETIMEDOUT', 'EREMOTEIO', 'WRONG_CHIP', 'BAD_CALIBRATION', 'BAD_CRC'].concat([
    'CHIP_RESET',
    'NOT_READY',
    'NO_DATA',
  ]),
);
/** More transfers than any driver needs: beyond that it is caught in a loop. */
const MANY = 60;

interface Tally {
  measured: number;
  failed: number;
}

async function run(driver: I2cDriver, seed: number, tally: Tally): Promise<void> {
  const random = seededRandom(seed);
  const byte = () => Math.floor(random.next() * 256);
  const clock = new JumpClock();
  const bus = new ChipBus();
  const address = driver.addresses[0] ?? 0;
  const chip = modelledChip(driver.name, () => clock.monotonicMs());
  assert.ok(chip !== undefined);
  bus.chips.set(address, chip);
  // From now and then a damaged byte to nothing but noise.
  const [damage, breakage] = [random.next() ** 3, random.next() ** 4 / 4];
  bus.before = () => {
    assert.ok(bus.log.length < MANY, 'caught in a loop');
    if (random.next() >= breakage) return;
    const code = ['ENXIO', 'ETIMEDOUT', 'EREMOTEIO'][byte() % 3] ?? 'EIO';
    throw new HardwareError(code, 'broken');
  };
  bus.after = (_, bytes) => {
    if (random.next() < breakage) return bytes.subarray(1);
    return bytes.map((value) => (random.next() < damage ? byte() : value));
  };
  try {
    const probe = await driver.open(chipLink(bus, address, clock), defaultOptions(driver.options));
    clock.pass(byte() * 100);
    for (let turn = 0; turn < 2; turn += 1) {
      check(driver, (await probe.measure()).quantities);
      tally.measured += 1;
    }
  } catch (error) {
    if (!(error instanceof HardwareError)) throw error;
    assert.ok(DOCUMENTED.has(error.code), error.code);
    tally.failed += 1;
  }
}

function check(driver: I2cDriver, quantities: Readonly<Record<string, number>>): void {
  const judged = judge(quantities, driver.ranges);
  for (const [name, text] of Object.entries(judged.quantities)) {
    const range = driver.ranges[name];
    assert.match(text, /^-?\d+(\.\d+)?$/);
    assert.ok(range !== undefined && Number(text) >= range.min && Number(text) <= range.max);
  }
  const left = Object.keys(quantities).length - Object.keys(judged.quantities).length;
  assert.equal(judged.quality, left === 0 ? undefined : 'out_of_range');
}

describe('random register contents and broken transfers', () => {
  for (const driver of I2C_DRIVERS) {
    it(`yield documented errors or numbers within the range of ${driver.name}, ${RUNS} times`, async () => {
      const tally = { measured: 0, failed: 0 };
      for (let seed = 1; seed <= RUNS; seed += 1) await run(driver, seed, tally);
      assert.ok(tally.measured > RUNS / 20, `${tally.measured} measured`);
      assert.ok(tally.failed > RUNS / 20, `${tally.failed} failed`);
    });
  }
});

describe('a thousand chips that answer nothing but random bytes', () => {
  for (const driver of I2C_DRIVERS) {
    it(`never break the driver ${driver.name}`, async () => {
      const random = seededRandom(driver.name.length);
      const bus = new ChipBus();
      const clock = new JumpClock();
      const noise = {
        write: () => {},
        set: () => {},
        read: (length: number) =>
          Uint8Array.from({ length }, () => Math.floor(random.next() * 256)),
      };
      for (const address of driver.addresses) bus.chips.set(address, noise);
      const link = chipLink(bus, driver.addresses[0] ?? 0, clock);
      for (let turn = 0; turn < 1_000; turn += 1) {
        await driver
          .open(link, defaultOptions(driver.options))
          .then(async (probe) => check(driver, (await probe.measure()).quantities))
          .catch((error: unknown) => assert.ok(error instanceof HardwareError, String(error)));
      }
    });
  }
});
