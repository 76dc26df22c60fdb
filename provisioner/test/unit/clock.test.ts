import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { names, questions, refused, waits, world } from '../fakes/machine-world.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, START } from '../fakes/rules.ts';
import { toA } from '../fakes/world.ts';
import type { Dps } from '../fakes/world.ts';

describe('the clock', () => {
  const wrongClock =
    (aheadMs: number): Dps =>
    (question, w) => {
      const serverMs = w.now.wallMs - aheadMs;
      const signed = w.asked.at(-1)?.signedMs ?? 0;
      const off = Math.abs(signed - serverMs) > 5 * MINUTE_MS;
      return { question, answer: off ? refused(401) : toA, serverMs };
    };
  for (const aheadMs of [3 * HOUR_MS, (-400 * DAY_MS) / 2]) {
    test(`${aheadMs / HOUR_MS} h off: told apart, and the next token is signed by the server's`, () => {
      const w = world(wrongClock(aheadMs));
      w.now = { ...START, wallMs: START.wallMs + Math.max(0, aheadMs) };
      w.start();
      w.run(1_000);
      assert.equal(names(w), 'clock_wrong clock_differs');
      w.run(5 * MINUTE_MS);
      assert.deepEqual(questions(w), ['register', 'register']);
      assert.equal(names(w), 'connected hub_connected');
    });
  }
  test('a wrong key is not excused by the clock, and a wrong clock not by the key', () => {
    const w = world((question, { now }) => ({
      question,
      answer: refused(401),
      serverMs: now.wallMs - 3 * HOUR_MS,
    }));
    w.start();
    w.run(DAY_MS);
    assert.equal(names(w), 'blocked key_refused');
    assert.ok(w.asked.length < 26);
  });
  test('a clock that is set wakes what waited for it, and renews the token', () => {
    const w = world(() => ({ kind: 'unreachable', code: 'CERT_NOT_YET_VALID', message: '' }));
    w.start();
    w.run(2 * HOUR_MS);
    assert.equal(names(w), 'clock_wrong certificate_dates');
    w.dps = () => toA;
    const before = w.asked.length;
    w.jumpWall(200 * DAY_MS);
    w.run(MINUTE_MS);
    assert.equal(w.asked.length, before + 1);
    const given = w.published.length;
    w.jumpWall(-HOUR_MS);
    assert.equal(w.published.length, given + 1);
  });
  test('a clock of the last century asks nobody until it is set', () => {
    const w = world(() => toA);
    w.now = { wallMs: 5_000, monotonicMs: 5_000 };
    w.start();
    w.run(DAY_MS);
    assert.deepEqual([names(w), w.asked.length], ['clock_wrong clock_not_set', 0]);
    w.jumpWall(START.wallMs);
    w.run(2 * MINUTE_MS);
    assert.equal(names(w), 'connected hub_connected');
  });
  test('a clock that jumps about is no reason to ask more than once a minute', () => {
    const w = world(() => ({ kind: 'unreachable', code: 'CERT_HAS_EXPIRED', message: '' }));
    w.start();
    for (let i = 0; i < 600; i += 1) {
      w.run(1_000);
      w.jumpWall(i % 2 === 0 ? HOUR_MS : -HOUR_MS);
    }
    for (const wait of waits(w)) assert.ok(wait >= 5);
    assert.ok(w.asked.length <= 13, `${w.asked.length}`);
  });
  for (const kind of ['sas', 'x509'] as const) {
    test(`ahead at the start and then set back does not keep a device with ${kind} from its hub`, () => {
      const w = world(() => toA, { kind });
      w.start();
      w.run(HOUR_MS);
      w.now = { ...w.now, wallMs: w.now.wallMs + 365 * DAY_MS };
      w.reboot();
      w.jumpWall(-365 * DAY_MS);
      w.run(2 * MINUTE_MS);
      assert.equal(names(w), 'connected hub_connected');
      assert.deepEqual(questions(w), ['register']);
    });
  }
  test('set while a hub is left alone moves the time the mqtthandler is given, not the wait', () => {
    const w = world(() => toA, { kind: 'x509' });
    w.start();
    w.run(HOUR_MS);
    w.hub = () => 'connack_3';
    w.dropConnection('dropped');
    w.run(30 * MINUTE_MS);
    for (const jumpMs of [-DAY_MS, 3 * DAY_MS]) {
      const leftMs = Math.round(w.notBeforeMs - w.now.wallMs);
      assert.ok(leftMs > 0);
      w.jumpWall(jumpMs);
      assert.equal(Math.round(w.notBeforeMs - w.now.wallMs), leftMs);
    }
  });
});
