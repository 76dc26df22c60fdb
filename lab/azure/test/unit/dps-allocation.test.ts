import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocate, candidates, checkCustomAllocation } from '../../src/dps/core/allocation.ts';
import type { LinkedHub } from '../../src/dps/core/allocation.ts';
import type { Enrolment } from '../../src/dps/core/enrolment.ts';

const hub = (name: string, weight = 1): LinkedHub => ({ name, host: `${name}.example`, weight });
const LINKED = [hub('hub-a'), hub('hub-b'), hub('hub-c')];

const enrolment: Enrolment = {
  scope: 'group',
  id: 'fleet',
  deviceId: undefined,
  attestation: { kind: 'symmetric_key', primaryKey: 'a2V5', secondaryKey: 'a2V5' },
  enabled: true,
  allocation: 'hashed',
  hubs: [],
  policy: 'migrate',
  initialTwin: {},
  webhookUrl: undefined,
  createdMs: 0,
  updatedMs: 0,
  etag: 'e',
};

/** How many of 3,000 devices each hub gets. */
function shares(linked: readonly LinkedHub[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let index = 0; index < 3_000; index += 1) {
    const chosen = allocate(enrolment, `device-${index}`, linked, {});
    assert.ok(chosen.ok);
    counts[chosen.hub.name] = (counts[chosen.hub.name] ?? 0) + 1;
  }
  return counts;
}

function chosen(changes: Partial<Enrolment>, latencyMs = {}, linked = LINKED): string | number {
  const answer = allocate({ ...enrolment, ...changes }, 'device-1', linked, latencyMs);
  return answer.ok ? answer.hub.name : answer.errorCode;
}

test('hashing spreads devices evenly over hubs of equal weight', () => {
  for (const count of Object.values(shares(LINKED))) assert.ok(Math.abs(count - 1_000) < 120);
});

test('hashing follows the weights, and weight 0 takes nothing', () => {
  const counts = shares([hub('hub-a', 3), hub('hub-b', 1), hub('hub-c', 0)]);
  assert.ok(Math.abs((counts['hub-a'] ?? 0) - 2_250) < 120, JSON.stringify(counts));
  assert.equal(counts['hub-c'], undefined);
});

test('a hub more only takes devices, it does not shuffle the others', () => {
  for (let index = 0; index < 500; index += 1) {
    const before = allocate(enrolment, `device-${index}`, LINKED.slice(0, 2), {});
    const after = allocate(enrolment, `device-${index}`, LINKED, {});
    assert.ok(before.ok && after.ok);
    if (after.hub.name !== 'hub-c') assert.equal(after.hub.name, before.hub.name);
  }
});

test('static allocation takes the first hub the enrolment names, by name or host', () => {
  assert.equal(chosen({ allocation: 'static', hubs: ['hub-b', 'hub-a'] }), 'hub-b');
  assert.equal(chosen({ allocation: 'static', hubs: ['hub-c.example'] }), 'hub-c');
});

test('geoLatency takes the nearest hub, and an unknown distance is the farthest', () => {
  assert.equal(chosen({ allocation: 'geoLatency' }, { 'hub-a': 90, 'hub-b': 20 }), 'hub-b');
  const far = chosen({ allocation: 'geoLatency', hubs: ['hub-a', 'hub-c'] }, { 'hub-b': 1 });
  assert.ok(['hub-a', 'hub-c'].includes(String(far)), 'equals are hashed');
});

test('no hub left is a failure with a number, not a crash', () => {
  assert.equal(chosen({ hubs: ['hub-z'] }), 404210);
  assert.equal(chosen({ allocation: 'geoLatency' }, {}, []), 404210);
  assert.equal(chosen({ allocation: 'static' }, {}, []), 404210);
});

test('what custom allocation answers must name one of the hubs offered', () => {
  const good = checkCustomAllocation(
    {
      iotHubHostName: 'hub-b.example',
      initialTwin: { tags: { a: 1 }, properties: { desired: { b: 2 } } },
      payload: { c: 3 },
    },
    LINKED,
  );
  assert.ok(good.ok);
  assert.deepEqual([good.hub.name, good.payload], ['hub-b', { c: 3 }]);
  assert.deepEqual(good.initialTwin, { tags: { a: 1 }, desired: { b: 2 } });
  for (const bad of [undefined, null, 'hub-a', {}, { iotHubHostName: 'elsewhere' }]) {
    const answer = checkCustomAllocation(bad, LINKED);
    assert.ok(!answer.ok);
    assert.equal(answer.errorCode, 400207);
  }
});

test('an enrolment without hubs may use every linked hub', () => {
  assert.deepEqual(candidates(enrolment, LINKED), LINKED);
});
