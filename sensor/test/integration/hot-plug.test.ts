/**
 * An hour in which chips are unplugged, plugged back and disturbed at random: no wrong value, no
 * reading lost that a chip could have given.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock, seededRandom } from '@holdfast/kit/testing';
import { modelledChip } from '@holdfast/lab/hardware';
import type { Reading } from '@holdfast/redis';
import { ExclusiveBus } from '../../src/adapters/exclusive-bus.ts';
import { HardwareError } from '../../src/core/hardware-error.ts';
import { defaultOptions } from '../../src/core/options.ts';
import { I2C_DRIVERS, i2cSensor } from '../../src/drivers/index.ts';
import { SensorRunner } from '../../src/sensor-runner.ts';
import { ChipBus } from '../fakes/chip-bus.ts';
import { fakeBuses } from '../fakes/register-bus.ts';

const INTERVAL_MS = 5_000;
const HOUR_MS = 3_600_000;

/** One chip of each kind, each at an address of its own on the bus; the bus asks for no real one. */
const PLACES: readonly [string, number, Readonly<Record<string, readonly [number, number]>>][] = [
  [
    'bme280',
    0x76,
    {
      temperature_celsius: [21.5, 0.01],
      humidity_percent: [45, 0.1],
      pressure_hpa: [1013.25, 0.1],
    },
  ],
  ['bmp280', 0x77, { temperature_celsius: [21.5, 0.01], pressure_hpa: [1013.25, 0.1] }],
  [
    'bme680',
    0x74,
    {
      temperature_celsius: [21.5, 0.01],
      humidity_percent: [45, 0.1],
      pressure_hpa: [1013.25, 0.2],
    },
  ],
  ['sht4x', 0x44, { temperature_celsius: [21.5, 0.01], humidity_percent: [45, 0.01] }],
  ['sht3x', 0x45, { temperature_celsius: [21.5, 0.01], humidity_percent: [45, 0.01] }],
  ['aht20', 0x38, { temperature_celsius: [21.5, 0.01], humidity_percent: [45, 0.01] }],
  [
    'scd4x',
    0x62,
    { co2_ppm: [620, 0], temperature_celsius: [21.5, 0.01], humidity_percent: [45, 0.01] },
  ],
  ['bh1750', 0x23, { illuminance_lux: [320, 0.1] }],
  ['veml7700', 0x10, { illuminance_lux: [320, 0.6] }],
  ['ads1115', 0x49, { voltage_0_volt: [0.5, 0.001], voltage_3_volt: [3.3, 0.001] }],
  ['ina219', 0x40, { voltage_volt: [5, 0], current_ampere: [0.5, 0] }],
  ['mcp9808', 0x18, { temperature_celsius: [21.5, 0] }],
  ['tmp102', 0x48, { temperature_celsius: [21.5, 0] }],
  ['lm75', 0x4f, { temperature_celsius: [21.5, 0] }],
];

type Place = (typeof PLACES)[number];

interface Slot {
  readonly place: Place;
  readonly runner: SensorRunner;
  readonly readings: Reading[];
  /** When it was plugged, unplugged or disturbed last; it owes readings two intervals later. */
  changedMs: number;
  plugged: boolean;
}

function setUp(seed: number) {
  const clock = new ManualClock();
  const random = seededRandom(seed);
  const inner = new ChipBus();
  const bus = new ExclusiveBus(inner, 'bus', 1_000, clock);
  const buses = fakeBuses(new Map([[1, bus]]));
  const slots = PLACES.map((place): Slot => {
    const [name, address] = place;
    const driver = I2C_DRIVERS.find((candidate) => candidate.name === name);
    assert.ok(driver !== undefined);
    const readings: Reading[] = [];
    const at = { driver: name, bus: 1, address, options: defaultOptions(driver.options) };
    const runner = new SensorRunner({
      sensor: i2cSensor(driver, at, buses, clock),
      boot: 'b',
      clock,
      onReading: (reading) => readings.push(reading),
      onHealth: () => {},
    });
    return { place, runner, readings, changedMs: 0, plugged: false };
  });
  const plug = (slot: Slot, plugged: boolean) => {
    const [name, address] = slot.place;
    const chip = modelledChip(name, () => clock.monotonicMs());
    assert.ok(chip !== undefined);
    if (plugged) inner.chips.set(address, chip);
    else inner.chips.delete(address);
    slot.plugged = plugged;
    slot.changedMs = clock.monotonicMs();
  };
  return { clock, random, inner, slots, plug };
}

function checkValues({ place: [name, , world], readings }: Slot): void {
  for (const { quantities, quality } of readings) {
    for (const [quantity, [wanted, by]] of Object.entries(world)) {
      const text = quantities[quantity];
      if (text === undefined) continue;
      assert.ok(Math.abs(Number(text) - wanted) <= by + 1e-9, `${name} ${quantity} ${text}`);
    }
    const complete = Object.keys(world).every((quantity) => quantities[quantity] !== undefined);
    assert.ok(complete || quality !== undefined, `${name}: values missing and not said`);
  }
}

describe('an hour of unplugging and plugging back at random', () => {
  for (const seed of [1, 2]) {
    it(`leaves no wrong value and no reading lost (seed ${seed})`, async () => {
      const { clock, random, slots, plug } = setUp(seed);
      for (const slot of slots) plug(slot, true);
      const endMs = clock.monotonicMs() + HOUR_MS;
      let owed = 0;
      while (clock.monotonicMs() < endMs) {
        const before = slots.map(({ readings }) => readings.length);
        const tickMs = clock.monotonicMs();
        for (const { runner } of slots) runner.tick();
        // Somebody pulls or plugs at any moment, in the middle of transfers too.
        await clock.advance(Math.floor(random.next() * INTERVAL_MS));
        for (const slot of slots) if (random.next() < 0.05) plug(slot, !slot.plugged);
        await clock.advance(tickMs + INTERVAL_MS - clock.monotonicMs());
        for (const [i, slot] of slots.entries()) {
          const settled = slot.plugged && slot.changedMs + 2 * INTERVAL_MS <= tickMs;
          if (!settled) continue;
          owed += 1;
          const given = slot.readings.length - (before[i] ?? 0);
          assert.equal(
            given,
            1,
            `${slot.place[0]} at ${tickMs}: ${JSON.stringify(slot.runner.health)}`,
          );
        }
      }
      assert.ok(owed > 3_000, `${owed} readings owed`);
      for (const slot of slots) checkValues(slot);
    });
  }

  it('and with broken answers: each costs its own reading at most, never a wrong value', async () => {
    const { clock, random, inner, slots, plug } = setUp(9);
    for (const slot of slots) plug(slot, true);
    let broken = 0;
    inner.before = () => {
      if (random.next() >= 0.005) return;
      broken += 1;
      throw new HardwareError(random.next() < 0.5 ? 'ENXIO' : 'EIO', 'disturbed');
    };
    const ticks = HOUR_MS / INTERVAL_MS;
    for (let n = 0; n < ticks; n += 1) {
      for (const { runner } of slots) runner.tick();
      await clock.advance(INTERVAL_MS);
    }
    const readings = slots.reduce((sum, slot) => sum + slot.readings.length, 0);
    assert.ok(broken > 50, `${broken} broken`);
    assert.ok(readings >= ticks * slots.length - broken, `${readings} readings, ${broken} broken`);
    for (const slot of slots) checkValues(slot);
  });
});
