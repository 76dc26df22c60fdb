import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  carriedOut,
  decodeCarried,
  encodeCarried,
  patchOf,
  patched,
  reportedConfig,
  wishesOf,
  withdraws,
} from '../../src/core/hub/twin.ts';
import type { Carried } from '../../src/core/hub/twin.ts';
import type { JsonObject } from '../../src/core/commands/json.ts';

const done = (value: unknown, version = 1): Carried => ({
  desired: JSON.stringify(value),
  version,
  outcome: 'done',
});
const known = new Map([
  ['a', done(1)],
  ['b', done('x')],
]);
const keysOf = (desired: JsonObject, whole: boolean) =>
  wishesOf(desired, known, whole).map(({ key, value }) => [key, value]);

describe('of the whole document', () => {
  test('only what has changed is carried out', () => {
    assert.deepEqual(keysOf({ config: { a: 1, b: 'y', c: 2 }, $version: 4 }, true), [
      ['b', 'y'],
      ['c', 2],
    ]);
  });

  test('what is no longer desired is given up', () => {
    assert.deepEqual(keysOf({ config: { a: 1 }, $version: 4 }, true), [['b', null]]);
    assert.equal(keysOf({ $version: 4 }, true).length, 2);
    assert.equal(keysOf({ config: 'odd', $version: 4 }, true).length, 2);
  });
});

describe('of a change', () => {
  test('everything it names is meant, also the same value again', () => {
    assert.deepEqual(keysOf({ config: { a: 1 }, $version: 4 }, false), [['a', 1]]);
    assert.deepEqual(keysOf({ config: { b: null, z: null }, $version: 4 }, false), [['b', null]]);
    assert.deepEqual(keysOf({ other: 1, $version: 4 }, false), []);
    assert.equal(keysOf({ config: null, $version: 4 }, false).length, 2);
  });

  test('null takes back a key, or all of them', () => {
    assert.equal(withdraws({ config: { a: null } }, 'a'), true);
    assert.equal(withdraws({ config: null }, 'a'), true);
    for (const config of [{ a: 0 }, { b: null }, {}, 'odd']) {
      assert.equal(withdraws({ config }, 'a'), false);
    }
    assert.equal(withdraws({ other: null }, 'a'), false);
  });
});

test('what came of a wish survives being stored', () => {
  const wish = { key: 'a', value: { deep: [1] }, version: 3 };
  for (const answer of [{}, { error: { code: 'bad_value', message: 'no' } }]) {
    const carried = carriedOut(wish, answer);
    assert.deepEqual(decodeCarried(encodeCarried(carried)), carried);
  }
  for (const text of ['', '5', '{}', 'null', '{"desired":1,"version":1,"outcome":"x"}']) {
    assert.equal(decodeCarried(text), undefined);
  }
});

test('every key is reported with its value, and with the outcome where one was desired', () => {
  const values = new Map([
    ['a', '1'],
    ['n', null],
    ['free', '5'],
  ]);
  assert.deepEqual(reportedConfig(values, new Map([['a', done(1, 7)]])), {
    a: { value: '1', version: 7, outcome: 'done' },
    free: { value: '5' },
  });
});

describe('the patch of reported properties', () => {
  const json = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.oneof(
      fc.integer(),
      fc.string(),
      fc.dictionary(fc.constantFrom('x', 'y'), fc.oneof(fc.integer(), fc.string())),
    ),
  );
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
  const sorted = (value: JsonObject) =>
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'object' && inner !== null
        ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    );

  test('turns what the hub has into what is wanted, and then there is none', () => {
    fc.assert(
      fc.property(json, json, (knownSection, wantedSection) => {
        const before = plain({ config: knownSection, other: 1, $version: 4 }) as JsonObject;
        const wanted = plain({ config: wantedSection }) as JsonObject;
        const patch = patchOf(before, wanted);
        const after = patch === undefined ? before : patched(before, patch);
        assert.equal(sorted(after['config'] as JsonObject), sorted(wanted['config'] as JsonObject));
        assert.equal(after['other'], 1);
        assert.equal(patchOf(after, wanted), undefined);
      }),
    );
  });

  test('is none once the hub has done its part with a null, however deep', () => {
    const withNulls = (depth: number): fc.Arbitrary<JsonObject> =>
      fc.dictionary(
        fc.constantFrom('a', 'b', 'c'),
        depth === 0
          ? fc.constantFrom(null, 1, 'x')
          : fc.oneof(fc.constantFrom(null, 1, 'x'), withNulls(depth - 1), fc.array(fc.integer())),
      );
    fc.assert(
      fc.property(withNulls(2), withNulls(3), (has, wantedSection) => {
        const before = patched({}, { answer: plain(has) });
        const wanted = plain({ config: {}, answer: wantedSection }) as JsonObject;
        const patch = patchOf(before, wanted);
        const after = patch === undefined ? before : patched(before, patch);
        assert.equal(patchOf(after, wanted), undefined, JSON.stringify(after));
      }),
      { numRuns: 2_000 },
    );
  });

  test('deletes what is wanted to be null', () => {
    const before = { answer: { id: 1, min_id: '5-0' } };
    assert.deepEqual(patchOf(before, { answer: { id: 1, min_id: null } }), {
      answer: { min_id: null },
    });
    assert.deepEqual(patchOf(before, { answer: null }), { answer: null });
    assert.equal(patchOf({}, { answer: null }), undefined);
  });

  test('names only what differs', () => {
    const before = { config: { a: { value: '1', version: 2 }, b: { value: 'x' } } };
    const wanted = { config: { a: { value: '2', version: 2 } } };
    assert.deepEqual(patchOf(before, wanted), { config: { a: { value: '2' }, b: null } });
  });
});
