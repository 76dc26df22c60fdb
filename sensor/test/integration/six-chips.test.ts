/** Six chips on two modelled buses, measured by the service as it is built. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { KEYS, fieldOf } from '@holdfast/redis';
import { startSimulator } from '../fakes/simulator-server.ts';
import type { SimulatorServer } from '../fakes/simulator-server.ts';
import { checkStream } from '../fakes/stream-check.ts';
import { startBench } from './service.ts';
import type { Bench } from './service.ts';

const CHIPS = [
  { bus: 1, address: 0x76, chip: 'bme280', values: { temperature_celsius: 23.45 } },
  { bus: 1, address: 0x44, chip: 'sht4x', values: { humidity_percent: 61 } },
  { bus: 1, address: 0x62, chip: 'scd4x', values: { co2_ppm: 777 } },
  { bus: 1, address: 0x48, chip: 'ads1115', values: { voltage_2_volt: 1.25 } },
  { bus: 3, address: 0x40, chip: 'ina219', values: { voltage_volt: 12, current_ampere: 0.25 } },
  { bus: 3, address: 0x23, chip: 'bh1750', values: { illuminance_lux: 1000 } },
] as const;

const NAMED = 'auto,ads1115@1:0x48?gain=2,ina219@3:0x40?shunt_ohm=0.1&max_ampere=3.2,bh1750@3:0x23';

const EXPECTED: readonly [string, string, number, number][] = [
  ['bme280-1-76', 'temperature_celsius', 23.45, 0.01],
  ['sht4x-1-44', 'humidity_percent', 61, 0.01],
  ['scd4x-1-62', 'co2_ppm', 777, 0],
  ['ads1115-1-48', 'voltage_2_volt', 1.25, 0.0001],
  ['ina219-3-40', 'current_ampere', 0.25, 0],
  ['bh1750-3-23', 'illuminance_lux', 1000, 0.5],
];

async function plugAll({ simulation }: SimulatorServer): Promise<void> {
  for (const chip of CHIPS) await simulation.handle({ op: 'i2c_add', ...chip });
}

async function newest(bench: Bench, sensor: string): Promise<readonly string[] | undefined> {
  const entries = await bench.server.client.xrevrange(KEYS.values.key, '+', '-', 'COUNT', 60);
  return entries
    .map(([, fields]) => fields)
    .find((fields) => fieldOf(fields, '_sensor') === sensor);
}

describe('six chips', () => {
  it('are found or named, and measured with the right values and units', async () => {
    await using simulator = await startSimulator();
    await plugAll(simulator);
    await using bench = await startBench({
      HARDWARE_SIMULATOR: simulator.path,
      SENSORS: NAMED,
      INTERVAL_SECONDS: '0.25',
    });
    for (const [sensor, quantity, wanted, by] of EXPECTED) {
      const text = await until(
        `${quantity} of ${sensor}`,
        async () => fieldOf((await newest(bench, sensor)) ?? [], quantity),
        20_000,
      );
      assert.ok(Math.abs(Number(text) - wanted) <= by, `${sensor} ${quantity} ${text}`);
    }
    // It has a new value every 5 s only: in between the newest entries may all be of the others.
    const quality = await until(
      'the quality of a young chip',
      async () => fieldOf((await newest(bench, 'scd4x-1-62')) ?? [], '_quality'),
      20_000,
    );
    assert.match(quality, /^(warming_up|stale)$/);
    const tried = await until(
      'what was tried',
      async () => (await bench.status('tried')) || undefined,
    );
    assert.match(tried, /bus 1: 0x76 bme280 (found|in use)/);
    assert.match(tried, /bus 3: .*0x62 scd4x no answer/);
    assert.equal(await bench.sensor.stop(), 0);
    const check = await checkStream(bench.server.client);
    assert.deepEqual([check.missing, check.repeated], [[], []]);
  });

  it('a broken check sum is no loss, a chip pulled is one, and the others go on', async () => {
    await using simulator = await startSimulator();
    await plugAll(simulator);
    const { simulation } = simulator;
    const sht = { bus: 1, address: 0x44 };
    await using bench = await startBench({
      HARDWARE_SIMULATOR: simulator.path,
      SENSORS: 'sht4x@1:0x44,bme280@1:0x76,host',
      INTERVAL_SECONDS: '0.05',
    });
    await until('a reading', async () => newest(bench, 'sht4x-1-44'));
    await simulation.handle({ op: 'i2c_fault', ...sht, fault: 'badcrc' });
    const lost = await bench.event('sensor_lost');
    assert.equal(fieldOf(lost, 'code'), 'BAD_CRC');
    await bench.more(20);
    await simulation.handle({ op: 'i2c_fault', ...sht, fault: 'none' });
    await until('ok again', async () => (await bench.status('sensor:sht4x-1-44')) === 'ok');
    const names = (await bench.events()).map((fields) => fieldOf(fields, 'sensor'));
    assert.ok(
      names.filter((name) => name === 'bme280-1-76').length === 1,
      'found once, never lost',
    );
  });
});

describe('a bus that hangs', () => {
  it('does not hold up the other, and its chip reads on when it lets go', async () => {
    await using simulator = await startSimulator();
    await plugAll(simulator);
    const { simulation } = simulator;
    const light = { bus: 3, address: 0x23 };
    await using bench = await startBench({
      HARDWARE_SIMULATOR: simulator.path,
      SENSORS: 'bh1750@3:0x23,bme280@1:0x76',
      INTERVAL_SECONDS: '0.05',
      I2C_TIMEOUT_MILLIS: '1000',
    });
    await until('light', async () => newest(bench, 'bh1750-3-23'));
    await simulation.handle({ op: 'i2c_fault', ...light, fault: 'hang' });
    const lost = await bench.event('sensor_lost');
    assert.deepEqual(
      [fieldOf(lost, 'sensor'), fieldOf(lost, 'code')],
      ['bh1750-3-23', 'ETIMEDOUT'],
    );
    await bench.more(10);
    assert.equal(await bench.status('sensor:bme280-1-76'), 'ok');
    await simulation.handle({ op: 'i2c_fault', ...light, fault: 'none' });
    await until('ok', async () => (await bench.status('sensor:bh1750-3-23')) === 'ok', 20_000);
  });
});

describe('with nothing attached', () => {
  it('this machine is measured and the status says what was tried', async () => {
    await using simulator = await startSimulator();
    await using bench = await startBench({
      HARDWARE_SIMULATOR: simulator.path,
      SENSORS: 'auto',
      I2C_BUSES: '1,7',
      INTERVAL_SECONDS: '0.05',
    });
    await until('a reading', async () => newest(bench, 'host'));
    const tried = await until(
      'what was tried',
      async () => (await bench.status('tried')) || undefined,
    );
    assert.match(tried, /^bus 1: 0x76 bme280 no answer, .*; bus 7: 0x76 bme280 ENOENT$/);
    assert.equal(await bench.status('detection'), 'I2C buses: 1 7; sensors: none');
  });
});

describe('a button on GPIO 2', () => {
  it('is an event and a warning, once, when sensors are on bus 1', async () => {
    await using simulator = await startSimulator();
    await using bench = await startBench({
      HARDWARE_SIMULATOR: simulator.path,
      SENSORS: 'bme280@1:0x76',
      INTERVAL_SECONDS: '0.05',
    });
    await bench.server.client.hset(KEYS.buttonStatus.key, 'pin', '2');
    const conflict = await bench.event('gpio_conflict', 15_000);
    assert.equal(fieldOf(conflict, 'pin'), '2');
    assert.match(fieldOf(conflict, 'error') ?? '', /BUTTON_PIN = 17/);
    const line = await bench.sensor.untilLine(/"gpio_conflict"/);
    assert.equal((JSON.parse(line) as { level?: string }).level, 'warn');
  });
});
