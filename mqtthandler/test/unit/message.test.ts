import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseGap } from '../../src/core/gap-json.ts';
import { MessagePacker } from '../../src/core/message.ts';
import type { Message } from '../../src/core/message.ts';

const DEVICE = { uuid: 'u"1', type: 'raspberrypi4', appId: '7', appName: 'größe' };
const MEMBERS = {
  _device_uuid: DEVICE.uuid,
  _device_type: DEVICE.type,
  _app_id: DEVICE.appId,
  _app_name: DEVICE.appName,
};
const RESERVED = ['_id', ...Object.keys(MEMBERS)];
const LIMITS = { maxBytes: 1_000_000, maxReadings: 100 };

/** Text as other programs may store it: quotes, control characters, emoji, halves of emoji. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '"',
      '\\',
      '\n',
      '\u0000',
      '\u001f',
      '\u2028',
      '😀',
      '\ud83d',
      '\udc00',
      'a',
      '_',
    ),
  }),
);
const anyName = fc.oneof(
  anyText,
  fc.constantFrom('_id', '_device_uuid', '_gap', '__proto__', 'constructor'),
);
const anyFields = fc
  .array(fc.tuple(anyName, anyText), { maxLength: 8 })
  .map((pairs) => pairs.flat());
const anyEntries = fc
  .array(anyFields, { minLength: 1, maxLength: 30 })
  .map((all) => all.map((fields, i) => [`${i + 1}-0`, fields] as const));

/** The contract, written plainly. */
function expected(entry: readonly [string, readonly string[]]): unknown {
  const [id, fields] = entry;
  const members = new Map<string, unknown>(Object.entries({ _id: id, ...MEMBERS }));
  for (let i = 0; i < fields.length; i += 2) {
    const [name = '', value = ''] = fields.slice(i, i + 2);
    if (RESERVED.includes(name)) continue;
    members.set(name, (name === '_gap' ? parseGap(value) : undefined) ?? value);
  }
  return JSON.parse(
    `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`,
  );
}

function textOf(message: Message | undefined): string {
  return Buffer.from(message?.payload ?? '').toString();
}

test('a message is the JSON of the entries, whatever text they hold', () => {
  const packer = new MessagePacker(DEVICE);
  fc.assert(
    fc.property(anyEntries, (entries) => {
      const [message] = packer.pack(entries, LIMITS);
      const parsed = JSON.parse(textOf(message)) as unknown;
      assert.deepEqual(JSON.stringify(parsed), JSON.stringify(entries.map(expected)));
    }),
    { numRuns: 500 },
  );
});

test('size, count, first and last id of every message are exact, and none is over the limits', () => {
  const packer = new MessagePacker(DEVICE);
  const limits = fc.record({
    maxBytes: fc.integer({ min: 10, max: 2_000 }),
    maxReadings: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(anyEntries, limits, (entries, { maxBytes, maxReadings }) => {
      const messages = packer.pack(entries, { maxBytes, maxReadings });
      let at = 0;
      for (const message of messages) {
        assert.equal(message.bytes, Buffer.byteLength(message.payload));
        assert.ok(message.bytes <= maxBytes || message.count === 1);
        assert.ok(message.count <= maxReadings);
        const readings = JSON.parse(textOf(message)) as { _id: string }[];
        assert.equal(readings.length, message.count);
        const ids = entries.slice(at, at + message.count).map(([id]) => id);
        assert.deepEqual(
          readings.map(({ _id }) => _id),
          ids,
        );
        assert.deepEqual([message.firstId, message.lastId], [ids[0], ids.at(-1)]);
        at += message.count;
      }
      assert.equal(at, entries.length);
    }),
    { numRuns: 500 },
  );
});

test('a message is filled to the last byte before the next one begins', () => {
  const packer = new MessagePacker(DEVICE);
  const entries = Array.from({ length: 10 }, (_, i) => [`${i + 1}-0`, ['a', 'b']] as const);
  const [pair] = packer.pack(entries.slice(0, 2), LIMITS);
  const bytes = pair?.bytes ?? 0;
  assert.equal(packer.pack(entries.slice(0, 2), { ...LIMITS, maxBytes: bytes }).length, 1);
  assert.equal(packer.pack(entries.slice(0, 2), { ...LIMITS, maxBytes: bytes - 1 }).length, 2);
});

test('nothing makes no message', () => {
  assert.deepEqual(new MessagePacker(DEVICE).pack([], LIMITS), []);
});

test('a foreign field cannot forge the sender or the id', () => {
  const packer = new MessagePacker(DEVICE);
  const json = packer.render(['5-0', RESERVED.flatMap((name) => [name, 'forged'])]);
  assert.deepEqual(JSON.parse(json), { _id: '5-0', ...MEMBERS });
});

test('thousands of field names do not fill the memory and stay right', () => {
  const packer = new MessagePacker(DEVICE);
  for (let i = 0; i < 5_000; i += 1) {
    const reading = JSON.parse(packer.render(['1-0', [`name ${i}`, 'x']])) as Record<
      string,
      string
    >;
    assert.equal(reading[`name ${i}`], 'x');
  }
});

const GAP = { from_seq: 3, to_seq: 7, count: 5, reason: 'removed' };
for (const [text, valid] of [
  [JSON.stringify(GAP), true],
  [JSON.stringify({ from_id: '1-0', to_id: '2-0', count: 2, reason: 'too_large' }), true],
  [JSON.stringify({ ...GAP, count: 1.5 }), false],
  [JSON.stringify({ ...GAP, count: 0 }), false],
  [JSON.stringify({ ...GAP, count: -5 }), false],
  [JSON.stringify({ ...GAP, from_seq: 8 }), false],
  [JSON.stringify({ ...GAP, from_seq: 0 }), false],
  [JSON.stringify({ ...GAP, reason: 5 }), false],
  [JSON.stringify({ count: 1, reason: 'x' }), false],
  [JSON.stringify({ from_id: 1, to_id: '2-0', count: 2, reason: 'x' }), false],
  [JSON.stringify([GAP]), false],
  ['null', false],
  ['5', false],
  ['{"from_seq":1', false],
  ['', false],
] as const) {
  test(`_gap ${text} ${valid ? 'is sent as an object' : 'is a text like any other'}`, () => {
    const packer = new MessagePacker(DEVICE);
    const sent = JSON.parse(packer.render(['1-0', ['_gap', text]])) as { _gap: unknown };
    assert.deepEqual(sent._gap, valid ? JSON.parse(text) : text);
  });
}
