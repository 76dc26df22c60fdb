/** The small pure parts: when to send, topics, codes, limits, ids. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareIds } from '@holdfast/redis';
import { classifyConnack, classifyPuback, disconnectReason } from '../../src/core/classify.ts';
import { COALESCE_BESIDE_BACKLOG_MS, COALESCE_MS, gatherMs } from '../../src/core/pace.ts';
import { previousId } from '../../src/core/previous-id.ts';
import { RATE_START, rateAfter, rateWaitMs } from '../../src/core/rate.ts';
import { TOPIC_PATTERN, expandTopic } from '../../src/core/topic.ts';

test('a quiet stream is sent at once, a busy one at most every 20 ms, an interval gathers longer', () => {
  for (const [sinceLastSendMs, intervalSeconds, expectedMs] of [
    [Infinity, 0, 0],
    [1_000, 0, 0],
    [COALESCE_MS, 0, 0],
    [5, 0, COALESCE_MS - 5],
    [0, 0, COALESCE_MS],
    [Infinity, 60, 60_000],
    [0, 0.001, COALESCE_MS],
  ] as const) {
    assert.equal(gatherMs(sinceLastSendMs, intervalSeconds, false), expectedMs);
  }
  assert.equal(gatherMs(1, 0, true), COALESCE_BESIDE_BACKLOG_MS - 1);
  assert.equal(gatherMs(1, 60, true), 60_000);
});

test('gathering is never negative and never longer than asked for', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.nat(3_600), fc.boolean(), (sinceMs, seconds, backlog) => {
      const waitMs = gatherMs(sinceMs, seconds, backlog);
      assert.ok(waitMs >= 0 && waitMs <= Math.max(COALESCE_MS, seconds * 1_000));
    }),
  );
});

const DEVICE = { uuid: 'abc', type: 'pi', appId: '9', appName: 'app' };
for (const [template, topic] of [
  ['iot-projekt/device/%(device_uuid)s/values', 'iot-projekt/device/abc/values'],
  ['%(device_type)s/%(app_id)s/%(app_name)s/%(device_uuid)s', 'pi/9/app/abc'],
  ['%(device_uuid)s%(device_uuid)s', 'abcabc'],
  ['plain', 'plain'],
  ['%(unknown)s', '%(unknown)s'],
  ['%(device_uuid)', '%(device_uuid)'],
] as const) {
  test(`the topic ${template} becomes ${topic}`, () => {
    assert.equal(expandTopic(template, DEVICE), topic);
  });
}

test('values are put into a topic as they are, whatever they look like', () => {
  const device = { ...DEVICE, uuid: "$&$'%(app_id)s" };
  assert.equal(expandTopic('x/%(device_uuid)s/y', device), "x/$&$'%(app_id)s/y");
});

test('a topic to publish to holds no wildcard', () => {
  for (const topic of ['a/+/b', '#', '', 'a\u0000b']) assert.ok(!TOPIC_PATTERN.test(topic), topic);
  assert.ok(TOPIC_PATTERN.test('iot-projekt/device/%(device_uuid)s/values'));
});

test('every code gets a verdict and a name, known or not', () => {
  for (let code = 0; code <= 255; code += 1) {
    assert.match(classifyConnack(code).reason, /^[a-z0-9_]+$/);
    assert.match(classifyPuback(code).reason, /^[a-z0-9_]+$/);
    assert.match(disconnectReason(code), /^[a-z0-9_]+$/);
    assert.equal(classifyPuback(code).verdict === 'acknowledged', code < 0x80);
  }
});

for (const [code, verdict, reason] of [
  [1, 'other_version', 'unsupported_protocol_version'],
  [3, 'retry', 'server_unavailable'],
  [4, 'retry_slowly', 'bad_user_name_or_password'],
  [5, 'retry_slowly', 'not_authorized'],
  [0x84, 'other_version', 'unsupported_protocol_version'],
  [0x86, 'retry_slowly', 'bad_user_name_or_password'],
  [0x87, 'retry_slowly', 'not_authorized'],
  [0x88, 'retry', 'server_unavailable'],
  [0x9f, 'retry', 'connection_rate_exceeded'],
  [0xee, 'retry', 'connack_238'],
] as const) {
  test(`CONNACK ${code} means ${reason}: ${verdict}`, () => {
    assert.deepEqual(classifyConnack(code), { verdict, reason });
  });
}

for (const [code, verdict] of [
  [0x00, 'acknowledged'],
  [0x10, 'acknowledged'],
  [0x87, 'later'],
  [0x95, 'refused'],
  [0x97, 'later'],
  [0x99, 'refused'],
] as const) {
  test(`PUBACK ${code} means ${verdict}`, () => {
    assert.equal(classifyPuback(code).verdict, verdict);
  });
}

test('no second carries more than the rate, and one second burst at the start', () => {
  const limits = fc.record({
    messagesPerSecond: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 50 })),
    bytesPerSecond: fc.oneof(fc.constant(Infinity), fc.integer({ min: 100, max: 10_000 })),
  });
  const sends = fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 500 })), {
    maxLength: 150,
  });
  fc.assert(
    fc.property(limits, sends, (rates, all) => {
      let state = RATE_START;
      let nowMs = 5_000;
      const sent: [atMs: number, bytes: number][] = [];
      for (const [pauseMs, bytes] of all) {
        nowMs += pauseMs;
        nowMs += rateWaitMs(state, nowMs);
        state = rateAfter(state, rates, nowMs, bytes);
        sent.push([nowMs, bytes]);
      }
      for (const [i, [fromMs]] of sent.entries()) {
        for (const windowMs of [1_000, 3_000]) {
          const within = sent.slice(i).filter(([atMs]) => atMs - fromMs < windowMs);
          const seconds = windowMs / 1_000 + 1;
          // The message that overdraws an account was allowed to: it is paid for afterwards.
          const bytes = within.slice(0, -1).reduce((sum, [, size]) => sum + size, 0);
          assert.ok(within.length - 1 <= rates.messagesPerSecond * seconds + 1e-6);
          assert.ok(bytes <= rates.bytesPerSecond * seconds + 1e-6);
        }
      }
    }),
  );
});

test('without limits nothing ever waits', () => {
  const unlimited = { messagesPerSecond: Infinity, bytesPerSecond: Infinity };
  let state = RATE_START;
  for (let i = 0; i < 1_000; i += 1) {
    assert.equal(rateWaitMs(state, 0), 0);
    state = rateAfter(state, unlimited, 0, 1_000_000);
  }
});

test('the id before another is before it, and nothing lies between', () => {
  fc.assert(
    fc.property(fc.bigInt(1n, (1n << 64n) - 1n), fc.bigInt(0n, (1n << 64n) - 1n), (ms, n) => {
      const before = previousId(`${ms}-${n}`);
      assert.ok(compareIds(before, `${ms}-${n}`) < 0);
      assert.equal(before, n > 0n ? `${ms}-${n - 1n}` : `${ms - 1n}-${(1n << 64n) - 1n}`);
    }),
  );
});
