import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import { Operations } from '../../src/dps/core/operations.ts';
import { AZURE_LIMITS, SlidingWindow, Throttle } from '../../src/dps/core/limits.ts';
import { renderRetryAfter, wholeSeconds } from '../../src/dps/core/answer.ts';

test('no window of the given length ever holds more calls than the limit', () => {
  const random = seededRandom(1);
  const window = new SlidingWindow(() => ({ count: 7, windowMs: 1_000 }));
  const admitted: number[] = [];
  let nowMs = 0;
  for (let call = 0; call < 5_000; call += 1) {
    nowMs += Math.floor(random.next() * 200);
    if (window.take(nowMs).ok) admitted.push(nowMs);
  }
  for (const [index, timeMs] of admitted.entries()) {
    const seventhAfter = admitted[index + 7];
    if (seventhAfter !== undefined) assert.ok(seventhAfter - timeMs >= 1_000);
  }
  assert.ok(admitted.length > 1_000);
});

test('who waits as long as told gets through, and not a millisecond before', () => {
  const window = new SlidingWindow(() => ({ count: 2, windowMs: 1_000 }));
  assert.ok(window.take(0).ok);
  assert.ok(window.take(400).ok);
  const refused = window.take(500);
  assert.deepEqual(refused, { ok: false, retryAfterMs: 500 });
  assert.ok(!window.take(999).ok);
  assert.ok(window.take(1_000).ok);
});

test('a lowered limit counts what was admitted under the higher one', () => {
  let count = 3;
  const window = new SlidingWindow(() => ({ count, windowMs: 1_000 }));
  for (const nowMs of [0, 100, 200]) assert.ok(window.take(nowMs).ok);
  count = 1;
  assert.deepEqual(window.take(300), { ok: false, retryAfterMs: 900 });
  count = 0;
  assert.ok(!window.take(5_000).ok, 'a limit of 0 lets nothing through');
});

test('a device may poll 5 times in 10 seconds, others are not held up by it', () => {
  const throttle = new Throttle(AZURE_LIMITS);
  for (let poll = 0; poll < 5; poll += 1) assert.ok(throttle.poll('one', poll).ok);
  assert.deepEqual(throttle.poll('one', 5), { ok: false, retryAfterMs: 9_995 });
  assert.ok(throttle.poll('two', 5).ok);
});

test('registrations and polls are limited apart', () => {
  const throttle = new Throttle({ ...AZURE_LIMITS, registrationsPerMinute: 1, pollsPerMinute: 1 });
  assert.ok(throttle.registration(0).ok);
  assert.ok(throttle.poll('one', 0).ok);
  assert.deepEqual(throttle.registration(1_000), { ok: false, retryAfterMs: 59_000 });
  assert.deepEqual(throttle.poll('two', 1_000), { ok: false, retryAfterMs: 59_000 });
});

test('an operation is assigning until it is finished and polled often enough', () => {
  const operations = new Operations<string>(() => 1_000);
  operations.start('op', 'device', 1, 0);
  assert.deepEqual(operations.poll('op', 'device', 1), { kind: 'assigning' });
  assert.deepEqual(operations.poll('op', 'device', 2), { kind: 'assigning' });
  operations.finish('op', 'done');
  const finished = { kind: 'finished', result: 'done' };
  assert.deepEqual(operations.poll('op', 'device', 3), finished);
  assert.deepEqual(operations.poll('op', 'device', 999), finished, 'asked again, the same');
  operations.start('quick', 'device', 2, 10);
  operations.finish('quick', 'done');
  const kinds = [11, 12, 13].map((nowMs) => operations.poll('quick', 'device', nowMs).kind);
  assert.deepEqual(kinds, ['assigning', 'assigning', 'finished']);
});

test('an operation is forgotten after its time and never another device’s', () => {
  const operations = new Operations<string>(() => 1_000);
  operations.start('op', 'device', 0, 0);
  operations.finish('op', 'done');
  assert.deepEqual(operations.poll('op', 'other', 1), { kind: 'unknown' });
  assert.deepEqual(operations.poll('op', 'device', 1_000), { kind: 'unknown' });
  assert.equal(operations.size, 0);
  operations.finish('op', 'too late');
  assert.equal(operations.size, 0);
});

test('Retry-After is rendered as seconds, as a date or as given, and never shortened', () => {
  const date = (unixMs: number) => new Date(unixMs).toUTCString();
  assert.deepEqual([1, 1_000, 59_001].map(wholeSeconds), [1, 1, 60]);
  assert.equal(renderRetryAfter({ form: 'seconds', seconds: 7 }, 0, date), '7');
  assert.equal(
    renderRetryAfter({ form: 'date', seconds: 90 }, 0, date),
    'Thu, 01 Jan 1970 00:01:30 GMT',
  );
  assert.equal(renderRetryAfter({ form: 'text', text: 'soon' }, 0, date), 'soon');
});
