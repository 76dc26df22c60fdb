/** What every adapter of the buffer promises. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadingsBuffer } from '../../src/ports.ts';

export interface BufferUnderTest extends AsyncDisposable {
  readonly buffer: ReadingsBuffer;
  /** Appends the entries `1-0` ... `<count>-0`. */
  fill(count: number): Promise<void>;
}

/** Entries that may stay although they are older: Redis removes whole nodes. */
const NODE = 100;

export function bufferSuite(name: string, make: () => Promise<BufferUnderTest>): void {
  test(`${name}: an empty buffer has no entries and no size`, async () => {
    await using subject = await make();
    const { entries, bytes, first, last } = await subject.buffer.measure();
    assert.deepEqual([entries, bytes, first, last], [0, 0, undefined, undefined]);
    assert.equal(await subject.buffer.firstAfter('0-0'), undefined);
  });

  test(`${name}: it says how many entries there are, and the first and the last`, async () => {
    await using subject = await make();
    await subject.fill(5);
    const { buffer } = subject;
    await buffer.remove(['1-0', '3-0', '9-0']);
    const { entries, bytes, first, last } = await buffer.measure();
    assert.deepEqual([entries, first?.[0], last?.[0]], [3, '2-0', '5-0']);
    assert.ok(bytes > 0);
    assert.deepEqual(await buffer.firstAfter('2-0'), ['4-0', ['n', '4']]);
    assert.equal(await buffer.firstAfter('5-0'), undefined);
  });

  test(`${name}: everything before an id is trimmed, however much it is`, async () => {
    await using subject = await make();
    await subject.fill(25_000);
    const went = await subject.buffer.trimBefore('24501-0');
    const { entries } = await subject.buffer.measure();
    assert.equal(went + entries, 25_000);
    assert.ok(entries >= 500 && entries <= 500 + NODE, `${entries} entries left`);
    assert.equal((await subject.buffer.firstAfter('24500-0'))?.[0], '24501-0');
  });
}
