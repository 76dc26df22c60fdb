import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  allowedSensors,
  parseBusList,
  parseSensorList,
  sensorId,
} from '../../src/core/sensor-list.ts';

const DRIVERS = {
  bme280: { addresses: [0x76, 0x77] },
  sht4x: { addresses: [0x44] },
  ina: {
    addresses: [0x40, 0x41, 0x42],
    options: {
      shunt_ohm: { fallback: 0.1, min: 0.001, max: 100, help: '' },
      gain: { fallback: 1, min: 1, max: 8, only: [1, 2, 4, 8], help: '' },
    },
    sensible: (options: Readonly<Record<string, number>>) => options['shunt_ohm'] !== 99,
  },
};

const place = (
  bus: number,
  address: number,
  driver = 'bme280',
  options: Readonly<Record<string, number>> = {},
) => ({ driver, bus, address, options });
const ina = (options: Readonly<Record<string, number>> = {}) => ({
  auto: false,
  host: false,
  places: [place(1, 0x40, 'ina', { shunt_ohm: 0.1, gain: 1, ...options })],
});

describe('SENSORS', () => {
  const accepted: readonly [string, ReturnType<typeof parseSensorList>][] = [
    ['auto', { auto: true, host: true, places: [] }],
    ['host', { auto: false, host: true, places: [] }],
    ['AUTO', { auto: true, host: true, places: [] }],
    ['bme280@1:0x76', { auto: false, host: false, places: [place(1, 0x76)] }],
    ['BME280@1:0X76', { auto: false, host: false, places: [place(1, 0x76)] }],
    ['bme280@1:0x76,host', { auto: false, host: true, places: [place(1, 0x76)] }],
    [' host , bme280@0:0x77 ', { auto: false, host: true, places: [place(0, 0x77)] }],
    ['auto,sht4x@3:0x44', { auto: true, host: true, places: [place(3, 0x44, 'sht4x')] }],
    ['auto,host', { auto: true, host: true, places: [] }],
    ['ina@1:0x40', ina()],
    ['ina@1:0x40?shunt_ohm=0.05', ina({ shunt_ohm: 0.05 })],
    ['ina@1:0x40?SHUNT_OHM=2&gain=8', ina({ shunt_ohm: 2, gain: 8 })],
    ['ina@1:0x40?stuck_after=50', ina({ stuck_after: 50 })],
    ['ina@1:0x40?stuck_after=0', ina({ stuck_after: 0 })],
    [
      'bme280@1:0x76,bme280@1:0x77,bme280@2:0x76',
      { auto: false, host: false, places: [place(1, 0x76), place(1, 0x77), place(2, 0x76)] },
    ],
  ];
  for (const [raw, expected] of accepted) {
    it(`accepts "${raw}"`, () => assert.deepEqual(parseSensorList(raw, DRIVERS), expected));
  }

  const refused = [
    'bme999@1:0x76',
    'bme280',
    'bme280@1',
    'bme280@:0x76',
    'bme280@1:76',
    'bme280@1:0x',
    'bme280@1:0x10',
    'bme280@1:0x80',
    'bme280@1:0x176',
    'bme280@-1:0x76',
    'bme280@256:0x76',
    'bme280@1000:0x76',
    'bme280@1:0x76,',
    ',host',
    'host,,auto',
    'host,host',
    'auto,auto',
    'bme280@1:0x76,BME280@1:0x76',
    'bme280@1:0x76,bme280@01:0x76',
    'host@1:0x76',
    'toString@1:0x76',
    'constructor@1:0x76',
    '__proto__@1:0x76',
    'bme280@1:0x76;host',
    'auto host',
    'ina@1:0x40?',
    'ina@1:0x40?shunt_ohm',
    'ina@1:0x40?shunt_ohm=',
    'ina@1:0x40?shunt_ohm=x',
    'ina@1:0x40?shunt_ohm=1e1',
    'ina@1:0x40?shunt_ohm=0',
    'ina@1:0x40?shunt_ohm=-1',
    'ina@1:0x40?shunt_ohm=101',
    'ina@1:0x40?shunt_ohm=99',
    'ina@1:0x40?gain=3',
    'ina@1:0x40?gain=1&gain=2',
    'ina@1:0x40?gain=1&',
    'ina@1:0x40?volume=11',
    'ina@1:0x40?toString=1',
    'ina@1:0x40?__proto__=1',
    'ina@1:0x40?gain=1?gain=2',
    'ina@1:0x40?stuck_after=1',
    'ina@1:0x40?stuck_after=2.5',
    'bme280@1:0x76?gain=1',
    'host?gain=1',
  ];
  for (const raw of refused) {
    it(`refuses "${raw}"`, () => {
      assert.throws(() => parseSensorList(raw, DRIVERS), RangeError);
    });
  }

  it('refuses two drivers at one address of one bus', () => {
    const both = { one: { addresses: [0x44] }, two: { addresses: [0x44] } };
    assert.throws(() => parseSensorList('one@1:0x44,two@1:0x44', both), RangeError);
  });

  it('throws nothing but RangeError, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (raw) => {
        try {
          parseSensorList(raw, DRIVERS);
        } catch (error) {
          assert.ok(error instanceof RangeError);
        }
      }),
    );
  });

  it('says which drivers and addresses are allowed', () => {
    assert.match(
      allowedSensors(DRIVERS),
      /host, bme280 at 0x76 or 0x77, sht4x at 0x44, ina at 0x40 to 0x42;/,
    );
  });
});

it('a sensor id names driver, bus and address', () => {
  assert.equal(sensorId({ driver: 'bme280', bus: 1, address: 0x76 }), 'bme280-1-76');
  assert.equal(sensorId({ driver: 'veml7700', bus: 22, address: 0x10 }), 'veml7700-22-10');
});

describe('I2C_BUSES', () => {
  const accepted: readonly [string, readonly number[] | undefined][] = [
    ['auto', undefined],
    ['AUTO', undefined],
    ['1', [1]],
    ['1,3', [1, 3]],
    [' 0 , 22 ', [0, 22]],
  ];
  for (const [raw, expected] of accepted) {
    it(`accepts "${raw}"`, () => assert.deepEqual(parseBusList(raw), expected));
  }
  for (const raw of ['1,', '1,1', 'one', '-1', '256', '1;2', '0x1', '1.5', 'auto,1']) {
    it(`refuses "${raw}"`, () => assert.throws(() => parseBusList(raw), RangeError));
  }
});
