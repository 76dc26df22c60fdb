import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { publicState } from '../../src/core/state.ts';
import { names, questions, refused, waits, world } from '../fakes/machine-world.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, RULES } from '../fakes/rules.ts';
import { World, toA, toB } from '../fakes/world.ts';
import type { Dps } from '../fakes/world.ts';

describe('the hub', () => {
  const provisioned = (dps: Dps, rules: Partial<typeof RULES> = {}, seed = 1): World => {
    const w = world(() => toA, rules, seed);
    w.start();
    w.run(HOUR_MS);
    w.asked.length = 0;
    w.dps = dps;
    return w;
  };
  test('away: the same one for 15 to 30 minutes, then a lookup, after as long a registration', () => {
    const w = provisioned(() => toA);
    w.hub = () => 'network';
    const lostMs = w.now.monotonicMs;
    w.dropConnection();
    w.run(3 * HOUR_MS);
    const [lookup, register, again] = w.asked;
    assert.deepEqual(
      [lookup?.question, register?.question, again?.question],
      ['lookup', 'register', 'lookup'],
    );
    const minutes = [lostMs, lookup?.atMs ?? 0, register?.atMs ?? 0, again?.atMs ?? 0].map(
      (ms) => ms / MINUTE_MS,
    );
    for (let i = 1; i < minutes.length; i += 1) {
      const between = (minutes[i] ?? 0) - (minutes[i - 1] ?? 0);
      assert.ok(between >= 15 && between <= 31, `${between}`);
    }
    assert.equal(names(w), 'hub_failing hub_unreachable');
    w.hub = () => 'ok';
    w.run(2 * MINUTE_MS);
    assert.equal(names(w), 'connected hub_connected');
  });
  test('back within the window: DPS is not asked', () => {
    const w = provisioned(() => toA);
    for (let i = 0; i < 50; i += 1) {
      w.hub = () => 'network';
      w.dropConnection();
      w.run(12 * MINUTE_MS);
      w.hub = () => 'ok';
      w.run(30 * MINUTE_MS);
    }
    assert.deepEqual(questions(w), []);
  });
  test('away, and the lookup says another hub: that one, without a registration', () => {
    const w = provisioned(() => toB);
    w.hub = ({ state }) => (state.assignment?.host.startsWith('a') ? 'network' : 'ok');
    w.dropConnection();
    w.run(40 * MINUTE_MS);
    assert.deepEqual(questions(w), ['lookup']);
    assert.deepEqual([w.state.generation, w.connected], [2, true]);
  });
  test('away, and the lookup knows nothing: a registration follows', () => {
    const w = provisioned((question) => (question === 'lookup' ? refused(404) : toB));
    w.hub = ({ state }) => (state.assignment?.host.startsWith('a') ? 'network' : 'ok');
    w.dropConnection();
    w.run(40 * MINUTE_MS);
    assert.deepEqual(questions(w), ['lookup', 'register']);
    assert.equal(w.connected, true);
  });
  test('over MQTT there is no lookup: a registration instead', () => {
    const w = provisioned(() => toA, { canLookUp: false });
    w.hub = () => 'network';
    w.dropConnection();
    w.run(2 * HOUR_MS);
    assert.deepEqual([...new Set(questions(w))], ['register']);
    assert.ok(w.asked.length <= 8);
  });
  test('it comes back while DPS is being asked for: the plan is dropped', () => {
    const w = provisioned(() => refused(503));
    w.hub = () => 'network';
    w.dropConnection();
    w.run(40 * MINUTE_MS);
    assert.equal(publicState(w.state), 'waiting');
    w.hub = () => 'ok';
    w.run(2 * MINUTE_MS);
    assert.equal(names(w), 'connected hub_connected');
    const { length } = w.asked;
    w.run(DAY_MS);
    assert.equal(w.asked.length, length);
  });
  for (const [words, answer] of [
    ['does not know the device any more', refused(404)],
    ['has trouble of its own', refused(503)],
    ['says when to come back', refused(503, 2 * HOUR_MS)],
    ['has switched the device off', { kind: 'ended', status: 'disabled', message: 'off' }],
  ] as const) {
    test(`it comes back while DPS is asked, which then ${words}: that changes nothing`, () => {
      let cameBack = 0;
      for (let seed = 1; seed <= 20; seed += 1) {
        const w = provisioned((question) => (question === 'lookup' ? answer : toA), {}, seed);
        w.latencyMs = 29_000;
        w.hub = ({ state }) => (state.dps.name === 'looking_up' ? 'ok' : 'network');
        w.dropConnection();
        while (w.asked.length === 0) w.run(1_000);
        w.run(27_000);
        if (!w.connected) continue;
        cameBack += 1;
        w.run(DAY_MS);
        assert.deepEqual(questions(w), ['lookup']);
        assert.equal(names(w), 'connected hub_connected');
        assert.equal(w.state.failures, 0);
      }
      assert.ok(cameBack >= 4, `${cameBack}`);
    });
  }
  test('it comes back while DPS is asked, which names a time: a request keeps to that', () => {
    let cameBack = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const w = provisioned(() => refused(429, 2 * HOUR_MS), {}, seed);
      w.latencyMs = 29_000;
      w.hub = ({ state }) => (state.dps.name === 'looking_up' ? 'ok' : 'network');
      w.dropConnection();
      while (w.asked.length === 0) w.run(1_000);
      w.run(27_000);
      if (!w.connected) continue;
      cameBack += 1;
      w.run(MINUTE_MS);
      assert.equal(names(w), 'connected hub_connected');
      w.dps = () => toA;
      w.request();
      w.run(4 * HOUR_MS);
      assert.deepEqual(questions(w), ['lookup', 'register']);
      assert.ok((waits(w)[0] ?? 0) >= 7_200, `${waits(w)[0]}`);
    }
    assert.ok(cameBack >= 4, `${cameBack}`);
  });
  test('refuses: a fresh token first, then one registration, then slower and slower', () => {
    const w = provisioned(() => toA);
    w.hub = () => 'connack_5';
    const given = w.published.length;
    w.dropConnection('dropped');
    w.run(70_000);
    assert.equal(w.published.length, given + 1);
    assert.equal(w.asked.length, 0);
    w.run(3 * MINUTE_MS);
    assert.deepEqual(questions(w), ['register']);
    w.run(DAY_MS);
    assert.ok(w.asked.length <= 30, `${w.asked.length} a day`);
  });
  test('refuses because the device was moved: found at the new hub within minutes', () => {
    const w = provisioned(() => toB);
    w.hub = ({ state }) => (state.assignment?.host.startsWith('a') ? 'connack_5' : 'ok');
    w.dropConnection('dropped');
    w.run(4 * MINUTE_MS);
    assert.deepEqual(questions(w), ['register']);
    assert.deepEqual([w.state.generation, w.connected], [2, true]);
  });
  test('refuses while the kernel doubts its clock: a lookup, which tells', () => {
    const w = provisioned(() => toA);
    w.hub = () => 'connack_5';
    w.kernelClock = 'unsynchronised';
    w.dropConnection('dropped');
    w.run(150_000);
    assert.deepEqual(questions(w), ['lookup']);
    w.run(DAY_MS);
    assert.ok(w.asked.length <= 60, `${w.asked.length} a day`);
  });
  test('moved, and DPS knows of no move before it registers: a doubtful clock does not keep it', () => {
    const w = provisioned((question) => (question === 'lookup' ? toA : toB));
    w.hub = ({ state }) => (state.assignment?.host.startsWith('a') ? 'connack_5' : 'ok');
    w.kernelClock = 'unsynchronised';
    w.dropConnection('dropped');
    w.run(10 * MINUTE_MS);
    assert.deepEqual(questions(w), ['lookup', 'register']);
    assert.deepEqual([w.state.generation, w.connected], [2, true]);
  });
  test('busy: exponential, never under a minute, a lookup now and then, no registration', () => {
    const w = provisioned(() => toA);
    w.hub = () => 'connack_3';
    w.dropConnection('dropped');
    w.run(DAY_MS);
    assert.deepEqual([...new Set(questions(w))], ['lookup']);
    assert.ok(w.asked.length <= 96);
    assert.equal(names(w), 'hub_failing hub_busy');
  });
  test('throws us out again and again: slower, and DPS is left alone', () => {
    const w = provisioned(() => toA);
    w.hub = () => 'dropped';
    w.dropConnection('dropped');
    w.run(DAY_MS);
    assert.equal(names(w), 'hub_failing hub_throws_out');
    assert.deepEqual(questions(w), []);
    assert.ok(w.state.hubNotBeforeMs - w.now.monotonicMs <= 15 * MINUTE_MS);
    const attempts = w.published.length;
    w.run(DAY_MS);
    // From ten to fifteen minutes each, and 32 tokens.
    assert.ok(w.published.length - attempts <= 144 + 32, `${w.published.length - attempts}`);
  });
  test('reports of another generation and repeated ones are not counted', () => {
    const w = provisioned(() => toA);
    const report = {
      attempt: 9,
      atMs: 1,
      state: 'failed',
      outcome: 'connack_5',
      detail: '',
      heldMs: 0,
    } as const;
    const { generation } = w.state;
    for (let i = 0; i < 10; i += 1) {
      w.do({ name: 'hub', report: { ...report, generation: 7 }, kernelClock: 'unknown' });
    }
    assert.equal(publicState(w.state), 'connected');
    for (let i = 0; i < 10; i += 1) {
      w.do({ name: 'hub', report: { ...report, generation }, kernelClock: 'unknown' });
    }
    assert.equal(names(w), 'hub_refused hub_refused_once');
  });
});
