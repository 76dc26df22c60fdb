/** Every driver against the lab's model of its chip. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelledChip } from '@holdfast/lab/hardware';
import { HardwareError } from '../../src/core/hardware-error.ts';
import { defaultOptions } from '../../src/core/options.ts';
import type { SensorOptions } from '../../src/core/options.ts';
import { judge } from '../../src/core/quality.ts';
import { chipLink } from '../../src/drivers/chip-link.ts';
import { I2C_DRIVERS } from '../../src/drivers/index.ts';
import type { I2cDriver } from '../../src/ports.ts';
import { ChipBus } from '../fakes/chip-bus.ts';
import { JumpClock } from '../fakes/jump-clock.ts';

/** What the chip is set to, and how near the driver must come: the chip's own step. */
const WORLDS: Readonly<Record<string, Readonly<Record<string, [value: number, step: number]>>>> = {
  bme280: {
    temperature_celsius: [-12.3, 0.01],
    pressure_hpa: [990, 0.05],
    humidity_percent: [61, 0.1],
  },
  bmp280: { temperature_celsius: [31.7, 0.01], pressure_hpa: [1030, 0.05] },
  bme680: {
    temperature_celsius: [24.2, 0.02],
    pressure_hpa: [1001, 0.3],
    humidity_percent: [55, 0.1],
  },
  sht3x: { temperature_celsius: [22.22, 0.01], humidity_percent: [33.3, 0.01] },
  sht4x: { temperature_celsius: [-7.5, 0.01], humidity_percent: [88.8, 0.01] },
  aht20: { temperature_celsius: [19.87, 0.01], humidity_percent: [41.2, 0.01] },
  scd4x: { co2_ppm: [1234, 0], temperature_celsius: [26, 0.01], humidity_percent: [39, 0.01] },
  bh1750: { illuminance_lux: [1500, 0.5] },
  veml7700: { illuminance_lux: [2500, 0.5] },
  ads1115: {
    voltage_0_volt: [0.1, 0.0002],
    voltage_1_volt: [-0.2, 0.0002],
    voltage_2_volt: [3.3, 0.0002],
    voltage_3_volt: [4, 0.0002],
  },
  ina219: { voltage_volt: [12, 0.004], current_ampere: [1.5, 0.0001] },
  mcp9808: { temperature_celsius: [-3.25, 0.032] },
  tmp102: { temperature_celsius: [85.5, 0.032] },
  lm75: { temperature_celsius: [-25, 0.25] },
};

/** Longest waits of one measurement, as the data sheets give them. */
const WAITS_MS: Readonly<Record<string, readonly number[]>> = {
  bme280: [9.3],
  bmp280: [6.4],
  bme680: [12],
  sht3x: [15.5],
  sht4x: [8.3],
  aht20: [80],
  scd4x: [1, 1],
  bh1750: [180],
  veml7700: [],
  ads1115: [9, 9, 9, 9],
  ina219: [2],
  mcp9808: [],
  tmp102: [35],
  lm75: [],
};

/** Commands that make the chip hold the clock line: a Pi's controller cannot bear that. */
const STRETCHING = ['2c06', '2c0d', '2c10', 'e3', 'e5'];

function bench(driver: I2cDriver, options: SensorOptions = defaultOptions(driver.options)) {
  const clock = new JumpClock();
  const bus = new ChipBus();
  const address = driver.addresses[0] ?? 0;
  const plug = () => {
    const chip = modelledChip(driver.name, () => clock.monotonicMs());
    assert.ok(chip !== undefined, `no model of ${driver.name}`);
    bus.chips.set(address, chip);
    return chip;
  };
  const link = chipLink(bus, address, clock);
  return { clock, bus, address, plug, link, open: async () => driver.open(link, options) };
}

for (const driver of I2C_DRIVERS) {
  const world = WORLDS[driver.name] ?? {};
  const settled = async (rig: ReturnType<typeof bench>) => {
    const chip = rig.plug();
    chip.set(Object.fromEntries(Object.entries(world).map(([name, [value]]) => [name, value])));
    const probe = await rig.open();
    // SCD4x: the first value, and the end of its first minutes.
    rig.clock.pass(200_000);
    return probe;
  };

  describe(`the driver ${driver.name}`, () => {
    it('measures what the chip is set to, within a step of the chip', async () => {
      const rig = bench(driver);
      const { quantities, quality } = await (await settled(rig)).measure();
      for (const [name, [value, step]] of Object.entries(world)) {
        const measured = quantities[name];
        assert.ok(measured !== undefined, name);
        assert.ok(Math.abs(measured - value) <= step, `${name} ${measured}, not ${value}`);
      }
      assert.equal(quality, undefined);
      assert.equal(judge(quantities, driver.ranges).quality, undefined);
    });

    it('has a range for every quantity and no quantity without', async () => {
      const { quantities } = await (await settled(bench(driver))).measure();
      assert.deepEqual(Object.keys(quantities).toSorted(), Object.keys(driver.ranges).toSorted());
    });

    it('waits as long as a conversion takes at most', async () => {
      const rig = bench(driver);
      const probe = await settled(rig);
      rig.clock.waits.length = 0;
      await probe.measure();
      assert.deepEqual(rig.clock.waits, WAITS_MS[driver.name]);
    });

    it('never makes the chip stretch the clock', async () => {
      const rig = bench(driver);
      await (await settled(rig)).measure();
      await driver.identify?.(rig.link);
      for (const { written } of rig.bus.log) {
        assert.ok(!STRETCHING.includes(Buffer.from(written).toString('hex')));
      }
    });

    it('rejects as the bus does when the chip is gone', async () => {
      const rig = bench(driver);
      const probe = await settled(rig);
      rig.bus.chips.clear();
      const gone = (error: unknown) => error instanceof HardwareError && error.code === 'ENXIO';
      await assert.rejects(probe.measure(), gone);
      await assert.rejects(rig.open(), gone);
    });

    it('gives no wrong value when the chip was exchanged unnoticed, and is right again', async () => {
      const rig = bench(driver);
      let probe = await settled(rig);
      await probe.measure();
      rig.plug().set(Object.fromEntries(Object.entries(world).map(([name, [v]]) => [name, v])));
      for (let turn = 0; turn < 4; turn += 1) {
        rig.clock.pass(5_000);
        const measured = await probe.measure().catch(async (error: unknown) => {
          assert.ok(error instanceof HardwareError, String(error));
          probe = await rig.open();
          return { quantities: {}, quality: undefined };
        });
        for (const [name, value] of Object.entries(measured.quantities)) {
          const [wanted = value, step = 0] = world[name] ?? [];
          assert.ok(Math.abs(value - wanted) <= step, `${name} ${value}`);
        }
      }
      rig.clock.pass(10_000);
      const { quantities } = await probe.measure();
      assert.equal(Object.keys(quantities).length, Object.keys(driver.ranges).length);
    });
  });
}

it('an LM75 is not read more often than it converts, as a read makes it begin anew', async () => {
  const driver = I2C_DRIVERS.find(({ name }) => name === 'lm75');
  assert.ok(driver !== undefined);
  const rig = bench(driver);
  rig.plug();
  const probe = await rig.open();
  for (let turn = 0; turn < 3; turn += 1) {
    const beforeMs = rig.clock.monotonicMs();
    await probe.measure();
    assert.equal(rig.clock.monotonicMs() - beforeMs, 300);
  }
});

describe('options', () => {
  const measureWith = async (
    name: string,
    values: Record<string, number>,
    given: SensorOptions,
  ) => {
    const driver = I2C_DRIVERS.find((candidate) => candidate.name === name);
    assert.ok(driver !== undefined);
    const rig = bench(driver, { ...defaultOptions(driver.options), ...given });
    rig.plug().set(values);
    return (await (await rig.open()).measure()).quantities;
  };

  it('gain of an ADS1115: a small voltage in fine steps, a large one beyond the scale', async () => {
    const fine = await measureWith('ads1115', { voltage_0_volt: 0.123456 }, { gain: 16 });
    assert.ok(Math.abs((fine['voltage_0_volt'] ?? 0) - 0.123456) < 0.000004);
    assert.ok(Number.isNaN(fine['voltage_3_volt']));
  });

  it('shunt and largest current of an INA219', async () => {
    const values = { voltage_volt: 24, current_ampere: 20, shunt_ohm: 0.002 };
    const measured = await measureWith('ina219', values, { shunt_ohm: 0.002, max_ampere: 40 });
    assert.equal(measured['current_ampere'], 20);
    assert.equal(measured['power_watt'], 480);
    const clipped = await measureWith('ina219', values, { shunt_ohm: 0.002, max_ampere: 10 });
    assert.ok(Number.isNaN(clipped['current_ampere']));
  });

  it('gain and integration time of a VEML7700', async () => {
    const dim = await measureWith(
      'veml7700',
      { illuminance_lux: 3.21 },
      { gain: 2, integration_millis: 800 },
    );
    assert.ok(Math.abs((dim['illuminance_lux'] ?? 0) - 3.21) < 0.003);
  });
});
