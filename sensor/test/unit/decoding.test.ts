/** Other chips, bytes to values: the data sheets' own examples, or their formulas worked by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ads1115Config, ads1115Volt } from '../../src/core/chips/ads1115.ts';
import { bigEndian } from '../../src/core/chips/bytes.ts';
import { ina219Config, parseIna219 } from '../../src/core/chips/ina219.ts';
import {
  bh1750Lux,
  parseVeml7700,
  veml7700Config,
  veml7700Lux,
} from '../../src/core/chips/light.ts';
import { lm75Celsius, mcp9808Celsius, tmp102Celsius } from '../../src/core/chips/thermometers.ts';
import { HardwareError } from '../../src/core/hardware-error.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const word = (value: number) => Uint8Array.from(bigEndian(value & 0xffff));
const code = (expected: string) => (error: unknown) =>
  error instanceof HardwareError && error.code === expected;

describe('BH1750', () => {
  it('gives 28067 lx for 0x8390 (technical note 2009.04 revision B, page 10)', () => {
    assert.equal(bh1750Lux(hex('8390')).toFixed(0), '28067');
  });

  it('gives nothing when its counter is full', () =>
    assert.ok(Number.isNaN(bh1750Lux(hex('ffff')))));
});

describe('VEML7700', () => {
  // Worked by hand: 0.0042 lx at gain 2 and 800 ms, in proportion otherwise.
  const examples: readonly [number, number, number, string][] = [
    [1000, 2, 800, '4.200'],
    [1000, 2, 100, '33.600'],
    [1000, 1, 100, '67.200'],
    // x = 537.6: 1.0023 x + 8.1488e-5 x^2 - 9.3924e-9 x^3 + 6.0135e-13 x^4
    [1000, 0.125, 100, '560.979'],
    [0, 0.125, 100, '0.000'],
  ];
  for (const [raw, gain, timeMs, lux] of examples) {
    it(`gives ${lux} lx for ${raw} counts at gain ${gain} in ${timeMs} ms`, () => {
      assert.equal(veml7700Lux(raw, gain, timeMs).toFixed(3), lux);
    });
  }

  it('gives nothing when its counter is full or it has lost its settings', () => {
    assert.ok(Number.isNaN(veml7700Lux(0xffff, 1, 100)));
    const config = veml7700Config(0.125, 100);
    assert.equal(config, 0x1000);
    assert.equal(parseVeml7700(hex('e803'), hex('0010'), config), 1000);
    assert.throws(() => parseVeml7700(hex('0000'), hex('0100'), config), code('CHIP_RESET'));
  });
});

describe('ADS1115', () => {
  // SBAS444E, "Data Format": one step, zero, their negatives, and the last step below full scale.
  const table: readonly [number, number][] = [
    [0x7ffe, (4.096 * 32_766) / 32_768],
    [0x0001, 4.096 / 32_768],
    [0x0000, 0],
    [0xffff, -4.096 / 32_768],
  ];
  const config = (channel: number, gain: number) => word(ads1115Config(channel, gain));

  for (const [raw, volt] of table) {
    it(`gives ${volt.toFixed(6)} V for 0x${raw.toString(16)}`, () => {
      assert.equal(ads1115Volt(word(raw), config(0, 1), 0, 1).toFixed(9), volt.toFixed(9));
    });
  }

  it('gives nothing at the ends of the scale, which mean "this or more"', () => {
    for (const raw of [0x7fff, 0x8000]) {
      assert.ok(Number.isNaN(ads1115Volt(word(raw), config(0, 1), 0, 1)));
    }
  });

  it('starts a conversion of the channel and the scale asked for', () => {
    assert.deepEqual(
      [ads1115Config(0, 1), ads1115Config(3, 1), ads1115Config(0, 0.667), ads1115Config(2, 16)],
      [0xc383, 0xf383, 0xc183, 0xeb83],
    );
  });

  it('gives nothing while it converts, for another channel or after a reset', () => {
    const busy = word(ads1115Config(0, 1) & 0x7fff);
    assert.throws(() => ads1115Volt(word(1), busy, 0, 1), code('NOT_READY'));
    assert.throws(() => ads1115Volt(word(1), config(1, 1), 0, 1), code('CHIP_RESET'));
    assert.throws(() => ads1115Volt(word(1), word(0x8583), 0, 1), code('CHIP_RESET'));
  });
});

describe('INA219', () => {
  const shunt = word(0x07d0);
  const bus = word(0x5d9a);

  it('gives 20 mV, 11.98 V, 10 A, 119.8 W (SBOS448F, table 3, page 24: 2 mΩ)', () => {
    const config = ina219Config(0.02);
    const values = parseIna219({ shunt, bus, config: word(config) }, 0.002, config);
    assert.equal(values['shunt_voltage_volt'], 0.02);
    assert.equal(values['voltage_volt'], 11.98);
    assert.equal(values['current_ampere'], 10);
    assert.equal(values['power_watt']?.toFixed(1), '119.8');
  });

  it('takes the smallest scale that holds the largest current (table 4)', () => {
    const scales = [0.04, 0.041, 0.16, 0.32].map((volt) => (ina219Config(volt) >> 11) & 3);
    assert.deepEqual(scales, [0, 1, 2, 3]);
  });

  it('gives neither current nor power when the shunt voltage is beyond its scale', () => {
    const config = ina219Config(0.04);
    const values = parseIna219({ shunt: word(4000), bus, config: word(config) }, 0.1, config);
    assert.ok(Number.isNaN(values['current_ampere']) && Number.isNaN(values['power_watt']));
    assert.equal(values['voltage_volt'], 11.98);
  });

  it('gives nothing before the conversion is done or after a reset', () => {
    const config = ina219Config(0.04);
    const early = { shunt, bus: word(0x5d98), config: word(config) };
    assert.throws(() => parseIna219(early, 0.1, config), code('NOT_READY'));
    const reset = { shunt, bus, config: word(0x399f) };
    assert.throws(() => parseIna219(reset, 0.1, config), code('CHIP_RESET'));
  });
});

describe('MCP9808', () => {
  // Register 5-4 of DS25095A worked by hand; the alert bits 15:13 do not count. (Equation 5-1 for
  // negative temperatures, 256 - ..., holds for the absolute value only.)
  const table: readonly [number, number][] = [
    [0xc194, 25.25],
    [0x0190, 25],
    [0x0001, 0.0625],
    [0x1fff, -0.0625],
    [0x1e70, -25],
    [0xfd80, -40],
    [0x07d0, 125],
  ];
  for (const [raw, celsius] of table) {
    it(`gives ${celsius} °C for 0x${raw.toString(16)}`, () => {
      assert.equal(mcp9808Celsius(word(raw), word(0x0200)), celsius);
    });
  }

  it('gives nothing after a reset', () => {
    assert.throws(() => mcp9808Celsius(word(0), word(0)), code('CHIP_RESET'));
  });
});

describe('TMP102', () => {
  // SBOS397H, table 2, page 9: 12-bit temperature data format.
  const table: readonly [number, number][] = [
    [0x7ff, 127.9375],
    [0x640, 100],
    [0x500, 80],
    [0x4b0, 75],
    [0x320, 50],
    [0x190, 25],
    [0x004, 0.25],
    [0x000, 0],
    [0xffc, -0.25],
    [0xe70, -25],
    [0xc90, -55],
  ];
  for (const [raw, celsius] of table) {
    it(`gives ${celsius} °C for 0x${raw.toString(16)}`, () => {
      assert.equal(tmp102Celsius(word(raw << 4), word(0xe1a0)), celsius);
    });
  }

  it('gives nothing while it converts or after a reset', () => {
    assert.throws(() => tmp102Celsius(word(0), word(0x61a0)), code('NOT_READY'));
    assert.throws(() => tmp102Celsius(word(0), word(0x60a0)), code('CHIP_RESET'));
  });
});

describe('LM75', () => {
  // SNIS153B, page 9: 9-bit temperature data; NXP LM75B revision 6.1, table 10, page 9: 11-bit.
  const nine: readonly [number, number][] = [
    [0x0fa, 125],
    [0x032, 25],
    [0x001, 0.5],
    [0x000, 0],
    [0x1ff, -0.5],
    [0x1ce, -25],
    [0x192, -55],
  ];
  const eleven: readonly [number, number][] = [
    [0x3f8, 127],
    [0x3f7, 126.875],
    [0x3e8, 125],
    [0x0c8, 25],
    [0x001, 0.125],
    [0x7ff, -0.125],
    [0x738, -25],
    [0x649, -54.875],
    [0x648, -55],
  ];
  for (const [raw, celsius] of nine) {
    it(`gives ${celsius} °C for 0x${raw.toString(16)} in 9 bits, whatever stands below`, () => {
      assert.equal(lm75Celsius(word((raw << 7) | 0x7f), 0x08, 9), celsius);
    });
  }
  for (const [raw, celsius] of eleven) {
    it(`gives ${celsius} °C for 0x${raw.toString(16)} in 11 bits`, () => {
      assert.equal(lm75Celsius(word(raw << 5), 0x08, 11), celsius);
    });
  }

  it('gives nothing after a reset', () => {
    assert.throws(() => lm75Celsius(word(0), 0x00, 9), code('CHIP_RESET'));
  });
});
