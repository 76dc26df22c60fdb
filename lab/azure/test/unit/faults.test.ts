import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, seededRandom } from '@holdfast/kit/testing';
import { EventLog } from '../../src/event-log.ts';
import { Faults } from '../../src/faults.ts';

const make = () => {
  const log = new EventLog(new ManualClock());
  return { log, faults: new Faults(seededRandom(1), log) };
};

test('a rule strikes where, whom and as often as it says', () => {
  const { faults, log } = make();
  faults.add({
    at: 'hub_publish',
    service: 'hub-a',
    id: 'dev-*',
    skip: 2,
    count: 2,
    action: { kind: 'close' },
  });
  const strike = (service: string, id: string) =>
    faults.take('hub_publish', service, id)?.action.kind;
  assert.equal(faults.take('hub_connect', 'hub-a', 'dev-1'), undefined);
  assert.equal(strike('hub-b', 'dev-1'), undefined);
  assert.equal(strike('hub-a', 'other'), undefined);
  assert.deepEqual(
    Array.from({ length: 6 }, () => strike('hub-a', 'dev-1')),
    [undefined, undefined, 'close', 'close', undefined, undefined],
  );
  assert.equal(log.count('fault'), 2);
  assert.equal(faults.active.length, 0, 'a used-up rule is gone');
});

test('a rule with a probability strikes that often', () => {
  const { faults } = make();
  const rule = faults.add({ at: 'dps_poll', probability: 0.25, action: { kind: 'hang' } });
  for (let index = 0; index < 4000; index += 1) faults.take('dps_poll', 'dps', `dev-${index}`);
  assert.ok(rule.hits > 900 && rule.hits < 1100, `${rule.hits} of 4000`);
  rule.remove();
  assert.equal(faults.take('dps_poll', 'dps', 'dev'), undefined);
});

test('clearing ends every rule and the clock offset', () => {
  const { faults } = make();
  faults.add({ at: 'twin_get', action: { kind: 'status', status: 429 }, delayMs: 5 });
  faults.clockOffsetMs = 600_000;
  assert.deepEqual(faults.take('twin_get', 'hub-a', 'x'), {
    action: { kind: 'status', status: 429 },
    delayMs: 5,
  });
  faults.clear();
  assert.equal(faults.take('twin_get', 'hub-a', 'x'), undefined);
  assert.equal(faults.clockOffsetMs, 0);
});
