import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressFrom } from '../../src/core/progress.ts';
import { Underway } from '../../src/underway.ts';

const id = (n: number) => `${n}-0`;
const mark = (seq: number) => ({ epoch: 'e', seq });

test('what a destination that takes nothing leaves behind with each session stays small', () => {
  const underway = new Underway();
  const progress = progressFrom(id(0));
  for (let n = 0; n < 2_000; n += 1) {
    const edges = { before: mark(n), last: mark(n + 1) };
    underway.add({ after: id(n), upTo: id(n + 1), count: 1 }, new Map(), { edges });
    underway.land(progress);
  }
  const marks = underway.marks(new Map());
  assert.ok(marks.size < 200, `${marks.size} marks`);
  assert.deepEqual(marks.get(id(0)), mark(0));
  assert.deepEqual(marks.get(id(2_000)), mark(2_000));
  assert.deepEqual(underway.forfeitable(progress), [{ after: id(2_000), upTo: null }]);
});

test('what lies between stretches without an answer may still be given up', () => {
  const underway = new Underway();
  const progress = progressFrom(id(0));
  for (let n = 0; n < 100; n += 1) {
    underway.add({ after: id(10 * n), upTo: id(10 * n + 5), count: 5 }, new Map());
  }
  underway.land(progress);
  const given = underway.forfeitable(progress);
  assert.equal(given.length, 100);
  assert.deepEqual(given[0], { after: id(5), upTo: id(10) });
});
