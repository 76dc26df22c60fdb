import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectivePolicy, planReprovision } from '../../src/dps/core/reprovision.ts';
import type { Plan, ReprovisionInput } from '../../src/dps/core/reprovision.ts';

const base: ReprovisionInput = {
  policy: 'migrate',
  apiVersion: '2019-03-31',
  current: { hub: 'hub-a', known: true },
  chosenHub: 'hub-a',
  initialTwin: { tags: { from: 'enrolment' } },
  returnedTwin: undefined,
};
const returned = { tags: { from: 'webhook' } };

const ROWS: readonly [string, Partial<ReprovisionInput>, Plan][] = [
  [
    'a new device is created with the initial twin',
    { current: undefined },
    { kind: 'create', hub: 'hub-a', substatus: 'initialAssignment', twin: base.initialTwin },
  ],
  [
    'a new device is created with the twin custom allocation returned',
    { current: undefined, returnedTwin: returned },
    { kind: 'create', hub: 'hub-a', substatus: 'initialAssignment', twin: returned },
  ],
  [
    'migrate keeps the data on the same hub',
    { returnedTwin: returned },
    { kind: 'keep', hub: 'hub-a', substatus: 'reprovisionedToInitialAssignment' },
  ],
  [
    'migrate takes the data to another hub and ignores a returned twin',
    { chosenHub: 'hub-b', returnedTwin: returned },
    { kind: 'migrate', from: 'hub-a', hub: 'hub-b', substatus: 'deviceDataMigrated' },
  ],
  [
    'reset on the same hub is a return to the initial twin, not to a returned one',
    { policy: 'reset', returnedTwin: returned },
    {
      kind: 'reset',
      hub: 'hub-a',
      substatus: 'reprovisionedToInitialAssignment',
      twin: base.initialTwin,
    },
  ],
  [
    'reset to another hub starts with the initial twin',
    { policy: 'reset', chosenHub: 'hub-b' },
    {
      kind: 'replace',
      from: 'hub-a',
      hub: 'hub-b',
      substatus: 'deviceDataReset',
      twin: base.initialTwin,
    },
  ],
  [
    'reset to another hub starts with the returned twin when there is one',
    { policy: 'reset', chosenHub: 'hub-b', returnedTwin: returned },
    { kind: 'replace', from: 'hub-a', hub: 'hub-b', substatus: 'deviceDataReset', twin: returned },
  ],
  [
    'never stays where it is, whatever was chosen',
    { policy: 'never', chosenHub: 'hub-b', returnedTwin: returned },
    { kind: 'keep', hub: 'hub-a', substatus: 'reprovisionedToInitialAssignment' },
  ],
  [
    'a device its hub has forgotten is created again',
    { current: { hub: 'hub-a', known: false }, chosenHub: 'hub-b' },
    { kind: 'create', hub: 'hub-b', substatus: 'initialAssignment', twin: base.initialTwin },
  ],
  [
    'a device that never moves is created again on the hub it was on',
    { policy: 'never', current: { hub: 'hub-a', known: false }, chosenHub: 'hub-b' },
    { kind: 'create', hub: 'hub-a', substatus: 'initialAssignment', twin: base.initialTwin },
  ],
  [
    'without a policy an old API version is sticky',
    { policy: undefined, apiVersion: '2018-04-01', chosenHub: 'hub-b' },
    { kind: 'keep', hub: 'hub-a', substatus: 'reprovisionedToInitialAssignment' },
  ],
  [
    'without a policy a newer API version migrates',
    { policy: undefined, chosenHub: 'hub-b' },
    { kind: 'migrate', from: 'hub-a', hub: 'hub-b', substatus: 'deviceDataMigrated' },
  ],
];

for (const [name, input, plan] of ROWS) {
  test(name, () => assert.deepEqual(planReprovision({ ...base, ...input }), plan));
}

test('a stored policy beats the API version', () => {
  assert.equal(effectivePolicy('migrate', '2017-11-15'), 'migrate');
  assert.equal(effectivePolicy('never', '2021-06-01'), 'never');
});
