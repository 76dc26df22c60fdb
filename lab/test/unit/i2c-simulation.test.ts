import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { I2cSimulation } from '../../src/hardware/i2c/index.ts';
import {
  TRIMMING,
  celsius,
  fineTemperature,
  pascal,
  percent,
} from '../../src/hardware/i2c/bme280-formulas.ts';
import { compensate } from '../../../sensor/src/core/chips/bme280.ts';

const AT = { bus: 1, address: 0x76 };

async function withChip(values: Record<string, number> = {}) {
  let nowMs = 0;
  const simulation = new I2cSimulation(() => nowMs);
  await simulation.handle({ op: 'i2c_add', ...AT, chip: 'bme280', values });
  const transfer = async (write: string, read: number) =>
    simulation.handle({ op: 'i2c', ...AT, write, read });
  return { simulation, transfer, pass: (ms: number) => (nowMs += ms) };
}

describe('the compensation in whole numbers', () => {
  it('gives the worked example', () => {
    assert.equal(celsius(519_888), 25.08);
    assert.equal(pascal(415_148, fineTemperature(519_888)).toFixed(0), '100653');
  });

  it('agrees with the one in floating point over the whole range', () => {
    for (let raw = 200_000; raw < 800_000; raw += 9_973) {
      const pressure = 0x60000 + (raw % 0x10000);
      const humidity = 20_000 + (raw % 20_000);
      const result = compensate({ temperature: raw, pressure, humidity }, TRIMMING);
      const fine = fineTemperature(raw);
      assert.ok(Math.abs(result.temperatureCelsius - celsius(raw)) < 0.02);
      assert.ok(Math.abs(result.pressurePascal - pascal(pressure, fine)) < 1);
      assert.ok(Math.abs(result.humidityPercent - percent(humidity, fine)) < 0.1);
    }
  });
});

describe('the modelled BME280', () => {
  it('says who it is', async () => {
    const { transfer } = await withChip();
    assert.deepEqual(await transfer('d0', 1), { ok: true, bytes: '60' });
  });

  it('measures in forced mode, takes its time and goes to sleep', async () => {
    const { transfer, pass } = await withChip();
    await transfer('f201', 0);
    await transfer('f425', 0);
    assert.deepEqual(await transfer('f3', 2), { ok: true, bytes: '0825' });
    pass(8);
    assert.deepEqual(await transfer('f3', 2), { ok: true, bytes: '0024' });
  });

  it('has no data before the first conversion and after a reset', async () => {
    const { transfer, pass } = await withChip();
    const nothing = { ok: true, bytes: '8000008000008000' };
    assert.deepEqual(await transfer('f7', 8), nothing);
    await transfer('f425', 0);
    pass(10);
    assert.notDeepEqual(await transfer('f7', 8), nothing);
    await transfer('e0b6', 0);
    assert.deepEqual(await transfer('f7', 8), nothing);
  });

  it('gives back the temperature it was set to within 0.01 °C', async () => {
    const { simulation, transfer, pass } = await withChip();
    for (let wanted = -40; wanted <= 85; wanted += 0.73) {
      const values = { temperature_celsius: wanted };
      await simulation.handle({ op: 'i2c_set', ...AT, values });
      await transfer('f425', 0);
      pass(10);
      const { bytes } = await transfer('fa', 3);
      const raw = Number.parseInt(String(bytes), 16) >> 4;
      const result = compensate({ temperature: raw, pressure: 0, humidity: 0 }, TRIMMING);
      assert.ok(Math.abs(result.temperatureCelsius - wanted) <= 0.01, `${wanted}`);
    }
  });
});

describe('the simulated buses', () => {
  it('answer ENXIO where nobody is, ENOENT where there is no bus', async () => {
    const simulation = new I2cSimulation();
    const at = async (bus: number) => simulation.handle({ op: 'i2c', bus, address: 1, read: 1 });
    assert.deepEqual(await at(1), { ok: false, code: 'ENXIO' });
    assert.deepEqual(await at(2), { ok: false, code: 'ENOENT' });
    assert.deepEqual(await simulation.handle({ op: 'i2c_buses' }), { ok: true, buses: [1] });
  });

  it('let a chip be pulled out', async () => {
    const { simulation, transfer } = await withChip();
    await simulation.handle({ op: 'i2c_remove', ...AT });
    assert.deepEqual(await transfer('d0', 1), { ok: false, code: 'ENXIO' });
  });

  it('let a chip not acknowledge, or answer a byte too few', async () => {
    const { simulation, transfer } = await withChip();
    await simulation.handle({ op: 'i2c_fault', ...AT, fault: 'nak' });
    assert.deepEqual(await transfer('d0', 1), { ok: false, code: 'ENXIO' });
    await simulation.handle({ op: 'i2c_fault', ...AT, fault: 'short' });
    assert.deepEqual(await transfer('d0', 2), { ok: true, bytes: '60' });
  });

  it('let a chip hang until the fault is lifted', async () => {
    const { simulation, transfer } = await withChip();
    await simulation.handle({ op: 'i2c_fault', ...AT, fault: 'hang' });
    const hanging = transfer('d0', 1);
    await simulation.handle({ op: 'i2c_fault', ...AT, fault: 'none' });
    assert.deepEqual(await hanging, { ok: false, code: 'EIO' });
    assert.deepEqual(await transfer('d0', 1), { ok: true, bytes: '60' });
  });

  const senseless: readonly Record<string, unknown>[] = [
    { op: 'i2c_unknown' },
    { op: 'i2c', ...AT, write: 'xyz', read: 1 },
    { op: 'i2c', ...AT, write: 'f', read: 1 },
    { op: 'i2c', ...AT, write: 7, read: 1 },
    { op: 'i2c', ...AT, read: -1 },
    { op: 'i2c', ...AT, read: 1.5 },
    { op: 'i2c', bus: 'x', address: 1, read: 1 },
    { op: 'i2c_add', ...AT, chip: 'toaster' },
    { op: 'i2c_add', ...AT, chip: 'toString' },
    { op: 'i2c_add', bus: 1, address: 200, chip: 'bme280' },
    { op: 'i2c_set', ...AT, values: { shade: 3 } },
    { op: 'i2c_set', ...AT, values: { temperature_celsius: 'warm' } },
    { op: 'i2c_fault', ...AT, fault: 'melt' },
  ];
  for (const request of senseless) {
    it(`refuse ${JSON.stringify(request)}`, async () => {
      const { simulation } = await withChip();
      assert.deepEqual(await simulation.handle({ ...request }), { ok: false, code: 'EINVAL' });
    });
  }
});
