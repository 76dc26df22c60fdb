/** The real sensor service with a BME280 on a bus of the kernel. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import type { ManagedProcess } from '@holdfast/lab/servers';
import { SLOW_MS, World, assertWhole } from './world.ts';
import type { ChipFault, Fields } from './world.ts';

const ADDRESS = 0x76;
const INTERVAL_MS = 500;
/** Every temperature the chip ever had. */
const TEMPERATURES = [25.08, 31.4, -12.5, 19, 22.25];

describe('sensor', () => {
  let world: World;
  let sensor: ManagedProcess;
  let id: string;

  const near = (celsius: number) => (reading: Fields) =>
    Math.abs(Number(reading['temperature_celsius']) - celsius) < 0.02;
  /** The status always says so; events stop when a sensor comes and goes often. */
  const untilLost = async () => {
    const status = async () => (await world.status('sensor'))[`sensor:${id}`]?.startsWith('lost');
    await until('the status', status, SLOW_MS);
  };

  before(async () => {
    world = await World.startWithBus();
    id = `bme280-${world.bus}-76`;
    await world.plug('bme280', ADDRESS);
    const env = { SENSORS: 'auto', INTERVAL_SECONDS: String(INTERVAL_MS / 1_000) };
    sensor = await world.start('sensor', env, /"event":"started"/);
  });
  after(async () => world[Symbol.asyncDispose]());

  test("finds the chip by itself and reads the data sheet's example", async () => {
    const reading = await world.nextReading(id);
    assert.ok(near(25.08)(reading), JSON.stringify(reading));
    assert.ok(Math.abs(Number(reading['pressure_hpa']) - 1006.53) < 0.02, JSON.stringify(reading));
    assert.ok(Math.abs(Number(reading['humidity_percent']) - 45) < 0.1, JSON.stringify(reading));
    assert.equal(reading['_quality'], undefined);
  });

  test('follows the chip', async () => {
    for (const celsius of [31.4, -12.5]) {
      await world.set(ADDRESS, { temperature_celsius: celsius });
      await world.nextReading(id, near(celsius));
    }
  });

  test('tells that it was unplugged, and reads on when it is back, as a chip without settings', async () => {
    await world.unplug(ADDRESS);
    await untilLost();
    await world.untilEvent('sensor_lost', 1, { sensor: id });
    await world.plug('bme280', ADDRESS, { temperature_celsius: 19 });
    const pluggedMs = performance.now();
    await world.nextReading(id, near(19));
    const tookMs = performance.now() - pluggedMs;
    console.log(
      `  read again ${Math.round(tookMs)} ms after plugging in, interval ${INTERVAL_MS} ms`,
    );
    await world.untilEvent('sensor_found', 1, { sensor: id });
  });

  for (const fault of ['nak', 'short'] satisfies ChipFault[]) {
    test(`gets over a chip whose transfers fail (${fault})`, async () => {
      await world.break(ADDRESS, fault);
      await untilLost();
      await world.break(ADDRESS, 'none');
      await world.nextReading(id, near(19));
    });
  }

  test('goes on with the others while a transfer hangs', async () => {
    await world.break(ADDRESS, 'hang');
    await untilLost();
    for (let i = 0; i < 4; i += 1) await world.nextReading('host');
    await world.break(ADDRESS, 'none');
    await world.set(ADDRESS, { temperature_celsius: 22.25 });
    await world.nextReading(id, near(22.25));
  });

  test('gets over an adapter that is pulled out and plugged in', async () => {
    await world.pullAdapter();
    await untilLost();
    await world.nextReading('host');
    await world.plugAdapter();
    await world.nextReading(id, near(22.25));
  });

  test('has lost no reading and invented none', async () => {
    assert.equal(await sensor.stop(), 0);
    const readings = await world.readings();
    assertWhole(readings);
    for (const reading of readings.filter(({ _sensor }) => _sensor === id)) {
      if (reading['temperature_celsius'] === undefined) continue;
      assert.ok(
        TEMPERATURES.some((celsius) => near(celsius)(reading)),
        JSON.stringify(reading),
      );
    }
    const status = await world.status('sensor');
    assert.equal(status['readings'], String(readings.length));
    assert.equal(status['dropped'], '0');
  });
});
