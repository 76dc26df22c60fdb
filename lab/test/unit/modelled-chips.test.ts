import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { I2cSimulation, Nak, modelledChip } from '../../src/hardware/i2c/index.ts';
import {
  TRIMMING_680,
  celsius680,
  fine680,
  pascal680,
  percent680,
} from '../../src/hardware/i2c/bme680.ts';
import { crc8 } from '../../src/hardware/i2c/sensirion.ts';
import { compensateBme680 } from '../../../sensor/src/core/chips/bme680.ts';

const KINDS =
  'bme280 bmp280 bme680 sht3x sht4x aht20 scd4x bh1750 veml7700 ads1115 ina219 mcp9808 tmp102 lm75'.split(
    ' ',
  );

function model(name: string, nowMs: () => number = () => 0) {
  const chip = modelledChip(name, nowMs);
  assert.ok(chip !== undefined);
  return chip;
}

describe("the BME680's compensation in whole numbers", () => {
  it('agrees with the one in floating point over the whole range', () => {
    for (let raw = 380_000; raw < 650_000; raw += 4_973) {
      const pressure = 250_000 + (raw % 200_000);
      const humidity = 15_000 + (raw % 15_000);
      const result = compensateBme680({ temperature: raw, pressure, humidity }, TRIMMING_680);
      const fine = fine680(raw);
      assert.ok(Math.abs(result.temperatureCelsius - celsius680(raw)) < 0.02);
      const pascal = pascal680(pressure, fine);
      assert.ok(
        Math.abs(result.pressurePascal - pascal) < 25,
        `${result.pressurePascal} ${pascal}`,
      );
      assert.ok(Math.abs(result.humidityPercent - percent680(humidity, fine)) < 0.2);
    }
  });
});

describe('every modelled chip', () => {
  for (const kind of KINDS) {
    it(`${kind} refuses values it does not measure and what is no number`, () => {
      const chip = model(kind);
      assert.throws(() => chip.set({ loudness_decibel: 1 }), RangeError);
      assert.throws(() => chip.set({ toString: 1 }), RangeError);
      assert.throws(() => chip.set({ temperature_celsius: Number.NaN }), RangeError);
    });
  }

  it('there is none of another name', () => {
    assert.equal(
      modelledChip('toString', () => 0),
      undefined,
    );
    assert.equal(
      modelledChip('bme999', () => 0),
      undefined,
    );
  });
});

describe('a chip of commands', () => {
  it('does not acknowledge being read without one, or before its conversion is done', () => {
    let nowMs = 0;
    const chip = model('sht4x', () => nowMs);
    assert.throws(() => chip.read(6), Nak);
    chip.write(Uint8Array.of(0xfd));
    assert.throws(() => chip.read(6), Nak);
    nowMs = 8.3;
    const answer = chip.read(6);
    assert.equal(crc8(answer.subarray(0, 2)), answer[2]);
    assert.throws(() => chip.read(6), Nak);
  });

  it('SCD4x refuses everything but a few commands while it measures', () => {
    let nowMs = 0;
    const chip = model('scd4x', () => nowMs);
    const send = (command: number) => chip.write(Uint8Array.of(command >> 8, command & 0xff));
    send(0x21b1);
    assert.throws(() => send(0x3682), Nak);
    assert.throws(() => send(0x21b1), Nak);
    assert.throws(() => send(0xec05), Nak, 'nothing measured yet');
    nowMs = 5_000;
    send(0xec05);
    assert.throws(() => send(0xec05), Nak, 'taken already');
    send(0x3f86);
    assert.throws(() => send(0x3682), Nak, 'deaf for a while');
    nowMs = 5_500;
    send(0x3682);
  });
});

describe('the fault badcrc', () => {
  it('makes every check sum of an answer wrong', async () => {
    const simulation = new I2cSimulation();
    const at = { bus: 1, address: 0x44 };
    await simulation.handle({ op: 'i2c_add', ...at, chip: 'sht3x' });
    await simulation.handle({ op: 'i2c_fault', ...at, fault: 'badcrc' });
    await simulation.handle({ op: 'i2c', ...at, write: 'f32d', read: 0 });
    const { bytes } = await simulation.handle({ op: 'i2c', ...at, write: '', read: 3 });
    const [high = 0, low = 0, sum] = Buffer.from(String(bytes), 'hex');
    assert.equal(sum, crc8([high, low]) ^ 1);
  });

  it('is refused for a chip that has none', async () => {
    const simulation = new I2cSimulation();
    const at = { bus: 1, address: 0x48 };
    await simulation.handle({ op: 'i2c_add', ...at, chip: 'lm75' });
    const answer = await simulation.handle({ op: 'i2c_fault', ...at, fault: 'badcrc' });
    assert.deepEqual(answer, { ok: false, code: 'EINVAL' });
  });
});
