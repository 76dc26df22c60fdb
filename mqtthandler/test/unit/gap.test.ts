import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { StreamEntry } from '@holdfast/redis';
import { findHoles, gapCount, gapsOf } from '../../src/core/gap.ts';
import { spansOf } from '../../src/core/span.ts';

const ours = (seq: number, epoch = 'e1'): StreamEntry => [
  `${seq}-0`,
  ['_epoch', epoch, '_seq', String(seq)],
];
const foreign = (n: number): StreamEntry => [`${n}-0`, ['door', 'open']];
const gapEntry = (from: number, to: number, epoch = 'e1'): StreamEntry => [
  `${from}-1`,
  [
    '_epoch',
    epoch,
    '_gap',
    JSON.stringify({
      from_seq: from,
      to_seq: to,
      count: to - from + 1,
      reason: 'sensor_memory_full',
    }),
  ],
];

test('neighbours share a gap record, a jump or another epoch begins a new one', () => {
  const records = gapsOf([ours(1), ours(2), ours(3), ours(7), ours(8, 'e2')], 'buffer_full');
  assert.deepEqual(records, [
    { epoch: 'e1', gap: { from_seq: 1, to_seq: 3, count: 3, reason: 'buffer_full' } },
    { epoch: 'e1', gap: { from_seq: 7, to_seq: 7, count: 1, reason: 'buffer_full' } },
    { epoch: 'e2', gap: { from_seq: 8, to_seq: 8, count: 1, reason: 'buffer_full' } },
  ]);
});

test('entries of other programs are named by their ids', () => {
  assert.deepEqual(gapsOf([foreign(1), foreign(2), ours(3)], 'buffer_full'), [
    { epoch: undefined, gap: { from_id: '1-0', to_id: '2-0', count: 2, reason: 'buffer_full' } },
    { epoch: 'e1', gap: { from_seq: 3, to_seq: 3, count: 1, reason: 'buffer_full' } },
  ]);
});

test('losing the record of a loss loses what it stood for, under its own reason', () => {
  assert.deepEqual(gapsOf([gapEntry(4, 9)], 'buffer_full'), [
    { epoch: 'e1', gap: { from_seq: 4, to_seq: 9, count: 6, reason: 'sensor_memory_full' } },
  ]);
});

test('losses of ours that alternate with those of another program take two records', () => {
  const entries = Array.from({ length: 500 }, (_, i) => [ours(i + 1), foreign(i + 1)]).flat();
  assert.deepEqual(gapsOf(entries, 'buffer_full'), [
    { epoch: 'e1', gap: { from_seq: 1, to_seq: 500, count: 500, reason: 'buffer_full' } },
    {
      epoch: undefined,
      gap: { from_id: '1-0', to_id: '500-0', count: 500, reason: 'buffer_full' },
    },
  ]);
});

test('a gap record of another program stays as it is: what it stands for is elsewhere', () => {
  const told = { from_id: '3-0', to_id: '4-0', count: 2, reason: 'buffer_full' };
  const entries: StreamEntry[] = [foreign(8), ['9-0', ['_gap', JSON.stringify(told)]], foreign(10)];
  assert.deepEqual(gapsOf(entries, 'buffer_full'), [
    { epoch: undefined, gap: { from_id: '8-0', to_id: '10-0', count: 2, reason: 'buffer_full' } },
    { epoch: undefined, gap: told },
  ]);
});

test('gap records name exactly the numbers that are lost, each once', () => {
  const kinds = fc.constantFrom('ours', 'kept', 'foreign', 'told', 'next epoch');
  fc.assert(
    fc.property(fc.array(kinds, { maxLength: 60 }), (steps) => {
      const entries: StreamEntry[] = [];
      const lost: string[] = [];
      let [epoch, seq, others] = ['e1', 0, 0];
      for (const [i, step] of steps.entries()) {
        const id = `${i + 1}-0`;
        seq += 1;
        if (step === 'next epoch') [epoch, seq] = [`${epoch}1`, 1];
        if (step === 'ours' || step === 'next epoch') {
          entries.push([id, ['_epoch', epoch, '_seq', String(seq)]]);
          lost.push(`${epoch} ${seq}`);
        } else if (step === 'told') {
          const gap = { from_seq: seq, to_seq: seq + 1, count: 2, reason: 'sensor_memory_full' };
          entries.push([id, ['_epoch', epoch, '_gap', JSON.stringify(gap)]]);
          lost.push(`${epoch} ${seq}`, `${epoch} ${seq + 1}`);
          seq += 1;
        } else if (step === 'foreign') {
          entries.push([id, ['door', 'open']]);
          others += 1;
        }
      }
      const records = gapsOf(entries, 'buffer_full');
      const named = records.flatMap(({ epoch: of, gap }) => {
        if (!('from_seq' in gap)) return [];
        assert.equal(gap.count, gap.to_seq - gap.from_seq + 1);
        return Array.from({ length: gap.count }, (_, i) => `${of} ${gap.from_seq + i}`);
      });
      assert.deepEqual(named.toSorted(), lost.toSorted());
      const ofOthers = records.flatMap(({ gap }) => ('from_id' in gap ? [gap] : []));
      assert.deepEqual(
        ofOthers.map(({ count }) => count),
        others === 0 ? [] : [others],
      );
    }),
  );
});

test('gap records stand for as many readings as were lost, whatever is mixed', () => {
  const entry = fc.oneof(
    fc.integer({ min: 1, max: 20 }).map((seq) => ours(seq)),
    fc.integer({ min: 1, max: 20 }).map((seq) => ours(seq, 'e2')),
    fc.integer({ min: 1, max: 20 }).map(foreign),
    fc.integer({ min: 1, max: 20 }).map((from) => gapEntry(from, from + 3)),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 40 }), (entries) => {
      const lost = entries.reduce((sum, [id]) => sum + (id.endsWith('-1') ? 4 : 1), 0);
      assert.equal(gapCount(gapsOf(entries, 'buffer_full')), lost);
    }),
  );
});

test('holes are exactly the numbers that are missing, however the reads are cut', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 2, max: 60 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 10 }),
      (present, size) => {
        const seqs = present.toSorted((a, b) => a - b);
        const found = new Set<number>();
        let passed: ReturnType<typeof findHoles>['passed'] = { epoch: 'e1', seq: 1 };
        for (let at = 0; at < seqs.length; at += size) {
          const step = findHoles(
            passed,
            spansOf(seqs.slice(at, at + size).map((seq) => ours(seq))),
          );
          passed = step.passed;
          for (const { gap } of step.holes) {
            assert.ok('from_seq' in gap);
            for (let n = gap.from_seq; n <= gap.to_seq; n += 1) found.add(n);
          }
        }
        const last = seqs.at(-1) ?? 1;
        const missing = Array.from({ length: last - 1 }, (_, i) => i + 2).filter(
          (n) => !seqs.includes(n),
        );
        assert.deepEqual([...found], missing);
      },
    ),
  );
});

for (const [name, passed, entries, holes] of [
  ['the first read proves nothing', undefined, [ours(50)], []],
  ['a gap record explains its numbers', { epoch: 'e1', seq: 3 }, [gapEntry(4, 9), ours(10)], []],
  [
    'a gap record does not explain others',
    { epoch: 'e1', seq: 3 },
    [gapEntry(6, 9), ours(10)],
    [[4, 5]],
  ],
  ['entries of other programs have no numbers', { epoch: 'e1', seq: 3 }, [foreign(1), ours(4)], []],
  ['numbers that go back prove nothing', { epoch: 'e1', seq: 30 }, [ours(4), ours(5)], []],
  ['another epoch begins anew', { epoch: 'e1', seq: 3 }, [ours(9, 'e2')], []],
] as const) {
  test(name, () => {
    const found = findHoles(passed, spansOf(entries)).holes.map(({ gap }) =>
      'from_seq' in gap ? [gap.from_seq, gap.to_seq] : [],
    );
    assert.deepEqual(found, holes);
  });
}

test('the first reading of a new epoch tells what is missing at the end of the one before', () => {
  const first: StreamEntry = [
    '9-0',
    ['_epoch', 'e2', '_seq', '1', '_previous_epoch', 'e1', '_previous_seq', '12'],
  ];
  assert.deepEqual(findHoles({ epoch: 'e1', seq: 10 }, spansOf([first])).holes, [
    { epoch: 'e1', gap: { from_seq: 11, to_seq: 12, count: 2, reason: 'removed' } },
  ]);
  assert.deepEqual(findHoles({ epoch: 'e1', seq: 12 }, spansOf([first])).holes, []);
  assert.deepEqual(findHoles({ epoch: 'e0', seq: 1 }, spansOf([first])).holes, []);
});
