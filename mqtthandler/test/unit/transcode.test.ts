import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { findHoles } from '../../src/core/gap.ts';
import { spansOf } from '../../src/core/span.ts';
import type { Span } from '../../src/core/span.ts';
import { MessagePacker, deviceMembers } from '../../src/core/message.ts';
import type { Message } from '../../src/core/message.ts';
import { entriesIn, entriesOf, lastIdGuess } from '../../src/core/range-reply.ts';
import { Transcoder } from '../../src/core/transcode.ts';
import type { Rendered } from '../../src/core/transcode.ts';
import { rangeReply } from '../fakes/range-reply.ts';

const DEVICE = { uuid: 'u-1', type: 'raspberrypi4-64', appId: '7', appName: 'größe "x"' };
const PLENTY = { maxBytes: 1_000_000, maxReadings: 1_000 };

type Entry = readonly [string, readonly string[]];

const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('t', 'humidity_percent', '', '°', 'seq', 'epoch', '€_') },
  {
    weight: 8,
    arbitrary: fc.constantFrom('_epoch', '_seq', '_sensor', '_boot', '_uptime_ms', '_quality'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('_id', '_gap', '_device_uuid', '_previous_seq', '_', '_e'),
  },
);
const value = fc.oneof(
  { weight: 12, arbitrary: fc.stringMatching(/^[-0-9a-zA-Z ,:{}[\].°€]{0,8}$/) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 5 }) },
);
const fields = fc
  .array(fc.tuple(name, value), { minLength: 1, maxLength: 6 })
  .map((pairs) => pairs.flat());
const anyEntries = fc
  .array(fields, { minLength: 1, maxLength: 8 })
  .map((list) => list.map((entry, i): Entry => [`${i + 5}-${i % 3}`, entry]));

function transcode(entries: readonly Entry[]): Rendered | undefined {
  const transcoder = new Transcoder(deviceMembers(DEVICE));
  const source = rangeReply(entries);
  // A Buffer, as the pool gives: its slice is no copy.
  const memory = Buffer.alloc(transcoder.targetBytes(source.length, entries.length), 0x22);
  return transcoder.run(source, memory);
}

function texts(messages: readonly Message[]): Message[] {
  return messages.map((message) => ({
    ...message,
    payload: Buffer.from(message.payload).toString(),
  }));
}

test('what is transcoded is to the byte what the packer renders, whatever the limits', () => {
  const packer = new MessagePacker(DEVICE);
  const limits = fc.record({
    maxBytes: fc.integer({ min: 10, max: 900 }),
    maxReadings: fc.integer({ min: 1, max: 9 }),
  });
  let transcoded = 0;
  fc.assert(
    fc.property(anyEntries, limits, (entries, some) => {
      for (const limit of [PLENTY, some]) {
        const rendered = transcode(entries);
        if (rendered === undefined) continue;
        transcoded += 1;
        const messages = texts(packer.packRendered(rendered, limit));
        assert.deepEqual(messages, texts(packer.pack(entries, limit)));
      }
    }),
    { numRuns: 3_000 },
  );
  assert.ok(transcoded > 1_000, `${transcoded} of them were transcoded`);
});

test('what is transcoded names the readings of ours as the entries do', () => {
  const ours = (seq: number): Entry => [`${seq}-0`, ['_epoch', 'e', '_seq', String(seq), 't', '1']];
  const foreign: Entry = ['9-0', ['t', '1']];
  const half: Entry = ['10-0', ['_epoch', 'e', 't', '1']];
  for (const entries of [
    [ours(1), ours(2)],
    [ours(1), ours(4)],
    [foreign],
    [ours(7), foreign, half],
    // The bytes of one are the characters of the other.
    [
      ['5-0', ['_epoch', 'Ã©', '_seq', '1']],
      ['6-0', ['_epoch', 'é', '_seq', '2']],
    ] satisfies Entry[],
  ]) {
    const rendered = transcode(entries);
    const passed = { epoch: 'e', seq: 0 };
    assert.deepEqual(findHoles(passed, rendered?.spans ?? []), findHoles(passed, spansOf(entries)));
    const epochs = (spans: readonly Span[]) => [...new Set(spans.map(({ epoch }) => epoch))];
    assert.deepEqual(epochs(rendered?.spans ?? []), epochs(spansOf(entries)));
  }
});

test('a reply is read to entries as they were stored, with its last id found from the end', () => {
  fc.assert(
    fc.property(anyEntries, (entries) => {
      const reply = rangeReply(entries);
      assert.deepEqual(entriesOf(reply), entries);
      assert.equal(entriesIn(reply), entries.length);
      assert.equal(lastIdGuess(reply), entries.at(-1)?.[0]);
    }),
  );
  assert.equal(entriesIn(Buffer.from('-WRONGTYPE no\r\n')), undefined);
  assert.equal(entriesIn(Buffer.from('*0\r\n')), 0);
  assert.equal(transcode([]), undefined);
  assert.equal(lastIdGuess(Buffer.from('*0\r\n')), undefined);
});

test('escapes, gap records, forged members and the first reading of a life are left to the packer', () => {
  for (const [field, text] of [
    ['t', 'a"b'],
    ['t', 'a\\b'],
    ['t\n', '1'],
    ['_gap', '{}'],
    ['_id', '1'],
    ['_device_uuid', 'x'],
    ['_previous_epoch', 'x'],
    ['_later', 'x'],
  ] as const) {
    assert.equal(transcode([['1-0', [field, text]]]), undefined, field);
  }
});
