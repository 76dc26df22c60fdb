import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEnrolment } from '../../src/dps/core/enrolment-json.ts';
import { isRegistrationId } from '../../src/dps/core/enrolment.ts';
import type { Json } from '../../src/json.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');
const tools = {
  newKey: () => KEY,
  thumbprint: (certificate: string) =>
    certificate.startsWith('cert') ? `t-${certificate}` : undefined,
  toPem: (certificate: string) => (certificate.startsWith('ca') ? `pem-${certificate}` : undefined),
  ownCaPem: 'own-ca',
  defaultAllocation: 'hashed',
} as const;

function parsed(json: Json) {
  const answer = parseEnrolment(json, tools);
  assert.ok(answer.ok, answer.ok ? '' : answer.faults.join('; '));
  return answer.enrolment;
}

function faults(json: Json): number {
  const answer = parseEnrolment(json, tools);
  return answer.ok ? 0 : answer.faults.length;
}

test('a name is enough: the rest is what a new enrolment has', () => {
  assert.deepEqual(parsed({ registrationId: 'Device-1' }), {
    scope: 'individual',
    id: 'device-1',
    deviceId: undefined,
    attestation: { kind: 'symmetric_key', primaryKey: KEY, secondaryKey: KEY },
    enabled: true,
    allocation: 'hashed',
    hubs: [],
    policy: 'migrate',
    initialTwin: {},
    webhookUrl: undefined,
  });
});

test('the bodies of the service are understood', () => {
  const group = parsed({
    enrollmentGroupId: 'Fleet',
    attestation: {
      type: 'x509',
      x509: { signingCertificates: { primary: { certificate: 'ca1' } } },
    },
    capabilities: { iotEdge: false },
    provisioningStatus: 'disabled',
    reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: false },
    allocationPolicy: 'geolatency',
    iotHubs: ['hub-a.example'],
    initialTwin: { tags: { a: 1 }, properties: { desired: { b: 2 } } },
    customAllocationDefinition: { webhookUrl: 'http://localhost/a', apiVersion: '2021-10-01' },
  });
  assert.deepEqual(group.attestation, { kind: 'x509', thumbprints: [], caPem: 'pem-ca1' });
  assert.deepEqual(
    [group.id, group.enabled, group.policy, group.allocation, group.hubs, group.webhookUrl],
    ['Fleet', false, 'reset', 'geoLatency', ['hub-a.example'], 'http://localhost/a'],
  );
  assert.deepEqual(group.initialTwin, { tags: { a: 1 }, desired: { b: 2 } });
});

test('individual certificates are kept as thumbprints; without any, this cloud’s CA counts', () => {
  const clientCertificates = {
    primary: { certificate: 'cert1' },
    secondary: { certificate: 'cert2' },
  };
  const byCertificate = parsed({
    registrationId: 'd',
    attestation: { type: 'x509', x509: { clientCertificates } },
  });
  const thumbprints = ['t-cert1', 't-cert2'];
  assert.deepEqual(byCertificate.attestation, { kind: 'x509', thumbprints, caPem: undefined });
  const byOwnCa = parsed({ registrationId: 'd', attestation: 'x509' });
  assert.deepEqual(byOwnCa.attestation, { kind: 'x509', thumbprints: [], caPem: 'own-ca' });
});

test('policies as words, as flags, as null and left out', () => {
  const policy = (reprovisionPolicy: Json) =>
    parsed({ registrationId: 'd', reprovisionPolicy }).policy;
  assert.equal(policy('never'), 'never');
  assert.equal(policy({ updateHubAssignment: false, migrateDeviceData: false }), 'never');
  assert.equal(policy({ updateHubAssignment: true, migrateDeviceData: true }), 'migrate');
  assert.equal(policy(null), undefined);
});

test('everything wrong is named at once', () => {
  assert.equal(faults('x'), 1);
  assert.equal(faults({}), 1);
  const wrong = {
    registrationId: '-d',
    attestation: { type: 'tpm' },
    allocationPolicy: 'nearest',
    provisioningStatus: 'off',
    reprovisionPolicy: 'sometimes',
    iotHubs: [1],
    customAllocationDefinition: { webhookUrl: 'ftp://x' },
  };
  assert.equal(faults(wrong), 7);
  const badKey = { type: 'symmetricKey', symmetricKey: { primaryKey: 'short' } };
  assert.equal(faults({ registrationId: 'd', attestation: badKey }), 1);
});

test('registration ids are those the service takes', () => {
  for (const id of ['a', 'A-1', 'sn-007.x_y:z', 'a'.repeat(128), 'a-'])
    assert.ok(isRegistrationId(id), id);
  for (const id of ['', '-a', 'a.', 'a b', 'a/b', 'a'.repeat(129)])
    assert.ok(!isRegistrationId(id), id);
});
