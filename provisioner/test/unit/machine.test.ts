import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { constantRandom } from '@holdfast/kit/testing';
import { names, questions, refused, unreachable, waits, world } from '../fakes/machine-world.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, RULES, START } from '../fakes/rules.ts';
import { World, toA } from '../fakes/world.ts';
import type { Answer } from '../../src/core/outcome.ts';

describe('starting', () => {
  test('the first start registers at once, polls, and hands out what it got', () => {
    let polls = 0;
    const w = world((question) => {
      if (question === 'register')
        return { kind: 'assigning', operationId: 'op', retryAfterMs: 3_000 };
      polls += 1;
      return polls < 3 ? { kind: 'assigning', operationId: 'op' } : toA;
    });
    w.start();
    assert.equal(names(w), 'registering first_start');
    w.run(2 * MINUTE_MS);
    assert.deepEqual(questions(w), ['register', 'poll', 'poll', 'poll']);
    assert.deepEqual(waits(w), [3, 3, 3]);
    assert.equal(names(w), 'connected hub_connected');
    assert.equal(w.state.generation, 1);
    assert.deepEqual(
      w.told.map(({ event }) => event),
      ['provisioning_started', 'provisioned'],
    );
  });
  test('later starts use the stored assignment and do not ask DPS', () => {
    const w = world(() => toA);
    w.start();
    w.run(HOUR_MS);
    for (let i = 0; i < 50; i += 1) {
      if (i % 2 === 0) w.restart();
      else w.reboot();
      w.run(5 * MINUTE_MS);
    }
    assert.deepEqual(questions(w), ['register']);
    assert.equal(w.state.generation, 1);
    assert.ok(w.published.length > 50);
  });
  test('with PROVISIONING_CACHE=none every start registers, and a restart loop gets slower', () => {
    const w = world(() => toA, { keepsAssignment: false });
    w.hub = () => 'network';
    w.start();
    w.run(10_000);
    for (let i = 0; i < 2_000; i += 1) {
      w.restart();
      w.run(9_000);
    }
    // Five and a half hours.
    assert.ok(
      w.registrations.length > 5 && w.registrations.length < 15,
      `${w.registrations.length}`,
    );
    assert.equal(w.withdrawn > 0, true);
    for (const wait of waits(w)) assert.ok(wait >= 59);
  });
  test('an assignment of other settings is taken away and asked for anew', () => {
    const w = world(() => toA);
    w.start();
    w.run(HOUR_MS);
    w.rules = { ...w.rules, registrationId: 'greenhouse-8', settings: 's2' };
    w.restart();
    assert.equal(w.withdrawn, 1);
    w.run(MINUTE_MS);
    assert.deepEqual(questions(w), ['register', 'register']);
  });
  test('a registration id in other letters is the same one', () => {
    const w = world(() => toA);
    w.start();
    w.run(HOUR_MS);
    w.rules = { ...w.rules, registrationId: 'GREENHOUSE-7' };
    w.restart();
    w.run(HOUR_MS);
    assert.deepEqual(questions(w), ['register']);
  });
  test('nothing configured is off, and takes away what was given out', () => {
    const w = world(() => toA);
    w.start();
    w.run(HOUR_MS);
    w.rules = { ...w.rules, source: 'none' };
    w.restart();
    assert.deepEqual([names(w), w.withdrawn], ['off ', 1]);
    w.request();
    w.run(DAY_MS);
    assert.equal(w.asked.length, 1);
  });
});

describe('DPS says', () => {
  test('429 with Retry-After: never earlier, also with a restart or a request in between', () => {
    let said = 0;
    const w = world(() => (said++ === 0 ? refused(429, 10 * MINUTE_MS) : toA));
    w.start();
    w.run(MINUTE_MS);
    assert.equal(names(w), 'waiting throttled');
    w.request();
    w.run(MINUTE_MS);
    w.restart();
    w.run(MINUTE_MS);
    w.reboot();
    w.request();
    w.run(HOUR_MS);
    assert.equal(w.asked.length, 2);
    assert.ok((waits(w)[0] ?? 0) >= 600);
    assert.equal(w.connected, true);
  });
  test('429 without it: between a second and N / cps, doubled by every further one', () => {
    const first = Array.from({ length: 200 }, (_, seed) => {
      const w = world(() => refused(429), {}, seed);
      w.start();
      w.run(HOUR_MS);
      return waits(w);
    });
    const one = first.map(([wait = 0]) => wait);
    assert.ok(Math.min(...one) >= 1 && Math.max(...one) <= 63);
    assert.ok(Math.max(...one) > 50 && Math.min(...one) < 12, 'spread over the whole range');
    const five = first.map((wait) => wait[4] ?? 0);
    assert.ok(Math.min(...five) >= 16, `${Math.min(...five)}`);
  });
  test('429 with a Retry-After of nothing: as one without, not several times a second', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const w = world(() => refused(429, 0), {}, seed);
      w.start();
      w.run(HOUR_MS);
      const apart = w.asked.slice(1).map(({ atMs }, i) => atMs - (w.asked[i]?.atMs ?? 0));
      assert.ok(Math.min(...apart) >= 1_000, `${Math.min(...apart)}`);
      assert.ok(apart.length <= 40, `${apart.length}`);
    }
  });
  test('5xx: exponential from 5 s, and the hub that is cached stays in use', () => {
    let broken = false;
    const w = world(() => (broken ? refused(503) : toA));
    w.start();
    w.run(HOUR_MS);
    broken = true;
    w.request();
    w.run(HOUR_MS);
    const [, ...after] = waits(w);
    assert.equal(names(w), 'waiting dps_busy');
    assert.equal(w.connected, true);
    assert.ok((after[0] ?? 0) >= 5 && (after[0] ?? 0) <= 8, `${after[0]}`);
    after.slice(1).forEach((wait, i) => {
      const floor = Math.min(900, 5 * 2 ** (i + 1));
      assert.ok(wait >= floor - 1 && wait <= floor * 1.5 + 1, `${i}: ${wait}`);
    });
  });
  test('5xx with Retry-After: not before it', () => {
    const w = world(() => refused(503, 20 * MINUTE_MS));
    w.start();
    w.run(DAY_MS);
    for (const wait of waits(w)) assert.ok(wait >= 1_200);
  });
  for (const [answer, reason] of [
    [refused(401), 'key_refused'],
    [refused(403), 'forbidden'],
    [refused(404), 'not_enrolled'],
    [refused(400), 'request_refused'],
    [{ kind: 'ended', status: 'disabled', message: 'disabled' }, 'disabled'],
    [{ kind: 'ended', status: 'failed', message: 'no hub' }, 'failed'],
  ] as const) {
    test(`${reason}: blocked, slow, and at once again on request`, () => {
      let fixed = false;
      const w = world(() => (fixed ? toA : answer));
      w.start();
      w.run(DAY_MS);
      assert.equal(names(w), `blocked ${reason}`);
      assert.ok(w.asked.length >= 16 && w.asked.length <= 25, `${w.asked.length} a day`);
      fixed = true;
      const before = w.asked.length;
      w.request();
      w.run(2 * MINUTE_MS);
      assert.equal(w.asked.length, before + 1);
      assert.equal(names(w), 'connected hub_connected');
    });
  }
  test('blocked: a restart changes nothing, changed settings are tried at once', () => {
    const w = world(() => refused(401));
    w.start();
    for (let i = 0; i < 20; i += 1) {
      w.run(MINUTE_MS);
      w.restart();
    }
    assert.equal(w.asked.length, 1);
    w.rules = { ...w.rules, settings: 'another key' };
    w.dps = () => toA;
    w.restart();
    w.run(MINUTE_MS);
    assert.equal(w.asked.length, 2);
    assert.equal(w.connected, true);
  });
  test('throttled or away while polling: the same operation is polled on, not registered anew', () => {
    const said: Answer[] = [refused(429, 30_000), refused(503), unreachable, toA];
    const w = world((question) =>
      question === 'register' ? { kind: 'assigning', operationId: 'op' } : (said.shift() ?? toA),
    );
    w.start();
    w.run(10 * MINUTE_MS);
    assert.deepEqual(questions(w), ['register', 'poll', 'poll', 'poll', 'poll']);
    assert.ok((waits(w)[1] ?? 0) >= 30);
  });
  test('an operation that is forgotten each time does not become a storm', () => {
    const w = world((question) =>
      question === 'register' ? { kind: 'assigning', operationId: 'op' } : refused(404),
    );
    w.start();
    w.run(DAY_MS);
    assert.ok(w.registrations.length < 120, `${w.registrations.length}`);
  });
  test('an operation without end is given up after an hour', () => {
    const w = world(() => ({ kind: 'assigning', operationId: 'op', retryAfterMs: 30_000 }));
    w.start();
    w.run(6 * HOUR_MS);
    assert.ok(w.registrations.length >= 5 && w.registrations.length <= 6);
  });
});

test('a process killed in the middle of a registration waits before the next one', () => {
  const w = world(() => toA);
  w.latencyMs = HOUR_MS;
  w.start();
  for (let i = 0; i < 500; i += 1) w.restart(1_000);
  // Eight minutes of a restart loop that never lets a registration end.
  assert.ok(w.asked.length <= 8, `${w.asked.length}`);
  waits(w).forEach((wait, i) => assert.ok(wait >= Math.min(900, 5 * 2 ** i) - 1, `${i}: ${wait}`));
});

test('a process killed while assigning goes on with the same operation', () => {
  let polls = 0;
  const w = world((question) => {
    if (question === 'register') return { kind: 'assigning', operationId: 'op' };
    polls += 1;
    return polls < 5 ? { kind: 'assigning', operationId: 'op' } : toA;
  });
  w.start();
  for (let i = 0; i < 5; i += 1) {
    w.run(3_500);
    w.restart();
  }
  w.run(MINUTE_MS);
  assert.equal(w.registrations.length, 1);
  assert.equal(w.connected, true);
});

test('the window goes on over restarts', () => {
  const w = new World(RULES, START, constantRandom(0), () => toA);
  w.start();
  w.run(HOUR_MS);
  w.hub = () => 'network';
  w.dropConnection();
  for (let i = 0; i < 20; i += 1) {
    w.run(MINUTE_MS);
    w.restart();
  }
  assert.equal(w.asked.at(-1)?.question, 'lookup');
});
