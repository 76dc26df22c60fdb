/** What every adapter of the stream of readings promises. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchOf } from '../../src/core/batch.ts';
import type { Batch } from '../../src/core/batch.ts';
import { findHoles } from '../../src/core/gap.ts';
import { MessagePacker } from '../../src/core/message.ts';
import type { Message } from '../../src/core/message.ts';
import type { Readings } from '../../src/ports.ts';

export interface ReadingsUnderTest extends AsyncDisposable {
  readonly readings: Readings;
  /** Appends an entry with this id. */
  append(id: string, fields: readonly string[]): Promise<void>;
  remove(id: string): Promise<void>;
}

export const DEVICE = { uuid: 'u', type: 't', appId: '1', appName: 'größe' };

const never = new AbortController().signal;

export function readingsSuite(name: string, make: () => Promise<ReadingsUnderTest>): void {
  const filled = async () => {
    const subject = await make();
    for (let n = 1; n <= 5; n += 1) await subject.append(`${n}-0`, ['n', String(n)]);
    return subject;
  };
  const idsOf = (entries: readonly (readonly [string, unknown])[]) => entries.map(([id]) => id);

  test(`${name}: range leaves out its start, holds its end, is oldest first and limited`, async () => {
    await using subject = await filled();
    const { readings } = subject;
    assert.deepEqual(idsOf(await readings.range('1-0', '4-0', 10)), ['2-0', '3-0', '4-0']);
    assert.deepEqual(idsOf(await readings.range('3-0', null, 10)), ['4-0', '5-0']);
    assert.deepEqual(idsOf(await readings.range('0-0', null, 2)), ['1-0', '2-0']);
    assert.deepEqual(await readings.range('5-0', null, 10), []);
    assert.deepEqual(await readings.range('1-0', '2-0', 1), [['2-0', ['n', '2']]]);
  });

  test(`${name}: a read of no entries answers, and says nothing about the range`, async () => {
    await using subject = await filled();
    const { readings } = subject;
    for (const count of [0, -1]) {
      assert.deepEqual(await readings.range('0-0', null, count), []);
      const nothing = { entries: [], exhausted: false };
      assert.deepEqual(await readings.chunk('0-0', null, count), nothing);
      assert.deepEqual(await readings.newest('0-0', '9-0', count), nothing);
      const { lastId, exhausted } = await readings.batch('0-0', null, count);
      assert.deepEqual([lastId, exhausted], [undefined, false]);
    }
    assert.deepEqual(await readings.range('4-0', null, 9), [['5-0', ['n', '5']]]);
  });

  test(`${name}: newest gives the end of a range, oldest first`, async () => {
    await using subject = await filled();
    const newest = async (after: string, upTo: string, count: number) => {
      const { entries, exhausted } = await subject.readings.newest(after, upTo, count);
      return { ids: idsOf(entries), exhausted };
    };
    assert.deepEqual(await newest('1-0', '4-0', 2), { ids: ['3-0', '4-0'], exhausted: false });
    assert.deepEqual(await newest('3-0', '4-0', 9), { ids: ['4-0'], exhausted: true });
    assert.deepEqual(await newest('5-0', '9-0', 9), { ids: [], exhausted: true });
  });

  test(`${name}: a chunk says whether the range holds more`, async () => {
    await using subject = await filled();
    const chunk = async (after: string, upTo: string | null, count: number) => {
      const { entries, exhausted } = await subject.readings.chunk(after, upTo, count);
      return { ids: idsOf(entries), exhausted };
    };
    assert.deepEqual(await chunk('1-0', null, 2), { ids: ['2-0', '3-0'], exhausted: false });
    assert.deepEqual(await chunk('3-0', '4-0', 2), { ids: ['4-0'], exhausted: true });
    assert.deepEqual(await chunk('5-0', null, 2), { ids: [], exhausted: true });
  });

  test(`${name}: a batch goes out as its entries would, rendered or not`, async () => {
    await using subject = await make();
    const ours = (seq: number) => [
      '_epoch',
      'e',
      '_seq',
      String(seq),
      'temperature_celsius',
      '1.5',
    ];
    const kinds: readonly (readonly string[])[] = [
      ours(1),
      ours(2),
      ['°C', 'warm ☀'],
      ['said', 'a "quoted\\ path/with\n everything\u0001\u007f'],
      ['_gap', '{"from_seq":3,"to_seq":4,"count":2,"reason":"removed"}', '_epoch', 'e'],
      ['_id', 'forged', 'n', '1'],
    ];
    for (const [i, fields] of kinds.entries()) await subject.append(`${i + 1}-0`, fields);
    const packer = new MessagePacker(DEVICE);
    const limits = { maxBytes: 1_000_000, maxReadings: 10 };
    for (let from = 0; from < kinds.length; from += 1) {
      for (let to = from + 1; to <= kinds.length; to += 1) {
        const read = await subject.readings.batch(`${from}-0`, `${to}-0`, 10);
        assert.deepEqual([read.lastId, read.exhausted], [`${to}-0`, true]);
        const batch = read.unpack();
        const { entries } = await subject.readings.chunk(`${from}-0`, `${to}-0`, 10);
        const expected = batchOf(entries, true);
        const { count, firstId, lastId, exhausted } = batch;
        assert.deepEqual(
          { count, firstId, lastId, exhausted },
          { count: to - from, firstId: `${from + 1}-0`, lastId: `${to}-0`, exhausted: true },
        );
        const texts = (one: Batch) =>
          one.pack(packer, limits).map((message) => ({ ...message, payload: textOf(message) }));
        assert.deepEqual(texts(batch), texts(expected));
        const passed = { epoch: 'e', seq: 0 };
        assert.deepEqual(findHoles(passed, batch.spans), findHoles(passed, expected.spans));
      }
    }
  });

  test(`${name}: a batch is limited, and says whether there is more`, async () => {
    await using subject = await make();
    for (let seq = 1; seq <= 25; seq += 1) {
      await subject.append(`${seq}-0`, ['_epoch', 'e', '_seq', String(seq), 't', '1.5']);
    }
    const packer = new MessagePacker(DEVICE);
    const batch = async (after: string, upTo: string | null, count: number) => {
      const read = await subject.readings.batch(after, upTo, count);
      const unpacked = read.unpack();
      assert.deepEqual([read.lastId, read.exhausted], [unpacked.lastId, unpacked.exhausted]);
      const packed = unpacked.pack(packer, { maxBytes: 1_000_000, maxReadings: 12 });
      return {
        ids: packed.flatMap(({ payload }) =>
          (JSON.parse(Buffer.from(payload).toString()) as { _id: string }[]).map(({ _id }) => _id),
        ),
        sizes: packed.map((message) => message.count),
        exhausted: read.exhausted,
      };
    };
    const ids = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => `${from + i}-0`);
    assert.deepEqual(await batch('0-0', null, 24), {
      ids: ids(1, 24),
      sizes: [12, 12],
      exhausted: false,
    });
    assert.deepEqual(await batch('0-0', null, 36), {
      ids: ids(1, 25),
      sizes: [12, 12, 1],
      exhausted: true,
    });
    assert.deepEqual(await batch('3-0', '8-0', 6), {
      ids: ids(4, 8),
      sizes: [5],
      exhausted: true,
    });
    assert.deepEqual((await batch('25-0', null, 6)).ids, []);
  });

  test(`${name}: the last id is the newest ever given, also when that entry is gone`, async () => {
    await using subject = await make();
    assert.equal(await subject.readings.lastId(), '0-0');
    await subject.append('3-1', ['a', 'b']);
    await subject.append('4-0', ['a', 'b']);
    assert.equal(await subject.readings.lastId(), '4-0');
    await subject.remove('4-0');
    assert.equal(await subject.readings.lastId(), '4-0');
  });

  test(`${name}: tail gives at once what is there, and waits for what is not`, async () => {
    await using subject = await filled();
    assert.deepEqual(idsOf(await subject.readings.tail('3-0', 9, never)), ['4-0', '5-0']);
    const waiting = subject.readings.tail('5-0', 9, never);
    await subject.append('6-0', ['a', 'b']);
    assert.deepEqual(await waiting, [['6-0', ['a', 'b']]]);
  });

  test(`${name}: an abort ends the wait of tail with nothing`, async () => {
    await using subject = await filled();
    const stop = new AbortController();
    const waiting = subject.readings.tail('5-0', 9, stop.signal);
    stop.abort();
    assert.deepEqual(await waiting, []);
    assert.deepEqual(await subject.readings.tail('0-0', 9, AbortSignal.abort()), []);
  });

  test(`${name}: after an abandoned wait an older place is read at once, a newer one in its turn`, async () => {
    await using subject = await filled();
    const stop = new AbortController();
    const abandoned = subject.readings.tail('5-0', 9, stop.signal);
    stop.abort();
    await abandoned;
    assert.deepEqual(idsOf(await subject.readings.tail('2-0', 9, never)), ['3-0', '4-0', '5-0']);
    await subject.append('6-0', ['a', 'b']);
    await subject.append('7-0', ['a', 'b']);
    assert.deepEqual(idsOf(await subject.readings.tail('6-0', 9, never)), ['7-0']);
  });
}

function textOf(message: Message | undefined): Message | undefined {
  return message && { ...message, payload: Buffer.from(message.payload).toString() };
}
