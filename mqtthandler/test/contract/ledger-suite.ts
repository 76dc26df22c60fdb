/** What every adapter of cursor, gap records and rejected readings promises. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GapRecord, Ledger } from '../../src/ports.ts';

export interface LedgerUnderTest extends AsyncDisposable {
  readonly ledger: Ledger;
  /** Sets `last_id` as somebody else does; null deletes it. */
  setLastId(value: string | null): Promise<void>;
  rejectedCount(): Promise<number>;
}

const gap = (seq: number): GapRecord => ({
  epoch: 'e1',
  gap: { from_seq: seq, to_seq: seq, count: 1, reason: 'too_large' },
});

export function ledgerSuite(name: string, make: () => Promise<LedgerUnderTest>): void {
  test(`${name}: nothing stored is nothing`, async () => {
    await using subject = await make();
    assert.deepEqual(await subject.ledger.load(), { lastId: null, pending: null, mark: null });
    assert.deepEqual(await subject.ledger.gaps('0-0', 10), []);
  });

  test(`${name}: progress is stored only over the value that is expected`, async () => {
    await using subject = await make();
    const { ledger } = subject;
    assert.ok(
      await ledger.save(null, { lastId: '5-0', pending: '5-0 5-0:9-0 9-0:', mark: '5-0 e1 5' }),
    );
    assert.equal(await ledger.save(null, { lastId: '6-0', pending: null, mark: null }), false);
    assert.equal(await ledger.save('4-0', { lastId: '6-0', pending: null, mark: null }), false);
    assert.deepEqual(await ledger.load(), {
      lastId: '5-0',
      pending: '5-0 5-0:9-0 9-0:',
      mark: '5-0 e1 5',
    });
    await subject.setLastId('(3-0');
    assert.equal(await ledger.save('5-0', { lastId: '9-0', pending: null, mark: null }), false);
    assert.ok(await ledger.save('(3-0', { lastId: '4-0', pending: null, mark: null }));
    assert.deepEqual(await ledger.load(), { lastId: '4-0', pending: null, mark: null });
    await subject.setLastId(null);
    assert.equal(await ledger.save('4-0', { lastId: '5-0', pending: null, mark: null }), false);
    assert.ok(await ledger.save(null, { lastId: '5-0', pending: null, mark: null }));
  });

  test(`${name}: gap records are stored with the progress past them, or not at all`, async () => {
    await using subject = await make();
    const { ledger } = subject;
    const next = { lastId: '9-0', pending: null, mark: null };
    assert.equal(await ledger.save('1-0', next, [gap(1), gap(2)]), false);
    assert.deepEqual(await ledger.gaps('0-0', 10), []);
    assert.ok(await ledger.save(null, next, [gap(1), { ...gap(2), epoch: undefined }]));
    assert.deepEqual(await ledger.load(), next);
    const stored = await ledger.gaps('0-0', 10);
    assert.deepEqual(
      stored.map(([, fields]) => fields),
      [
        ['_epoch', 'e1', '_gap', JSON.stringify(gap(1).gap)],
        ['_gap', JSON.stringify(gap(2).gap)],
      ],
    );
  });

  test(`${name}: an empty last_id is a value too`, async () => {
    await using subject = await make();
    await subject.setLastId('');
    assert.equal(
      await subject.ledger.save(null, { lastId: '5-0', pending: null, mark: null }),
      false,
    );
    assert.ok(await subject.ledger.save('', { lastId: '5-0', pending: null, mark: null }));
  });

  test(`${name}: gap records are kept in order until they are deleted`, async () => {
    await using subject = await make();
    const { ledger } = subject;
    for (const seq of [1, 2, 3]) await ledger.recordGap(gap(seq));
    const entries = await ledger.gaps('0-0', 10);
    assert.deepEqual(
      entries.map(([, fields]) => fields),
      [1, 2, 3].map((seq) => ['_epoch', 'e1', '_gap', JSON.stringify(gap(seq).gap)]),
    );
    const [first = '', second = ''] = entries.map(([id]) => id);
    assert.equal((await ledger.gaps(first, 1))[0]?.[0], second);
    await ledger.deleteGaps([first, second]);
    assert.equal((await ledger.gaps('0-0', 10)).length, 1);
  });

  test(`${name}: an entry is put aside together with its gap record`, async () => {
    await using subject = await make();
    await subject.ledger.putAside(['7-0', ['image', 'x'.repeat(10_000)]], gap(7));
    assert.equal(await subject.rejectedCount(), 1);
    assert.equal((await subject.ledger.gaps('0-0', 10)).length, 1);
  });
}
