/** Coming back after the power or the service was away, with what was planned because of the hub. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { names, questions, refused, unreachable, world } from '../fakes/machine-world.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../fakes/rules.ts';
import type { RULES } from '../fakes/rules.ts';
import { toA, toB } from '../fakes/world.ts';
import type { HubOutcome } from '../../src/core/outcome.ts';
import type { World } from '../fakes/world.ts';

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

/** A device whose network has been away for `awayMs`; DPS and the hub are as they were. */
function cutOff(seed: number, awayMs: number): World {
  const w = world(() => toA, {}, seed);
  w.start();
  w.run(HOUR_MS);
  w.hub = () => 'network';
  w.dps = () => unreachable;
  w.dropConnection();
  w.run(awayMs);
  w.asked.length = 0;
  return w;
}

describe('a fleet that was cut off and comes back together', () => {
  for (const [words, back] of [
    ['switched on', (w: World) => w.reboot(2 * HOUR_MS)],
    ['started', (w: World) => w.restart(2 * HOUR_MS)],
  ] as const) {
    for (const awayMs of [10 * MINUTE_MS, 40 * MINUTE_MS]) {
      const after = `${awayMs / MINUTE_MS} minutes without a network and two hours off`;
      test(`${words} after ${after}: the hub first, then DPS, one after the other`, () => {
        const first: number[] = [];
        for (const seed of SEEDS) {
          const w = cutOff(seed, awayMs);
          w.dps = () => toA;
          back(w);
          const bootMs = w.now.monotonicMs;
          w.run(10 * MINUTE_MS);
          first.push((w.asked[0]?.atMs ?? Infinity) - bootMs);
        }
        assert.ok(Math.min(...first) >= MINUTE_MS, `${Math.min(...first)}`);
        assert.ok(Math.max(...first) <= 1.5 * MINUTE_MS, `${Math.max(...first)}`);
        const seconds = new Set(first.map((ms) => Math.round(ms / 1_000)));
        assert.ok(seconds.size >= 10, `${seconds.size} different seconds`);
      });
      test(`${words} after ${after}: nobody is asked when the hub lets it in`, () => {
        for (const seed of SEEDS) {
          const w = cutOff(seed, awayMs);
          w.hub = () => 'ok';
          back(w);
          w.run(HOUR_MS);
          assert.deepEqual(questions(w), []);
          assert.equal(names(w), 'connected hub_connected');
        }
      });
    }
  }
  test('a time that DPS has named binds all the same, and a request is taken at once', () => {
    for (const seed of SEEDS) {
      const w = cutOff(seed, 0);
      w.dps = () => refused(429, 5 * HOUR_MS);
      w.run(40 * MINUTE_MS);
      const heldMs = w.state.heldUntilMs ?? Infinity;
      w.asked.length = 0;
      w.reboot(2 * HOUR_MS);
      w.run(6 * HOUR_MS);
      assert.ok((w.asked[0]?.atMs ?? 0) >= heldMs - 1);
      const other = cutOff(seed, 40 * MINUTE_MS);
      other.reboot(2 * HOUR_MS);
      other.request();
      assert.deepEqual(questions(other), ['register']);
    }
  });
  test('a service that is away for a moment puts DPS off for no more than a moment', () => {
    for (const seed of SEEDS) {
      const w = cutOff(seed, 40 * MINUTE_MS);
      const dueMs = 'due' in w.state.dps ? w.state.dps.due.atMs : Infinity;
      w.run(dueMs - w.now.monotonicMs - 1_000);
      w.asked.length = 0;
      w.restart(2_000);
      w.run(5_000);
      assert.equal(w.asked.length, 1);
    }
  });
});

describe('a hub that is left alone', () => {
  const FIXED = {
    source: 'connection_string',
    fixed: { host: 'h', deviceId: 'd' },
    idScope: '',
    registrationId: '',
  } as const;
  const leftMs = (w: World) => Math.round(w.notBeforeMs - w.now.wallMs);
  /** Held for ten minutes and more. */
  const held = (outcome: HubOutcome, rules: Partial<typeof RULES> = {}): World => {
    const w = world(() => toA, rules);
    w.start();
    w.run(HOUR_MS);
    w.hub = () => outcome;
    w.dropConnection('dropped');
    while (leftMs(w) < 10 * MINUTE_MS) w.run(1_000);
    return w;
  };
  for (const [words, outcome, rules] of [
    ['is busy', 'connack_3', {}],
    ['throws the device out', 'dropped', {}],
    ['refuses a fixed assignment', 'connack_5', FIXED],
  ] as const) {
    test(`because it ${words} is left alone as long after a restart, and no longer`, () => {
      const w = held(outcome, rules);
      const before = leftMs(w);
      for (let i = 1; i <= 20; i += 1) {
        w.restart(5_000);
        w.run(5_000);
        assert.equal(leftMs(w), before - i * 10_000);
      }
      w.reboot(100_000);
      assert.equal(leftMs(w), before - 300_000);
      w.now = { ...w.now, wallMs: w.now.wallMs - DAY_MS };
      w.reboot(50_000);
      assert.ok(Math.abs(leftMs(w) - (before - 300_000)) <= 1, `${leftMs(w)}`);
    });
    test(`because it ${words} is left alone longer the next time, restarts or not`, () => {
      const w = held(outcome, rules);
      const { failures } = w.state.hub;
      assert.ok(failures >= 3);
      w.restart();
      assert.equal(w.state.hub.failures, failures);
      w.run(16 * MINUTE_MS);
      assert.equal(w.state.hub.failures, failures + 1);
    });
  }
  test('is tried at once when DPS names another one over the restart, and when it lets the device in', () => {
    const w = held('connack_3');
    w.hub = ({ state }) => (state.assignment?.host.startsWith('a') ? 'connack_3' : 'ok');
    w.dps = () => toB;
    w.request();
    w.restart();
    w.run(2 * MINUTE_MS);
    assert.equal(names(w), 'connected hub_connected');
    w.restart();
    assert.ok(leftMs(w) <= 0);
    assert.equal(w.state.hub.failures, 0);
  });
});
