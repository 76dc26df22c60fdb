/** Every driver of the sensor service against a model of its chip, all on one bus at once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { I2C_DRIVERS } from '../../../../sensor/src/drivers/index.ts';
import { SLOW_MS, World, assertWhole } from './world.ts';
import type { Fields } from './world.ts';

type Numbers = Readonly<Record<string, number>>;

interface Case {
  readonly driver: string;
  readonly address: number;
  readonly values: Numbers;
  /** Quantities expected, and how exact; missing = the values, 0.1 %. */
  readonly expected?: Numbers;
  readonly hasChecksum?: boolean;
}

const CLIMATE = { temperature_celsius: 21.5, humidity_percent: 45 };

const CASES: readonly Case[] = [
  { driver: 'bme280', address: 0x76, values: { ...CLIMATE, pressure_hpa: 1013.25 } },
  { driver: 'bmp280', address: 0x77, values: { temperature_celsius: 20, pressure_hpa: 980 } },
  { driver: 'sht3x', address: 0x45, values: CLIMATE, hasChecksum: true },
  { driver: 'sht4x', address: 0x44, values: CLIMATE, hasChecksum: true },
  { driver: 'aht20', address: 0x38, values: CLIMATE, hasChecksum: true },
  { driver: 'scd4x', address: 0x62, values: { ...CLIMATE, co2_ppm: 815 }, hasChecksum: true },
  { driver: 'bh1750', address: 0x23, values: { illuminance_lux: 250 } },
  // The driver corrects what the sensor gets wrong in bright light (Vishay, application note 84323).
  {
    driver: 'veml7700',
    address: 0x10,
    values: { illuminance_lux: 250 },
    expected: { illuminance_lux: 255.5 },
  },
  { driver: 'mcp9808', address: 0x18, values: { temperature_celsius: -7.25 } },
  { driver: 'tmp102', address: 0x49, values: { temperature_celsius: 30.5 } },
  { driver: 'lm75', address: 0x4a, values: { temperature_celsius: 30.5 } },
  {
    driver: 'ads1115',
    address: 0x48,
    values: { ain0_volt: 1.25, ain1_volt: 0.5 },
    expected: { voltage_0_volt: 1.25, voltage_1_volt: 0.5 },
  },
  { driver: 'ina219', address: 0x40, values: { bus_volt: 5, shunt_volt: 0.01 }, expected: {} },
];

/** For the third chip that lives at 0x76 and 0x77. */
const ALONE: Case = {
  driver: 'bme680',
  address: 0x77,
  values: { ...CLIMATE, pressure_hpa: 1013.25 },
};

const wanted = (one: Case): Numbers => one.expected ?? one.values;

/** With all quantities; an SCD4x needs 5 s for its first, and what never changes is called stuck. */
function complete(one: Case): (reading: Fields) => boolean {
  return (reading) =>
    reading['_quality'] !== 'out_of_range' &&
    Object.keys(wanted(one)).every((name) => reading[name] !== undefined);
}

function assertNear(reading: Fields, expected: Numbers): void {
  for (const [name, value] of Object.entries(expected)) {
    const read = Number(reading[name]);
    const toleranceOf = Math.max(0.1, Math.abs(value) * 0.002);
    assert.ok(Math.abs(read - value) <= toleranceOf, `${name}: ${JSON.stringify(reading)}`);
  }
}

test('every driver has a chip here', () => {
  assert.deepEqual(
    [...CASES, ALONE].map(({ driver }) => driver).toSorted(),
    I2C_DRIVERS.map(({ name }) => name).toSorted(),
  );
});

const idIn = (world: World, { driver, address }: Case) =>
  `${driver}-${world.bus}-${address.toString(16)}`;

/** The modelled bus is slow: what all of them need is more than a busy machine has. */
const CHIPS_AT_ONCE = 5;
const GROUPS = [...CASES.keys()]
  .filter((i) => i % CHIPS_AT_ONCE === 0)
  .map((i) => CASES.slice(i, i + CHIPS_AT_ONCE));

for (const chips of GROUPS) {
  describe(chips.map(({ driver }) => driver).join(' '), () => {
    let world: World;
    const idOf = (one: Case) => idIn(world, one);

    before(async () => {
      world = await World.startWithBus();
      for (const { driver, address, values } of chips) await world.plug(driver, address, values);
      const places = chips.map((one) => `${one.driver}@${world.bus}:0x${one.address.toString(16)}`);
      // A transfer takes 20 ms here and more.
      const env = { SENSORS: places.join(','), INTERVAL_SECONDS: '4', I2C_TIMEOUT_MILLIS: '5000' };
      await world.start('sensor', env, /"event":"started"/);
    });
    after(async () => world[Symbol.asyncDispose]());

    for (const one of chips) {
      test(`${one.driver} is read as it is set`, async () => {
        assertNear(await world.nextReading(idOf(one), complete(one)), wanted(one));
      });
    }

    for (const one of chips.filter(({ hasChecksum }) => hasChecksum === true)) {
      test(`${one.driver} with broken checksums gives no number and comes back`, async () => {
        await world.break(one.address, 'badcrc');
        await world.untilEvent('sensor_lost', 1, { sensor: idOf(one) });
        const lost = async () =>
          (await world.status('sensor'))[`sensor:${idOf(one)}`]?.startsWith('lost');
        await until('the status', lost, SLOW_MS);
        await world.break(one.address, 'none');
        assertNear(await world.nextReading(idOf(one), complete(one)), wanted(one));
      });
    }

    test('no reading of any of them was lost', async () => assertWhole(await world.readings()));
  });
}

describe('a chip alone', () => {
  let world: World;
  before(async () => {
    world = await World.startWithBus();
    await world.plug(ALONE.driver, ALONE.address, ALONE.values);
    const env = { SENSORS: 'auto', INTERVAL_SECONDS: '1', I2C_TIMEOUT_MILLIS: '5000' };
    await world.start('sensor', env, /"event":"started"/);
  });
  after(async () => world[Symbol.asyncDispose]());

  test(`${ALONE.driver} is found by its identity and read as it is set`, async () => {
    const id = idIn(world, ALONE);
    assertNear(await world.nextReading(id, complete(ALONE)), ALONE.values);
    const changed = { temperature_celsius: -20, humidity_percent: 80, pressure_hpa: 700 };
    await world.set(ALONE.address, changed);
    const isNew = (reading: Fields) => Number(reading['temperature_celsius']) < 0;
    assertNear(await world.nextReading(id, isNew), changed);
    assertWhole(await world.readings());
  });
});
