/** Holes are recorded once, whoever finds them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hole } from '../../src/core/gap.ts';
import { Told } from '../../src/core/told.ts';

test('a hole that is being recorded is not given to who finds it meanwhile', () => {
  const told = new Told();
  assert.deepEqual(told.claim([hole('e', 6, 15)]), [hole('e', 6, 15)]);
  assert.deepEqual(told.claim([hole('e', 6, 15)]), []);
  assert.deepEqual(told.claim([hole('e', 4, 16)]), [hole('e', 4, 5), hole('e', 16, 16)]);
  assert.deepEqual(told.claim([hole('other', 6, 15)]), [hole('other', 6, 15)]);
});

test('a hole that could not be recorded is given again', () => {
  const told = new Told();
  told.release(told.claim([hole('e', 6, 15)]));
  assert.deepEqual(told.claim([hole('e', 6, 15)]), [hole('e', 6, 15)]);
});
