import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  READ_BYTES,
  READ_SIZE_START,
  afterMeasured,
  afterRead,
  afterVain,
  entriesToAsk,
} from '../../src/core/read-size.ts';

const SMALL = afterMeasured(READ_SIZE_START, 200, 200 * 250);

test('the first entries are measured, and the next ones read by their size', () => {
  assert.equal(entriesToAsk(READ_SIZE_START, 600), 0);
  assert.equal(entriesToAsk(SMALL, 600), 600);
  const larger = afterRead(SMALL, 100, 100 * 1_000);
  assert.equal(entriesToAsk(larger, 600), Math.floor(READ_BYTES / 2_000));
  const large = afterRead(SMALL, 100, 100 * 20_000);
  assert.equal(entriesToAsk(large, 600), 0);
  assert.equal(entriesToAsk(afterMeasured(large, 1, 100), 600), 600);
});

test('a read that found nothing says nothing about sizes', () => {
  assert.deepEqual(afterMeasured(READ_SIZE_START, 0, 2), READ_SIZE_START);
  assert.equal(entriesToAsk(afterRead(SMALL, 0, 4), 600), 600);
});

test('after a wrong guess the next reads are measured, more of them each time, and fewer again', () => {
  const measuredReads = (start: typeof SMALL) => {
    let size = start;
    let reads = 0;
    for (; entriesToAsk(size, 600) === 0; reads += 1) size = afterMeasured(size, 200, 50_000);
    return { size, reads };
  };
  let size = SMALL;
  const seen: number[] = [];
  for (let guess = 0; guess < 9; guess += 1) {
    const { size: next, reads } = measuredReads(afterVain(size));
    seen.push(reads);
    size = next;
  }
  assert.deepEqual(seen, [4, 8, 16, 32, 64, 128, 256, 256, 256]);
  for (let right = 0; right < 9; right += 1) size = afterRead(size, 600, 150_000);
  assert.equal(measuredReads(afterVain(size)).reads, 4);
});

test('of no entries none are asked for', () => {
  assert.equal(entriesToAsk(SMALL, 0), 0);
});
