/** Climate sensors, bytes to values: the data sheets' own examples, or their formulas worked by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAht20 } from '../../src/core/chips/aht20.ts';
import { compensateBme680, parseBme680, parseBme680Trimming } from '../../src/core/chips/bme680.ts';
import { compensateBmp280, parseBmp280 } from '../../src/core/chips/bmp280.ts';
import { int16, int8, uint16LittleEndian } from '../../src/core/chips/bytes.ts';
import { isDataReady, parseScd4x } from '../../src/core/chips/scd4x.ts';
import { crc8, isSerial, sensirionCelsius, wordsOf } from '../../src/core/chips/sensirion.ts';
import { parseSht, sht3xPercent, sht4xPercent } from '../../src/core/chips/sht.ts';
import { HardwareError } from '../../src/core/hardware-error.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const code = (expected: string) => (error: unknown) =>
  error instanceof HardwareError && error.code === expected;

describe('bytes', () => {
  it('carry signs', () => {
    assert.deepEqual(
      [int16(hex('8000')), int16(hex('ffff')), int16(hex('7fff'))],
      [-32768, -1, 32767],
    );
    assert.deepEqual([int8(0x80), int8(0x7f), int8(undefined)], [-128, 127, 0]);
    assert.equal(uint16LittleEndian(hex('3412')), 0x1234);
  });
});

describe('the check sum', () => {
  it('of 0xBEEF is 0x92 (SHT3x-DIS version 5, table 20, page 14)', () => {
    assert.equal(crc8([0xbe, 0xef]), 0x92);
  });

  it('of 0 is 0x81', () => assert.equal(crc8([0, 0]), 0x81));

  it('that is wrong makes a word unknown', () => {
    assert.deepEqual(wordsOf(hex('beef92 beef93')), [0xbeef, undefined]);
  });

  it('makes a serial number, unless it is that of an empty bus', () => {
    assert.equal(isSerial(wordsOf(hex('beef92 beef92'))), true);
    assert.equal(isSerial(wordsOf(hex('beef92 beef93'))), false);
    assert.equal(isSerial(wordsOf(hex('000081 000081'))), false);
    assert.equal(isSerial(wordsOf(hex('ffffac ffffac'))), false);
    assert.equal(isSerial([]), false);
  });
});

describe('BMP280', () => {
  const trimming = {
    t: [27_504, 26_435, -1000],
    p: [36_477, -10_685, 3024, 2855, 140, -7, 15_500, -14_600, 6000],
  } as const;

  it('gives 25.08 °C and 100653.27 Pa (BST-BMP280-DS001 revision 1.14, section 3.12, page 23)', () => {
    // status, ctrl_meas (asleep again), config, a gap, then 415148 and 519888 in 20 bits.
    const raw = parseBmp280(hex('00 24 00 00 655ac0 7eed00'));
    assert.deepEqual(raw, { pressure: 415_148, temperature: 519_888 });
    const result = compensateBmp280(raw, trimming);
    assert.equal(result.temperatureCelsius.toFixed(2), '25.08');
    assert.equal(result.pressurePascal.toFixed(2), '100653.27');
  });

  it('gives no measurement while it converts or after a reset', () => {
    assert.throws(() => parseBmp280(hex('08 25 00 00 655ac0 7eed00')), code('NOT_READY'));
    assert.throws(() => parseBmp280(hex('00 00 00 00 800000 800000')), code('CHIP_RESET'));
  });
});

describe('BME680', () => {
  // Neither data sheet nor Bosch's code has a worked example: these are worked by hand, step by step.
  const trimming = {
    t: [26_203, 26_519, 3],
    p: [35_008, -10_284, 88, 9692, -202, 30, 24, -516, -3469, 30],
    h: [794, 1007, 0, 45, 20, 120, -100],
  } as const;

  it('gives the temperature of the formula of calc_temperature', () => {
    // (500000/16384 - 26203/1024) * 26519 + (500000/131072 - 26203/8192)^2 * 48
    //   = 4.928711 * 26519 + 0.379566 * 48 = 130722.7; / 5120
    const raw = { temperature: 500_000, pressure: 0, humidity: 0 };
    assert.equal(compensateBme680(raw, trimming).temperatureCelsius.toFixed(2), '25.53');
  });

  it('gives the humidity of the formula of calc_humidity', () => {
    // At 25.532 °C: level 20000 - 12704 = 7296; bend 1 + 0.070127 + 0.012434;
    //   linear = 7296 * 1007 / 262144 * 1.082561 = 30.3408;
    //   linear + (0.00732422 - 0.00121746) * linear^2 = 35.962
    const raw = { temperature: 500_000, pressure: 0, humidity: 20_000 };
    assert.equal(compensateBme680(raw, trimming).humidityPercent.toFixed(2), '35.96');
  });

  it('reads its trimming parameters from two blocks, with signs and shared nibbles', () => {
    const one = new Uint8Array(23);
    const two = new Uint8Array(14);
    const [first, second] = [new DataView(one.buffer), new DataView(two.buffer)];
    second.setUint16(8, 26_203, true);
    first.setInt16(0, 26_519, true);
    one[2] = 3;
    first.setUint16(4, 35_008, true);
    first.setInt16(6, -10_284, true);
    one[8] = 88;
    first.setInt16(10, 9692, true);
    first.setInt16(12, -202, true);
    one.set([24, 30], 14);
    first.setInt16(18, -516, true);
    first.setInt16(20, -3469, true);
    one[22] = 30;
    two.set([1007 >> 4, ((1007 & 15) << 4) | (794 & 15), 794 >> 4, 0, 45, 20, 120, 256 - 100]);
    assert.deepEqual(parseBme680Trimming(one, two), trimming);
    assert.throws(() => parseBme680Trimming(new Uint8Array(23), two), code('BAD_CALIBRATION'));
  });

  it('gives no measurement while it converts or after a reset', () => {
    const result = hex('80 00 655ac0 7eed00 4e20');
    assert.equal(parseBme680(result, hex('00 01 00 24')).humidity, 20_000);
    assert.throws(
      () => parseBme680(hex('20 00 655ac0 7eed00 4e20'), hex('00010025')),
      code('NOT_READY'),
    );
    assert.throws(() => parseBme680(result, hex('00 00 00 00')), code('CHIP_RESET'));
    for (const gas of ['10', '20']) {
      assert.throws(() => parseBme680(result, hex(`${gas} 01 00 24`)), code('CHIP_RESET'));
    }
  });
});

describe('SHT3x and SHT4x', () => {
  // No worked example in either data sheet: the ends and the middle of the formulas.
  it('give -45 °C and 130 °C at the ends of the scale', () => {
    assert.equal(sensirionCelsius(0), -45);
    assert.equal(sensirionCelsius(0xffff), 130);
    assert.equal(sensirionCelsius(0x6666).toFixed(2), '25.00');
  });

  it('give humidity, cropped where the SHT4x goes beyond', () => {
    assert.equal(sht3xPercent(0x8000).toFixed(2), '50.00');
    assert.equal(sht4xPercent(0x8000).toFixed(2), '56.50');
    assert.equal(sht4xPercent(0), 0);
    assert.equal(sht4xPercent(0xffff), 100);
  });

  it('keep the half of an answer whose check sum is right, and say so', () => {
    const temperatureOnly = parseSht(hex('666693 800000'), sht3xPercent);
    assert.deepEqual(Object.keys(temperatureOnly.quantities), ['temperature_celsius']);
    assert.equal(temperatureOnly.quality, 'bus_error');
    assert.throws(() => parseSht(hex('666600 800000'), sht3xPercent), code('BAD_CRC'));
  });
});

describe('AHT20', () => {
  const answer = (status: number, humidity: number, temperature: number) => {
    const middle = ((humidity & 15) << 4) | (temperature >> 16);
    const body = [status, humidity >> 12, (humidity >> 4) & 0xff, middle];
    body.push((temperature >> 8) & 0xff, temperature & 0xff);
    return Uint8Array.from([...body, crc8(body)]);
  };

  it('gives 15.08 % and 28.27 °C for an answer of a real chip, check sum included', () => {
    // 28 38 154 118 66 231 118, published with the Elixir driver aht20 (wiki, April 2021).
    const { quantities } = parseAht20(hex('1c 269a7642e7 76'));
    assert.equal(quantities['humidity_percent']?.toFixed(2), '15.08');
    assert.equal(quantities['temperature_celsius']?.toFixed(2), '28.27');
  });

  it('gives the values of the formulas in section 6 (no worked example there)', () => {
    // 0x80000 / 2^20 * 100 = 50 %; 0x60000 / 2^20 * 200 - 50 = 25 °C
    const { quantities } = parseAht20(answer(0x18, 0x80000, 0x60000));
    assert.deepEqual(quantities, { temperature_celsius: 25, humidity_percent: 50 });
  });

  it('gives nothing while busy, uncalibrated, unmeasured or damaged', () => {
    assert.throws(() => parseAht20(answer(0x98, 1, 1)), code('NOT_READY'));
    assert.throws(() => parseAht20(answer(0x10, 1, 1)), code('CHIP_RESET'));
    assert.throws(() => parseAht20(answer(0x18, 0, 0)), code('CHIP_RESET'));
    const damaged = answer(0x18, 0x80000, 0x60000);
    damaged[3] = 7;
    assert.throws(() => parseAht20(damaged), code('BAD_CRC'));
  });
});

describe('SCD4x', () => {
  it('gives 500 ppm, 25 °C, 37 % (data sheet version 1.3, section 3.5.2, read_measurement)', () => {
    const { quantities } = parseScd4x(hex('01f433 6667a2 5eb93c'));
    assert.equal(quantities['co2_ppm'], 500);
    assert.equal(quantities['temperature_celsius']?.toFixed(0), '25');
    assert.equal(quantities['humidity_percent']?.toFixed(0), '37');
  });

  it('tells its serial number (section 3.9.2)', () => {
    assert.deepEqual(wordsOf(hex('f89631 9f07c2 3bbe89')), [0xf896, 0x9f07, 0x3bbe]);
    assert.equal(0xf896 * 2 ** 32 + 0x9f07 * 2 ** 16 + 0x3bbe, 273_325_796_834_238);
  });

  it('says that no value is ready (section 3.8.2, get_data_ready_status)', () => {
    assert.equal(isDataReady(hex('8000a2')), false);
    assert.equal(isDataReady(Uint8Array.from([0x80, 0x06, crc8([0x80, 0x06])])), true);
    assert.throws(() => isDataReady(hex('8000a3')), code('BAD_CRC'));
  });

  it('keeps the words whose check sum is right, and says so', () => {
    const part = parseScd4x(hex('01f433 6667a3 5eb93c'));
    assert.deepEqual(Object.keys(part.quantities), ['co2_ppm', 'humidity_percent']);
    assert.equal(part.quality, 'bus_error');
    assert.throws(() => parseScd4x(hex('01f400 666700 5eb900')), code('BAD_CRC'));
  });
});
