/** A modelled BME280 on the simulated bus, measured by the service. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { KEYS, fieldOf } from '@holdfast/redis';
import { startSimulator } from '../fakes/simulator-server.ts';
import type { Bench } from './service.ts';
import { startBench } from './service.ts';

const CHIP = { bus: 1, address: 0x76 };

/** The newest reading of a sensor. */
async function newest(bench: Bench, sensor: string): Promise<readonly string[] | undefined> {
  const entries = await bench.server.client.xrevrange(KEYS.values.key, '+', '-', 'COUNT', 20);
  return entries
    .map(([, fields]) => fields)
    .find((fields) => fieldOf(fields, '_sensor') === sensor);
}

const near = (fields: readonly string[] | undefined, name: string, value: number, by: number) =>
  fields !== undefined && Math.abs(Number(fieldOf(fields, name)) - value) <= by;

describe('a BME280', () => {
  it('named in SENSORS is measured, and a change of its surroundings is seen', async () => {
    await using simulator = await startSimulator();
    const values = { temperature_celsius: 23.45, humidity_percent: 40, pressure_hpa: 990 };
    await simulator.simulation.handle({ op: 'i2c_add', ...CHIP, chip: 'bme280', values });
    await using bench = await startBench({
      HARDWARE_SIMULATOR: simulator.path,
      SENSORS: 'bme280@1:0x76,host',
      INTERVAL_SECONDS: '0.05',
    });
    const first = await until('a reading', async () => newest(bench, 'bme280-1-76'));
    assert.ok(near(first, 'temperature_celsius', 23.45, 0.01), String(first));
    assert.ok(near(first, 'humidity_percent', 40, 0.1), String(first));
    assert.ok(near(first, 'pressure_hpa', 990, 0.1), String(first));
    const warmer = { temperature_celsius: -12.3 };
    await simulator.simulation.handle({ op: 'i2c_set', ...CHIP, values: warmer });
    await until('the change', async () =>
      near(await newest(bench, 'bme280-1-76'), 'temperature_celsius', -12.3, 0.01),
    );
  });

  it('is found by auto, although the simulator starts later', async () => {
    await using simulator = await startSimulator();
    await using bench = await startBench({
      HARDWARE_SIMULATOR: simulator.path,
      SENSORS: 'auto',
      INTERVAL_SECONDS: '0.05',
    });
    await until('nothing is found', async () =>
      ((await bench.status('detection')) ?? '').includes('sensors: none'),
    );
    await simulator.simulation.handle({ op: 'i2c_add', ...CHIP, address: 0x77, chip: 'bme280' });
    await until('a reading', async () => newest(bench, 'bme280-1-77'), 20_000);
  });

  it('unplugged becomes an event while the others go on, and reads on when plugged back', async () => {
    await using simulator = await startSimulator();
    await simulator.simulation.handle({ op: 'i2c_add', ...CHIP, chip: 'bme280' });
    await using bench = await startBench({
      HARDWARE_SIMULATOR: simulator.path,
      SENSORS: 'bme280@1:0x76,host',
      INTERVAL_SECONDS: '0.05',
    });
    await until('a reading', async () => newest(bench, 'bme280-1-76'));
    await simulator.simulation.handle({ op: 'i2c_remove', ...CHIP });
    const lost = await bench.event('sensor_lost');
    assert.equal(fieldOf(lost, 'sensor'), 'bme280-1-76');
    assert.equal(fieldOf(lost, 'code'), 'ENXIO');
    await until('status', async () =>
      (await bench.status('sensor:bme280-1-76'))?.startsWith('lost'),
    );
    await bench.more(10);
    assert.equal(await bench.status('sensor:host'), 'ok');
    await simulator.simulation.handle({ op: 'i2c_add', ...CHIP, chip: 'bme280' });
    await until('status', async () => (await bench.status('sensor:bme280-1-76')) === 'ok');
  });

  it('that hangs does not delay the machine itself', async () => {
    await using simulator = await startSimulator();
    await simulator.simulation.handle({ op: 'i2c_add', ...CHIP, chip: 'bme280' });
    await using bench = await startBench({
      HARDWARE_SIMULATOR: simulator.path,
      SENSORS: 'bme280@1:0x76,host',
      INTERVAL_SECONDS: '0.02',
      I2C_TIMEOUT_MILLIS: '10000',
    });
    await until('a reading', async () => newest(bench, 'bme280-1-76'));
    await simulator.simulation.handle({ op: 'i2c_fault', ...CHIP, fault: 'hang' });
    await bench.more(40);
    const names = (await bench.events()).map((fields) => fieldOf(fields, 'event'));
    assert.ok(!names.includes('sensor_lost'), 'the chip still hangs');
    const lost = await bench.event('sensor_lost', 30_000);
    assert.equal(fieldOf(lost, 'code'), 'ETIMEDOUT');
    await bench.more(40);
  });
});
