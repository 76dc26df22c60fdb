import assert from 'node:assert/strict';
import { test } from 'node:test';
import { merged, newTwin, patchFault, replacedTwin, twinForDevice } from '../../src/core/twin.ts';

test('a patch merges by name, null deletes, other values replace', () => {
  const before = { keep: 1, gone: 'x', deep: { a: 1, b: { c: 2 } }, list: [1, 2], text: 'x' };
  const patch = { gone: null, deep: { a: null, b: { d: 3 } }, list: [9], text: { now: 'object' } };
  assert.deepEqual(merged(before, patch), {
    keep: 1,
    deep: { b: { c: 2, d: 3 } },
    list: [9],
    text: { now: 'object' },
  });
  assert.deepEqual(merged({}, { a: { b: null, c: 1 } }), { a: { c: 1 } });
  assert.deepEqual(before.deep, { a: 1, b: { c: 2 } }, 'the original stays as it was');
});

test('a name that objects inherit is a name like any other', () => {
  const patch = JSON.parse('{"__proto__":{"polluted":1},"constructor":2}');
  const result = merged({}, patch);
  assert.equal(JSON.stringify(result), '{"__proto__":{"polluted":1},"constructor":2}');
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('what is no object, too large or too deep is refused', () => {
  let deep: Record<string, unknown> = {};
  for (let level = 0; level < 11; level += 1) deep = { deep };
  assert.equal(patchFault({}, { a: 1 }), undefined);
  assert.match(patchFault({}, undefined) ?? '', /no JSON object/);
  assert.match(patchFault({}, [1]) ?? '', /no JSON object/);
  assert.match(patchFault({}, JSON.parse(JSON.stringify(deep))) ?? '', /levels/);
  assert.match(patchFault({ a: 'x'.repeat(20_000) }, { b: 'x'.repeat(20_000) }) ?? '', /32768/);
});

test('versions count on when a twin is replaced', () => {
  const twin = newTwin({ desired: { interval: 5, $version: 77 } });
  assert.deepEqual(twinForDevice(twin), {
    desired: { interval: 5, $version: 1 },
    reported: { $version: 1 },
  });
  const next = replacedTwin(twin, { reported: { fine: true } });
  assert.deepEqual(twinForDevice(next), {
    desired: { $version: 2 },
    reported: { fine: true, $version: 2 },
  });
});
