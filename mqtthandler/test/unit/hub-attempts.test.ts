import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { seededRandom } from '@holdfast/kit/testing';
import { FREE, attemptStep, dueMs, heldSince, rateShare } from '../../src/core/hub/attempts.ts';
import type { AttemptState } from '../../src/core/hub/attempts.ts';

const RULES = { gapMs: 60_000 };
const HUB = 'hub a';

const attempt = (state: AttemptState, nowMs: number, target = HUB) =>
  attemptStep(state, { kind: 'attempt', target, nowMs }, RULES);
const failed = (state: AttemptState, nowMs: number, random = 0) =>
  attemptStep(state, { kind: 'failed', nowMs, random }, RULES);
const ended = (state: AttemptState, nowMs: number, planned = false, random = 0) =>
  attemptStep(state, { kind: 'ended', nowMs, planned, random }, RULES);

test('the first attempt is made at once, unless the provisioner says later', () => {
  assert.equal(dueMs(FREE, HUB, 0), 0);
  assert.equal(dueMs(FREE, HUB, 500), 500);
});

test('after a failure a minute to a minute and a half passes, counted from the attempt', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.nat(50_000),
      (random, tookMs) => {
        const held = failed(attempt(FREE, 1_000), 1_000 + tookMs, random);
        const due = dueMs(held, HUB, 0);
        assert.ok(due >= 61_000 && due <= 91_000);
      },
    ),
  );
});

test('another place resets the wait, the provisioner can only lengthen it', () => {
  const held = failed(attempt(FREE, 1_000), 2_000);
  assert.equal(dueMs(held, 'hub b', 0), 0);
  assert.equal(dueMs(held, 'hub b', 70_000), 70_000);
  assert.equal(dueMs(held, HUB, 5), 61_000);
  assert.equal(dueMs(held, HUB, 99_000), 99_000);
});

test('a session that lasted is followed by another one after a few seconds', () => {
  for (const random of [0, 0.5, 0.99]) {
    const held = ended(attempt(FREE, 0), 200_000, false, random);
    const waitMs = dueMs(held, HUB, 0) - 200_000;
    assert.ok(waitMs >= 1_000 && waitMs <= 5_000);
  }
});

test('a session that we ended ourselves is followed by another one at once', () => {
  assert.equal(dueMs(ended(attempt(FREE, 0), 9_000, true), HUB, 0), 9_000);
});

test('sessions that are ended soon again and again come ever less often', () => {
  let state: AttemptState = FREE;
  let nowMs = 0;
  const gaps: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    state = ended(attempt(state, nowMs), nowMs + 500);
    gaps.push((dueMs(state, HUB, 0) - nowMs) / 60_000);
    nowMs = dueMs(state, HUB, 0);
  }
  assert.deepEqual(gaps, [1, 2, 4, 8, 16, 16, 16, 16]);
  const moved = ended(attempt(state, nowMs, 'hub b'), nowMs + 500);
  assert.equal(dueMs(moved, 'hub b', 0), nowMs + 60_000, 'elsewhere the count begins anew');
});

test('the send rate is halved with each drop and comes back while the connection stands', () => {
  let state: AttemptState = ended(attempt(FREE, 0), 500);
  assert.equal(rateShare(state, 600, RULES), 0.5);
  state = ended(attempt(state, 60_000), 61_000);
  state = attempt(state, 200_000);
  const shares = [0, 1, 2, 3].map((gaps) => rateShare(state, 200_000 + gaps * 60_000, RULES));
  assert.deepEqual(shares, [0.25, 0.5, 1, 1]);
  assert.equal(rateShare(FREE, 0, RULES), 1);
});

test('a restarted process keeps to what is left of the wait', () => {
  assert.equal(dueMs(heldSince(HUB, 20_000, 5_000, 0, RULES), HUB, 0), 45_000);
  assert.equal(dueMs(heldSince(HUB, 90_000, 5_000, 0, RULES), HUB, 0), 5_000);
  assert.equal(dueMs(heldSince(HUB, -1e12, 5_000, 0, RULES), HUB, 0), 65_000, 'a clock set back');
});

test('over a week of failures of every kind no two attempts are less than a minute apart', () => {
  const random = seededRandom(7);
  let state: AttemptState = FREE;
  let nowMs = 0;
  let last = -Infinity;
  let attempts = 0;
  while (nowMs < 7 * 86_400_000) {
    nowMs = Math.max(nowMs, dueMs(state, HUB, 0));
    assert.ok(nowMs - last >= 60_000, `${nowMs - last} ms`);
    last = nowMs;
    attempts += 1;
    state = attempt(state, nowMs);
    const lastedMs = random.next() * 30_000;
    nowMs += lastedMs;
    const chance = { nowMs, random: random.next() };
    const event =
      random.next() < 0.7
        ? ({ kind: 'failed', ...chance } as const)
        : ({ kind: 'ended', planned: false, ...chance } as const);
    state = attemptStep(state, event, RULES);
  }
  assert.ok(attempts > 600, `${attempts} attempts`);
});
