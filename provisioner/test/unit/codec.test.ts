import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { seededRandom } from '@holdfast/kit/testing';
import { decode, encodeAssignment, encodeState } from '../../src/core/codec.ts';
import type { Fields } from '../../src/core/codec.ts';
import { step } from '../../src/core/machine.ts';
import { emptyState } from '../../src/core/state.ts';
import type { Assignment, DpsPart, Now, State } from '../../src/core/state.ts';
import { HOUR_MS, MINUTE_MS, RULES, START } from '../fakes/rules.ts';

const ASSIGNMENT: Assignment = {
  host: 'a.azure-devices.net:8883',
  deviceId: 'd',
  substatus: 'deviceDataMigrated',
  etag: '"x"',
  payload: '{"a":1}',
  source: 'dps',
  kind: 'sas',
  idScope: '0ne',
  registrationId: 'r',
  assignedWallMs: 1_795_000_000_000,
};

const waiting = (waitMs: number): State => ({
  ...emptyState(START),
  dps: {
    name: 'waiting',
    question: 'register',
    due: { atMs: START.monotonicMs + waitMs, waitMs },
    cause: 'hub',
    reason: 'throttled',
  },
  heldUntilMs: START.monotonicMs + waitMs,
});

function remainingMs(fields: Fields, now: Now, boot: string): number {
  const dps = decode(fields, {}, 0, now, boot).memory?.dps;
  assert.ok(dps?.name === 'waiting');
  return dps.due.atMs - now.monotonicMs;
}

const isWhole = (text: unknown) => typeof text === 'string' && !/NaN|undefined/.test(text);

/** The JSON of `memory` with one of its values, at any depth, replaced; undefined = left out. */
function damaged(memory: unknown, at: number, value: unknown): string {
  let count = 0;
  JSON.stringify(memory, (_, part: unknown) => ((count += 1), part));
  const target = at % count;
  let i = 0;
  return JSON.stringify(memory, (_, part: unknown) => (i++ === target ? value : part)) ?? '';
}

describe('what survives', () => {
  test('an assignment comes back as it was', () => {
    const { assignment, generation } = decode({}, encodeAssignment(ASSIGNMENT, 7), 3, START, 'b');
    assert.deepEqual(assignment, ASSIGNMENT);
    assert.equal(generation, 7);
  });
  test('a generation that is in use counts more than none', () => {
    assert.equal(decode({}, {}, 9, START, 'b').generation, 9);
  });
  test('a memory of an earlier version, without the hold, keeps its wait', () => {
    const { memory, ...others } = encodeState(waiting(HOUR_MS), 's', START, 'b');
    const { hold, ...earlier } = JSON.parse(memory ?? '') as Record<string, unknown>;
    assert.notEqual(hold, undefined);
    const fields = { ...others, memory: JSON.stringify(earlier) };
    assert.equal(remainingMs(fields, START, 'b'), HOUR_MS);
  });
  test('what is damaged or missing is nothing', () => {
    const whole = encodeAssignment(ASSIGNMENT, 1);
    for (const damage of [{ host: '' }, { source: 'moon' }, { kind: 'x' }, { device_id: '' }]) {
      assert.equal(decode({}, { ...whole, ...damage }, 0, START, 'b').assignment, undefined);
    }
    const state = encodeState(waiting(HOUR_MS), 's', START, 'b');
    for (const damage of [
      { memory: '{' },
      { memory: '[]' },
      { memory: '{}' },
      { memory: '{"dps":{"name":"resting"},"failures":0}' },
      { memory: '{"dps":{},"failures":0}' },
      { memory: '{"dps":null,"failures":0}' },
      { written_ms: 'x' },
    ]) {
      assert.equal(decode({ ...state, ...damage }, {}, 0, START, 'b').memory, undefined);
    }
  });
  test('whatever is damaged in the memory of any state, the service starts and goes on', () => {
    const due = { atMs: START.monotonicMs + HOUR_MS, waitMs: HOUR_MS };
    const why = { cause: 'hub', reason: 'dps_busy' } as const;
    const parts: readonly DpsPart[] = [
      { name: 'idle' },
      { name: 'waiting', question: 'lookup', due, ...why },
      { name: 'blocked', question: 'register', due, ...why },
      { name: 'clock_wrong', question: 'register', due, ...why },
      { name: 'registering', retry: due, ...why },
      { name: 'looking_up', retry: due, ...why },
      { name: 'assigning', operationId: 'op', due, asking: true, sinceMs: 1, ...why },
    ];
    const bad = fc.oneof(fc.jsonValue(), fc.constantFrom(undefined, null, -1, '5', {}, [], 'idle'));
    fc.assert(
      fc.property(
        fc.constantFrom(...parts),
        fc.nat(),
        bad,
        fc.boolean(),
        (dps, at, value, kept) => {
          const requests = { count: 2, lastMs: 5 };
          const hub = { ...emptyState(START).hub, window: due };
          const whole = { ...waiting(HOUR_MS), dps, requests, askedAtMs: 5, hub };
          const fields = encodeState(whole, 's', START, 'b');
          const memory = damaged(JSON.parse(fields['memory'] ?? ''), at, value);
          const assignment = kept ? encodeAssignment(ASSIGNMENT, 1) : {};
          const stored = decode({ ...fields, memory }, assignment, 0, START, 'other');
          const rules = { ...RULES, idScope: '0ne', registrationId: 'r' };
          const chance = seededRandom(at);
          let { state } = step(rules, emptyState(START), { name: 'start', stored }, START, chance);
          for (let hours = 0; hours < 30; hours += 1) {
            const monotonicMs = START.monotonicMs + hours * HOUR_MS;
            const now = { wallMs: START.wallMs + hours * HOUR_MS, monotonicMs };
            ({ state } = step(rules, state, { name: 'tick' }, now, chance));
            assert.ok(Object.values(encodeState(state, 's', now, 'b')).every(isWhole));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
  test('people are told state, reason, and the next attempt by the wall clock', () => {
    const fields = encodeState(waiting(HOUR_MS), 's', START, 'b');
    assert.deepEqual(
      [fields['state'], fields['reason'], fields['next_attempt_ms']],
      ['waiting', 'throttled', String(START.wallMs + HOUR_MS)],
    );
  });
  test('in the same boot only the monotonic clock counts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 90 }), fc.integer(), (minutes, wallMs) => {
        const fields = encodeState(waiting(HOUR_MS), 's', START, 'b');
        const now = { wallMs, monotonicMs: START.monotonicMs + minutes * MINUTE_MS };
        assert.equal(remainingMs(fields, now, 'b'), HOUR_MS - minutes * MINUTE_MS);
      }),
    );
  });
  test('after a reboot the time that has passed is taken off, and nothing when the clock went back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000, max: 1_000 }), (minutes) => {
        const fields = encodeState(waiting(HOUR_MS), 's', START, 'b');
        const now = { wallMs: START.wallMs + minutes * MINUTE_MS, monotonicMs: 3_000 };
        const left = HOUR_MS - Math.max(0, minutes) * MINUTE_MS;
        assert.equal(remainingMs(fields, now, 'another'), left);
      }),
    );
  });
  test('a monotonic clock that is behind what was written is another boot, whatever the id says', () => {
    const fields = encodeState(waiting(HOUR_MS), 's', START, 'b');
    const now = { wallMs: START.wallMs + MINUTE_MS, monotonicMs: 5 };
    assert.equal(remainingMs(fields, now, 'b'), HOUR_MS - MINUTE_MS);
  });
});
