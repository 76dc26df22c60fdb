/** Registration with the official packages: every transport with every proof. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createSelfSigned } from '../../src/certificates.ts';
import { deriveDeviceKey } from '../../src/sas.ts';
import { TRANSPORTS, register } from './dps-device.ts';
import type { DeviceProof } from './dps-device.ts';
import { addressOf, primaryKey, realCandidate, startTestCloud } from './dps-target.ts';
import type { Cloud } from '../../src/cloud.ts';

describe('a device registers', () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await startTestCloud({ pollsUntilAssigned: 1 });
  });
  after(() => cloud.close());

  const PROOFS: Readonly<Record<string, (id: string) => Promise<DeviceProof>>> = {
    'the key of an individual enrolment': async (registrationId) => {
      const enrolment = cloud.dps.enrol({ registrationId, iotHubs: ['hub-a'] });
      return { kind: 'key', key: primaryKey(enrolment) };
    },
    'a key derived from that of its group': async (registrationId) => {
      const enrolment = cloud.dps.enrol({ enrollmentGroupId: 'keys', iotHubs: ['hub-a'] });
      return { kind: 'key', key: deriveDeviceKey(primaryKey(enrolment), registrationId) };
    },
    'a certificate known by its thumbprint': async (registrationId) => {
      const own = await createSelfSigned(registrationId);
      const primary = { certificate: own.certificatePem };
      const attestation = { type: 'x509', x509: { clientCertificates: { primary } } };
      cloud.dps.enrol({ registrationId, attestation, iotHubs: ['hub-a'] });
      return { kind: 'certificate', ...own };
    },
    'a certificate of the CA of an individual enrolment': async (registrationId) => {
      cloud.dps.enrol({ registrationId, attestation: 'x509', iotHubs: ['hub-a'] });
      return { kind: 'certificate', ...(await cloud.authority.issueDevice(registrationId)) };
    },
    'a certificate of an intermediate CA of its group': async (registrationId) => {
      const intermediate = await cloud.authority.issueAuthority(`plant of ${registrationId}`);
      const primary = { certificate: intermediate.certificatePem };
      const attestation = { type: 'x509', x509: { signingCertificates: { primary } } };
      cloud.dps.enrol({ enrollmentGroupId: registrationId, attestation, iotHubs: ['hub-a'] });
      return { kind: 'certificate', ...(await intermediate.issueDevice(registrationId)) };
    },
  };

  for (const transport of TRANSPORTS) {
    for (const [name, prepare] of Object.entries(PROOFS)) {
      test(`over ${transport} with ${name}`, async () => {
        const registrationId = `${transport}-${Object.keys(PROOFS).indexOf(name)}`;
        const proof = await prepare(registrationId);
        const result = await register({ dps: addressOf(cloud), transport, registrationId, proof });
        assert.equal(result['status'], 'assigned');
        assert.equal(result['substatus'], 'initialAssignment');
        assert.equal(result['assignedHub'], cloud.hub('hub-a').host);
        assert.equal(result['deviceId'], registrationId);
        assert.equal(result['registrationId'], registrationId);
        const polls = cloud.log.of('poll').filter((poll) => poll.registrationId === registrationId);
        assert.deepEqual(
          polls.map((poll) => [poll.status, poll.transport]),
          [
            [202, transport],
            [200, transport],
          ],
        );
        const identity = cloud.hub('hub-a').registry.get(registrationId);
        assert.ok(identity?.enabled, 'the hub knows the device');
        assert.equal(
          identity.authentication.kind,
          proof.kind === 'key' ? 'sas' : 'x509_thumbprint',
        );
      });
    }
  }
});

for (const transport of TRANSPORTS) {
  for (const kind of ['key', 'certificate'] as const) {
    const real = realCandidate(kind);
    const skip = real === undefined ? 'the variables of the real service are not set' : false;
    test(
      `the real service assigns a device with a ${kind} over ${transport}`,
      { skip },
      async () => {
        assert.ok(real !== undefined);
        const { address: dps, registrationId, proof } = real;
        const result = await register({ dps, transport, registrationId, proof });
        assert.equal(result['status'], 'assigned');
        assert.equal(typeof result['assignedHub'], 'string');
        assert.equal(typeof result['deviceId'], 'string');
      },
    );
  }
}
