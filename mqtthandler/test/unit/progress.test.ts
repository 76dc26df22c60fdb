import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  MAX_RANGES,
  decodeProgress,
  encodeProgress,
  isPending,
  lowWater,
  openRange,
  progressFrom,
  splitOpen,
  subtract,
} from '../../src/core/progress.ts';
import { decodeMarks, encodeMarks } from '../../src/core/marks.ts';
import type { Progress } from '../../src/core/progress.ts';

/** Ids of a small world, so that a set of numbers can stand beside the intervals. */
const WORLD = 30;
const id = (n: number) => `${n}-0`;
const ids = Array.from({ length: WORLD }, (_, i) => i + 1);

type Operation =
  | { readonly kind: 'subtract'; readonly after: number; readonly upTo: number }
  | { readonly kind: 'split'; readonly at: number };

const point = fc.integer({ min: 0, max: WORLD });
const operations = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('subtract' as const), after: point, upTo: point }),
    fc.record({ kind: fc.constant('split' as const), at: point }),
  ),
  { maxLength: 30 },
);

function apply(progress: Progress, operation: Operation): Progress {
  return operation.kind === 'split'
    ? splitOpen(progress, id(operation.at))
    : subtract(progress, id(operation.after), id(operation.upTo));
}

test('ranges hold exactly what a plain set of ids holds, whatever is taken out or split', () => {
  fc.assert(
    fc.property(point, operations, (start, steps) => {
      let progress = progressFrom(id(start));
      const model = new Set(ids.filter((n) => n > start));
      for (const step of steps) {
        progress = apply(progress, step);
        if (step.kind === 'subtract') {
          for (const n of ids) if (n > step.after && n <= step.upTo) model.delete(n);
        }
        for (const n of ids) assert.equal(isPending(progress, id(n)), model.has(n));
        assert.ok(isPending(progress, id(WORLD + 5)), 'the end stays open');
        assertOrdered(progress);
      }
    }),
    { numRuns: 500 },
  );
});

test('the low water never goes back and never passes a pending id', () => {
  fc.assert(
    fc.property(operations, (steps) => {
      let progress = progressFrom('0-0');
      let before = 0;
      for (const step of steps) {
        progress = apply(progress, step);
        const low = Number(lowWater(progress).split('-')[0]);
        assert.ok(low >= before);
        assert.ok(ids.filter((n) => n <= low).every((n) => !isPending(progress, id(n))));
        before = low;
      }
    }),
  );
});

test('what is stored is read back the same', () => {
  fc.assert(
    fc.property(operations, (steps) => {
      const progress = steps.reduce<Progress>(apply, progressFrom('0-0'));
      const { lastId, pending } = encodeProgress(progress);
      assert.deepEqual(decodeProgress(lastId, pending), { kind: 'stored', progress });
    }),
  );
});

test('pending that belongs to another last_id is ignored: what was set by hand counts', () => {
  fc.assert(
    fc.property(operations, point, (steps, set) => {
      const progress = steps.reduce<Progress>(apply, progressFrom('0-0'));
      const { lastId, pending } = encodeProgress(progress);
      fc.pre(id(set) !== lastId);
      assert.deepEqual(decodeProgress(id(set), pending).progress, progressFrom(id(set)));
    }),
  );
});

test('marks are read back for the last_id they belong to, and for no other', () => {
  const passed = { epoch: '59069a2a17de', seq: 41 };
  const further = ['9-0', { epoch: 'e', seq: 7 }] as const;
  const mark = encodeMarks('5-0', new Map([['5-0', passed]]));
  assert.equal(mark, '5-0 59069a2a17de 41');
  for (const marks of [
    new Map([['5-0', passed]]),
    new Map([['5-0', passed], further]),
    new Map([further]),
    new Map([further, ['12-3', passed]]),
  ]) {
    assert.deepEqual(decodeMarks('5-0', encodeMarks('5-0', marks)), marks);
    assert.deepEqual(decodeMarks('4-0', encodeMarks('5-0', marks)), new Map());
  }
  for (const junk of [null, '', '5-0', '5-0 e', '5-0 e 0', '5-0 e x', '5-0 e e 1', '5-0  1']) {
    assert.equal(decodeMarks('5-0', junk).get('5-0'), undefined, String(junk));
  }
  assert.equal(encodeMarks('5-0', new Map([['5-0', { epoch: 'with blank', seq: 1 }]])), null);
  assert.equal(encodeMarks('5-0', new Map()), null);
});

test('no stored text makes decoding throw or leave a hole: all after last_id is pending, or pending says less', () => {
  const text = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[0-9: -]{0,40}$/),
    fc.constantFrom('5-0', '5-0 5-0:9-0 9-0:', '5-0 9-0:5-0 5-0:', '5-0 5-0: 9-0:', '5-0 7-0:'),
  );
  fc.assert(
    fc.property(fc.option(text), fc.option(text), (lastId, pending) => {
      const { kind, progress } = decodeProgress(lastId, pending);
      assert.equal(openRange(progress).upTo, null);
      assertOrdered(progress);
      if (kind !== 'stored') assert.deepEqual(progress, progressFrom('0-0'));
    }),
    { numRuns: 1_000 },
  );
});

for (const [lastId, kind, after] of [
  [null, 'missing', '0-0'],
  ['-', 'stored', '0-0'],
  ['123-0', 'stored', '123-0'],
  ['(123-0', 'stored', '123-0'],
  ['123', 'stored', '123-0'],
  [' 123-4 ', 'stored', '123-4'],
  ['007-01', 'stored', '7-1'],
  ['', 'unreadable', '0-0'],
  ['garbage', 'unreadable', '0-0'],
  ['-1', 'unreadable', '0-0'],
  ['18446744073709551616-0', 'unreadable', '0-0'],
  [
    '18446744073709551615-18446744073709551615',
    'stored',
    '18446744073709551615-18446744073709551615',
  ],
  ['1e3', 'unreadable', '0-0'],
  ['((1-0', 'unreadable', '0-0'],
] as const) {
  test(`last_id ${JSON.stringify(lastId)} is ${kind} and means everything after ${after}`, () => {
    assert.deepEqual(decodeProgress(lastId, null), { kind, progress: progressFrom(after) });
  });
}

test('there are never more ranges by splitting than are worth their bytes', () => {
  let progress = progressFrom('0-0');
  for (let n = 1; n <= 100; n += 1) progress = splitOpen(progress, id(n));
  assert.equal(progress.length, MAX_RANGES);
});

function assertOrdered(progress: Progress): void {
  let end = -1;
  for (const [i, { after, upTo }] of progress.entries()) {
    const from = Number(after.split('-')[0]);
    assert.ok(from >= end, 'in order, without overlap');
    assert.equal(upTo === null, i === progress.length - 1, 'only the last is open');
    if (upTo === null) continue;
    end = Number(upTo.split('-')[0]);
    assert.ok(from < end || after !== upTo, 'not empty');
  }
}
