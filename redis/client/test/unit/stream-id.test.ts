import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assert as check, bigInt, constantFrom, integer, oneof, property, tuple } from 'fast-check';
import { FIRST_ID, compareIds, parseStreamId, streamIdMs } from '@holdfast/redis';

const LAST = 2n ** 64n - 1n;

describe('parseStreamId', () => {
  const accepted: readonly (readonly [string, string])[] = [
    ['123-0', '123-0'],
    ['(123-0', '123-0'],
    ['123', '123-0'],
    ['(123', '123-0'],
    ['-', '0-0'],
    [' 123-4\n', '123-4'],
    ['0', '0-0'],
    ['00123-007', '123-7'],
    [`${LAST}-${LAST}`, `${LAST}-${LAST}`],
  ];
  for (const [raw, id] of accepted) {
    test(`reads ${JSON.stringify(raw)} as ${id}`, () => assert.equal(parseStreamId(raw), id));
  }
  const refused = ['', ' ', '+', '$', '(', '(-', '()', '123-', '-5', '1-2-3', '1.5', '1e3', '0x1'];
  const junk = ['abc', '123-*', '((1-0', '1 -0', '1-0)', '١-0', `${LAST + 1n}-0`, `0-${LAST + 1n}`];
  for (const raw of [...refused, ...junk, '9'.repeat(1_000)]) {
    test(`refuses ${JSON.stringify(raw.slice(0, 30))}`, () => {
      assert.equal(parseStreamId(raw), undefined);
    });
  }
});

/** Parts of every length, and neighbours that differ in one digit only. */
const part = oneof(
  bigInt({ min: 0n, max: LAST }),
  integer({ min: 0, max: 20 }).map(BigInt),
  constantFrom(0n, 9n, 10n, 99n, 100n, LAST - 1n, LAST),
);
const id = tuple(part, part);

describe('compareIds', () => {
  test('orders ids as numbers do', () => {
    check(
      property(id, id, ([msA, nA], [msB, nB]) => {
        const a = msA * (LAST + 1n) + nA;
        const b = msB * (LAST + 1n) + nB;
        const expected = a < b ? -1 : Number(a > b);
        assert.equal(Math.sign(compareIds(`${msA}-${nA}`, `${msB}-${nB}`)), expected);
      }),
      { seed: 1, numRuns: 5_000 },
    );
  });
  test('sorts what text would sort wrongly', () => {
    const ids = ['10-0', '9-10', '9-9', FIRST_ID, '100-0'];
    assert.deepEqual(ids.sort(compareIds), ['0-0', '9-9', '9-10', '10-0', '100-0']);
  });
});

test('the time of an id is its first part', () => {
  assert.equal(streamIdMs('1700000000123-45'), 1_700_000_000_123);
});
