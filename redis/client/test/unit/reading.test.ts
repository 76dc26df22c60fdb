import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fieldOf, identityOf, readingFields } from '@holdfast/redis';

describe('readingFields', () => {
  const reading = {
    sensor: 'bme280-1-76',
    boot: 'a1b2c3',
    uptimeMs: 12_345.6,
    quantities: { temperature_celsius: '21.5', humidity_percent: '40' },
  };
  test('begins with what identifies the reading for a repeated append, then the quantities', () => {
    assert.equal(
      readingFields(reading).join(' '),
      '_sensor bme280-1-76 _boot a1b2c3 _uptime_ms 12346 temperature_celsius 21.5 humidity_percent 40',
    );
  });
  test('carries _quality only when the reading is not good', () => {
    assert.equal(fieldOf(readingFields(reading), '_quality'), undefined);
    const stuck = readingFields({ ...reading, quality: 'stuck' });
    assert.equal(fieldOf(stuck, '_quality'), 'stuck');
  });
});

describe('fieldOf', () => {
  test('finds values, never mistakes a value for a name, ignores a name without a value', () => {
    const fields = ['a', 'b', 'b', '2', 'c'];
    assert.equal(fieldOf(fields, 'a'), 'b');
    assert.equal(fieldOf(fields, 'b'), '2');
    assert.equal(fieldOf(fields, 'c'), undefined);
    assert.equal(fieldOf(fields, '2'), undefined);
  });
});

describe('identityOf', () => {
  test('is epoch and number of a reading of ours', () => {
    assert.deepEqual(identityOf(['_seq', '7', '_epoch', 'e']), { epoch: 'e', seq: 7 });
  });
  const others: readonly (readonly string[])[] = [
    [],
    ['temperature', '20'],
    ['_epoch', 'e'],
    ['_seq', '7'],
    ['_epoch', '', '_seq', '7'],
    ...['0', '-1', '1.5', '', ' 7', '7 ', '1e3', '0x10', '07', 'x', '9007199254740992'].map(
      (seq) => ['_epoch', 'e', '_seq', seq],
    ),
  ];
  for (const fields of others) {
    test(`${JSON.stringify(fields)} has none`, () => assert.equal(identityOf(fields), undefined));
  }
});
