import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authenticate } from '../../src/dps/core/authentication.ts';
import type { Proof } from '../../src/dps/core/authentication.ts';
import type { Attestation, Enrolment } from '../../src/dps/core/enrolment.ts';

const keys = (name: string): Attestation => ({
  kind: 'symmetric_key',
  primaryKey: `${name}-1`,
  secondaryKey: `${name}-2`,
});
const ca = (caPem: string): Attestation => ({ kind: 'x509', thumbprints: [], caPem });

function enrolment(scope: 'individual' | 'group', id: string, attestation: Attestation): Enrolment {
  return {
    scope,
    id,
    deviceId: undefined,
    attestation,
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
}

const signedWith = (...right: string[]): Proof => ({
  kind: 'sas',
  isSignedWith: (key) => right.includes(key),
});

function certificate(commonName: string, chain: readonly string[], thumbprint = 'aa'): Proof {
  const stepsTo = (caPem: string) => {
    const index = chain.indexOf(caPem);
    return index < 0 ? undefined : index + 1;
  };
  return { kind: 'x509', commonName, thumbprint, stepsTo };
}

/** Id of the enrolment that let the device in, or the reason why none did. */
function outcome(registrationId: string, proof: Proof, enrolments: Enrolment[]): string {
  const deriveKey = (groupKey: string, id: string) => `${groupKey}/${id}`;
  const answer = authenticate({ registrationId, proof, enrolments, deriveKey });
  return answer.ok ? answer.enrolment.id : answer.reason;
}

const FLEET = [
  enrolment('group', 'fleet', keys('fleet')),
  enrolment('group', 'other', keys('other')),
  enrolment('individual', 'one', keys('one')),
];

test('an individual enrolment takes its primary and its secondary key, in any case of the id', () => {
  assert.equal(outcome('one', signedWith('one-1'), FLEET), 'one');
  assert.equal(outcome('ONE', signedWith('one-2'), FLEET), 'one');
  assert.equal(outcome('one', signedWith('wrong'), FLEET), 'wrong_key');
});

test('a device with an individual enrolment does not get in through a group', () => {
  assert.equal(outcome('one', signedWith('fleet-1/one'), FLEET), 'wrong_key');
});

test('a group is found by its derived key', () => {
  assert.equal(outcome('two', signedWith('fleet-1/two'), FLEET), 'fleet');
  assert.equal(outcome('Two', signedWith('other-2/two'), FLEET), 'other');
  assert.equal(outcome('two', signedWith('fleet-1/three'), FLEET), 'wrong_key');
});

test('without any enrolment that fits, the reason says so', () => {
  assert.equal(outcome('two', signedWith('x'), []), 'no_enrolment');
  assert.equal(outcome('two', certificate('two', ['root']), FLEET), 'no_enrolment');
  assert.equal(outcome('two', { kind: 'none' }, FLEET), 'no_enrolment');
  assert.equal(outcome('one', certificate('one', ['root']), FLEET), 'wrong_kind_of_proof');
});

test('a certificate belongs to the group of the nearest CA of its chain', () => {
  const groups = [
    enrolment('group', 'root', ca('root')),
    enrolment('group', 'intermediate', ca('intermediate')),
  ];
  assert.equal(outcome('d', certificate('d', ['intermediate', 'root']), groups), 'intermediate');
  assert.equal(outcome('d', certificate('D', ['root']), groups), 'root');
  assert.equal(outcome('d', certificate('d', ['elsewhere']), groups), 'wrong_certificate');
});

test('the common name must be the registration id', () => {
  const groups = [enrolment('group', 'root', ca('root'))];
  assert.equal(outcome('d', certificate('e', ['root']), groups), 'wrong_certificate');
});

test('an individual enrolment takes a thumbprint or a CA', () => {
  const byThumbprint: Attestation = { kind: 'x509', thumbprints: ['aa'], caPem: undefined };
  const one = [enrolment('individual', 'd', byThumbprint)];
  assert.equal(outcome('d', certificate('d', []), one), 'd');
  assert.equal(outcome('d', certificate('d', [], 'bb'), one), 'wrong_certificate');
  assert.equal(outcome('d', certificate('e', []), one), 'wrong_certificate');
  const byCa = [enrolment('individual', 'd', ca('root'))];
  assert.equal(outcome('d', certificate('d', ['root'], 'cc'), byCa), 'd');
});

test('the hub gets the keys the device will sign with', () => {
  const deriveKey = (groupKey: string, id: string) => `${groupKey}/${id}`;
  const proof = signedWith('fleet-1/two');
  const answer = authenticate({ registrationId: 'two', proof, enrolments: FLEET, deriveKey });
  assert.ok(answer.ok);
  assert.deepEqual(answer.credentials, {
    kind: 'symmetric_key',
    primaryKey: 'fleet-1/two',
    secondaryKey: 'fleet-2/two',
  });
});
