import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describe as unitOf, byImportance } from '../../src/core/units.ts';
import { finite, median, short, timeOf, whole } from '../../src/core/values.ts';
import { count, counted, duration, sentence, spacing } from '../../src/core/words.ts';

describe('texts from Redis', () => {
  for (const [raw, value] of [
    ['21.53', 21.53],
    ['-4', -4],
    ['+4.', 4],
    ['.5', 0.5],
    ['1e3', 1_000],
    [' 7 ', 7],
    ['', null],
    ['  ', null],
    ['NaN', null],
    ['Infinity', null],
    ['1e999', null],
    ['0x1f', null],
    ['12abc', null],
    ['1,5', null],
    [undefined, null],
    [null, null],
  ] as const) {
    test(`${JSON.stringify(raw)} is ${value}`, () => assert.equal(finite(raw), value));
  }

  test('whole numbers beyond what can be counted exactly are not known', () => {
    assert.equal(whole('12.6'), 13);
    assert.equal(whole('9007199254740993'), null);
  });

  test('times are read as milliseconds and as ISO 8601, as Date reads them', () => {
    for (const iso of [
      '2026-11-21T23:35:12.345Z',
      '1970-01-01T00:00:00.001Z',
      '2024-02-29T12:00:00.000Z',
      '2000-12-31T23:59:59.999Z',
      '2100-03-01T00:00:00.000Z',
    ]) {
      assert.equal(timeOf(iso), Date.parse(iso), iso);
    }
    assert.equal(timeOf('1795300000000'), 1_795_300_000_000);
    for (const raw of ['', '0', 'soon', '2026-11-21', undefined]) assert.equal(timeOf(raw), null);
  });

  test('the middle of a list', () => {
    assert.equal(median([]), null);
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(short('abcdef', 4), 'abc…');
  });
});

describe('quantities', () => {
  for (const [name, label, unit, grafana] of [
    ['temperature_celsius', 'Temperature', '°C', 'celsius'],
    ['humidity_percent', 'Humidity', '%', 'humidity'],
    ['pressure_hpa', 'Pressure', 'hPa', 'pressurehpa'],
    ['soil_moisture_percent', 'Soil moisture', '%', 'percent'],
    ['co2_ppm', 'CO₂', 'ppm', 'ppm'],
    ['memory_free_bytes', 'Memory free', 'B', 'bytes'],
    ['shunt_voltage_volt', 'Shunt voltage', 'V', 'volt'],
    ['door', 'Door', '', 'short'],
    ['constructor', 'Constructor', '', 'short'],
    ['x_toString', 'X toString', '', 'short'],
    ['volt', 'Volt', '', 'short'],
  ] as const) {
    test(`${name} is called ${label}`, () => {
      assert.deepEqual(unitOf(name), { label, unit, grafana });
    });
  }

  test('come in the order people look for them', () => {
    const names = ['load_1m', 'pressure_hpa', 'a', 'temperature_celsius', 'humidity_percent'];
    assert.deepEqual(names.toSorted(byImportance), [
      'temperature_celsius',
      'humidity_percent',
      'pressure_hpa',
      'a',
      'load_1m',
    ]);
  });
});

describe('words', () => {
  for (const [ms, text] of [
    [0, '0 s'],
    [59_400, '59 s'],
    [60_000, '1 min'],
    [3_599_000, '1 h'],
    [12_000_000, '3 h 20 min'],
    [86_400_000, '1 d'],
    [446_400_000, '5 d 4 h'],
    [200 * 86_400_000, '7 months'],
    [3_652 * 86_400_000, '10 years'],
    [1e15, 'over 100 years'],
  ] as const) {
    test(`${ms} ms are ${text}`, () => assert.equal(duration(ms), text));
  }

  test('amounts and names', () => {
    assert.equal(count(1_234_567), '1,234,567');
    assert.equal(counted(1, 'reading'), '1 reading');
    assert.equal(counted(0, 'reading'), '0 readings');
    assert.equal(sentence('measuring_stopped'), 'Measuring stopped');
    assert.equal(sentence('gpio_conflict'), 'GPIO conflict');
    assert.equal(sentence(''), '');
    assert.equal(spacing(200), '0.2 s');
  });
});
