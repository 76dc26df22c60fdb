import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allowedText, isAllowed, parseEnabled, parseNumber } from '@holdfast/redis';
import type { ValueRule } from '@holdfast/redis';

describe('parseEnabled', () => {
  for (const raw of ['0', ' 0\n']) {
    test(`${JSON.stringify(raw)} is off`, () => assert.equal(parseEnabled(raw), false));
  }
  for (const raw of [null, '', '1', '2', '00', '0.0', 'off', 'false', '-0']) {
    test(`${JSON.stringify(raw)} is on`, () => assert.equal(parseEnabled(raw), true));
  }
});

describe('parseNumber', () => {
  const rule = { min: 0.01, max: 86_400 };
  const accepted: readonly (readonly [string, number])[] = [
    ['1', 1],
    ['0.01', 0.01],
    ['86400', 86_400],
    [' 2.50 ', 2.5],
    ['.5', 0.5],
    ['5.', 5],
    ['+5', 5],
  ];
  for (const [raw, value] of accepted) {
    test(`reads ${JSON.stringify(raw)}`, () => {
      assert.deepEqual(parseNumber(raw, rule), { ok: true, value });
    });
  }
  const refused = ['', ' ', '0', '0.0099', '86401', '-1', 'NaN', 'Infinity', '1e2', '0x5', '1,5'];
  for (const raw of [...refused, '.', '1 2', 'abc', '9'.repeat(400)]) {
    test(`refuses ${JSON.stringify(raw.slice(0, 20))}, never clamps`, () => {
      assert.deepEqual(parseNumber(raw, rule), { ok: false });
    });
  }
});

describe('isAllowed', () => {
  const flag: ValueRule = { kind: 'flag' };
  const number: ValueRule = { kind: 'number', min: 0, max: 3_600 };
  const streamId: ValueRule = { kind: 'stream_id' };
  const cases: readonly (readonly [ValueRule, string, boolean])[] = [
    [flag, '0', true],
    [flag, '1', true],
    [flag, '2', false],
    [flag, 'true', false],
    [flag, '', false],
    [number, '0', true],
    [number, '3600', true],
    [number, '3600.1', false],
    [number, 'soon', false],
    [streamId, '-', true],
    [streamId, '(5-1', true],
    [streamId, '+', false],
    [streamId, '', false],
  ];
  for (const [rule, raw, allowed] of cases) {
    test(`${rule.kind}: ${JSON.stringify(raw)} is ${allowed ? '' : 'not '}allowed`, () => {
      assert.equal(isAllowed(raw, rule), allowed);
    });
  }
  test('every rule says in words what it allows', () => {
    assert.equal(allowedText(flag), '0 or 1');
    assert.equal(allowedText(number), 'a number from 0 to 3600');
    assert.match(allowedText(streamId), /1700000000000-0/);
  });
});
