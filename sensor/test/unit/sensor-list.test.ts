import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { allowedSensors, parseSensorList, sensorId } from '../../src/core/sensor-list.ts';

const DRIVERS = { bme280: [0x76, 0x77], sht4x: [0x44] };

const place = (bus: number, address: number, driver = 'bme280') => ({ driver, bus, address });

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
  ];
  for (const raw of refused) {
    it(`refuses "${raw}"`, () => {
      assert.throws(() => parseSensorList(raw, DRIVERS), RangeError);
    });
  }

  it('refuses two drivers at one address of one bus', () => {
    const both = { one: [0x44], two: [0x44] };
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
    assert.match(allowedSensors(DRIVERS), /host, bme280 at 0x76 or 0x77, sht4x at 0x44$/);
  });
});

it('a sensor id names driver, bus and address', () => {
  assert.equal(sensorId({ driver: 'bme280', bus: 1, address: 0x76 }), 'bme280-1-76');
  assert.equal(sensorId({ driver: 'veml7700', bus: 22, address: 0x10 }), 'veml7700-22-10');
});
