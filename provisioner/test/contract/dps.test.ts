/** Both transports, against the DPS of the lab: the same answers to the same faults. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startCloud } from '@holdfast/azure-lab';
import type { Cloud } from '@holdfast/azure-lab';
import type { DpsIdentity } from '../../src/adapters/dps-identity.ts';
import { HttpDps } from '../../src/adapters/dps-http.ts';
import { MqttDps } from '../../src/adapters/dps-mqtt.ts';
import type { Answer } from '../../src/core/outcome.ts';
import type { Dps } from '../../src/ports.ts';

const never = new AbortController().signal;

for (const transport of ['http', 'mqtt'] as const) {
  describe(`DPS over ${transport}`, () => {
    let cloud: Cloud;
    let identity: DpsIdentity;
    before(async () => {
      cloud = await startCloud({ dps: { settings: { retryAfterSeconds: 2 } } });
      const { attestation } = cloud.dps.enrol({ registrationId: 'pi', iotHubs: ['hub-a'] });
      identity = {
        host: 'localhost',
        port: transport === 'http' ? cloud.dps.httpsPort : cloud.dps.mqttPort,
        idScope: cloud.dps.idScope,
        registrationId: 'pi',
        key: attestation.kind === 'symmetric_key' ? attestation.primaryKey : '',
        certificate: undefined,
        ca: cloud.ca,
        payload: undefined,
        answerMs: 15_000,
      };
    });
    after(() => cloud.close());

    const dps = (changes: Partial<DpsIdentity> = {}): Dps =>
      new (transport === 'http' ? HttpDps : MqttDps)({ ...identity, ...changes });
    const register = async (of = dps(), signal = never): Promise<Answer> => {
      const request = { question: 'register', operationId: '', signMs: Date.now() } as const;
      return (await of.ask(request, signal)).answer;
    };
    const poll = async (operationId: string, of = dps()): Promise<Answer> =>
      (await of.ask({ question: 'poll', operationId, signMs: Date.now() }, never)).answer;

    test('a registration is accepted, and its poll says where the device belongs', async () => {
      const accepted = await register();
      assert.ok(accepted.kind === 'assigning');
      assert.equal(accepted.retryAfterMs, 2_000);
      const assigned = await poll(accepted.operationId);
      assert.ok(assigned.kind === 'assigned', JSON.stringify(assigned));
      assert.equal(assigned.registration.host, cloud.hub('hub-a').host);
      assert.equal(assigned.registration.deviceId, 'pi');
    });

    test('a wrong key and a wrong clock of the signature are refused', async () => {
      const key = Buffer.alloc(32, 9).toString('base64');
      const wrong = await register(dps({ key }));
      assert.ok(wrong.kind === 'refused' && wrong.status === 401, JSON.stringify(wrong));
      const old = {
        question: 'register',
        operationId: '',
        signMs: Date.now() - 9_000_000,
      } as const;
      const { answer, serverMs } = await dps().ask(old, never);
      assert.ok(answer.kind === 'refused' && answer.status === 401);
      if (transport === 'http') assert.ok(Math.abs((serverMs ?? 0) - Date.now()) < 10_000);
      else assert.equal(serverMs, undefined);
    });

    const seconds = { seconds: 7 };
    const century = { seconds: 3_155_760_000 };
    for (const [action, expected] of [
      [{ kind: 'status', status: 429, retryAfter: seconds }, ['refused', 429, 7_000]],
      [{ kind: 'status', status: 429 }, ['refused', 429, undefined]],
      [{ kind: 'status', status: 503, retryAfter: seconds }, ['refused', 503, 7_000]],
      [{ kind: 'status', status: 503, retryAfter: century }, ['refused', 503, 30 * 86_400_000]],
      [{ kind: 'status', status: 500, body: '' }, ['refused', 500, undefined]],
      [{ kind: 'status', status: 404 }, ['refused', 404, undefined]],
      [{ kind: 'status', status: 403, body: '<html>' }, ['refused', 403, undefined]],
      [{ kind: 'body', text: '<html>' }, ['unreadable']],
      [{ kind: 'body', text: 'null' }, ['unreadable']],
      [{ kind: 'close' }, ['unreachable']],
      [{ kind: 'process_and_close' }, ['unreachable']],
      [{ kind: 'hang' }, ['unreachable', 'TIMEOUT']],
    ] as const) {
      for (const question of ['register', 'poll'] as const) {
        test(`${JSON.stringify(action)} for a ${question} is ${expected.join(' ')}`, async () => {
          const accepted = question === 'poll' ? await register() : undefined;
          const operationId = accepted?.kind === 'assigning' ? accepted.operationId : '';
          const at = question === 'poll' ? 'dps_poll' : 'dps_register';
          const fault = cloud.faults.add({ at, action });
          try {
            const of = dps(action.kind === 'hang' ? { answerMs: 1_000 } : {});
            const answer = await (question === 'poll' ? poll(operationId, of) : register(of));
            const [kind, second, third] = expected;
            assert.equal(answer.kind, kind, JSON.stringify(answer));
            if (answer.kind === 'refused') {
              assert.deepEqual([answer.status, answer.retryAfterMs], [second, third]);
            }
            if (answer.kind === 'unreachable' && second !== undefined) {
              assert.equal(answer.code, second);
            }
          } finally {
            fault.remove();
          }
        });
      }
    }

    test('being told to stop ends a question at once', async () => {
      const fault = cloud.faults.add({ at: 'dps_register', action: { kind: 'hang' } });
      const stop = new AbortController();
      const asked = register(dps({ answerMs: 60_000 }), stop.signal);
      await cloud.log.waitFor('fault', ({ at }) => at === 'dps_register', { after: 0 });
      stop.abort();
      assert.equal((await asked).kind, 'unreachable');
      fault.remove();
    });

    test('nobody there, and a server nobody vouches for, are no answer', async () => {
      for (const changes of [{ port: 1 }, { host: 'no-such-host.invalid' }, { ca: undefined }]) {
        const answer = await register(dps(changes));
        assert.equal(answer.kind, 'unreachable', JSON.stringify(answer));
      }
    });

    test('a certificate is a proof as well', async () => {
      cloud.dps.enrol({ registrationId: 'sealed', iotHubs: ['hub-b'], attestation: 'x509' });
      const { certificatePem, keyPem } = await cloud.authority.issueDevice('sealed');
      const certificate = { cert: certificatePem, key: keyPem };
      const own = { registrationId: 'sealed', key: undefined, certificate };
      assert.equal((await register(dps(own))).kind, 'assigning');
    });

    test('what cannot even be sent is no answer, and nothing is rejected', async () => {
      const { certificatePem: cert } = await cloud.authority.issueDevice('sealed');
      const { keyPem } = await cloud.authority.issueDevice('another');
      for (const key of [keyPem, cert, 'no PEM at all']) {
        const of = dps({ key: undefined, certificate: { cert, key } });
        for (const answer of [await register(of), await poll('op', of)]) {
          assert.ok(answer.kind === 'unreachable', JSON.stringify(answer));
          assert.doesNotMatch(JSON.stringify(answer), /BEGIN|MII/);
        }
      }
      const unsendable = await register(dps({ registrationId: 'my pi\n' }));
      assert.ok(unsendable.kind !== 'assigned' && unsendable.kind !== 'assigning');
    });
  });
}

describe('the status lookup', () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await startCloud({ dps: { settings: { answerAtOnce: true } } });
  });
  after(() => cloud.close());

  test('says where a device belongs, that it is unknown, and how long to wait', async () => {
    const { attestation } = cloud.dps.enrol({ registrationId: 'pi', iotHubs: ['hub-a'] });
    const dps = new HttpDps({
      host: 'localhost',
      port: cloud.dps.httpsPort,
      idScope: cloud.dps.idScope,
      registrationId: 'pi',
      key: attestation.kind === 'symmetric_key' ? attestation.primaryKey : '',
      certificate: undefined,
      ca: cloud.ca,
      payload: undefined,
      answerMs: 5_000,
    });
    const ask = async (question: 'register' | 'lookup') =>
      (await dps.ask({ question, operationId: '', signMs: Date.now() }, never)).answer;
    const unknown = await ask('lookup');
    assert.ok(unknown.kind === 'refused' && unknown.status === 404, JSON.stringify(unknown));
    cloud.dps.settings.lookupUnknown = 'unassigned';
    const unassigned = await ask('lookup');
    assert.ok(unassigned.kind === 'ended' && unassigned.status === 'unassigned');
    assert.equal((await ask('register')).kind, 'assigned');
    const known = await ask('lookup');
    assert.ok(known.kind === 'assigned');
    assert.equal(known.registration.host, cloud.hub('hub-a').host);
    const retryAfter = { seconds: 60, as: 'date' } as const;
    cloud.faults.add({ at: 'dps_lookup', action: { kind: 'status', status: 429, retryAfter } });
    const throttled = await ask('lookup');
    assert.ok(throttled.kind === 'refused' && throttled.status === 429);
    assert.ok(Math.abs((throttled.retryAfterMs ?? 0) - 60_000) <= 1_000);
  });

  test('with a key that is not the one of the certificate is no answer', async () => {
    const { certificatePem: cert } = await cloud.authority.issueDevice('pi');
    const { keyPem: key } = await cloud.authority.issueDevice('another');
    const dps = new HttpDps({
      host: 'localhost',
      port: cloud.dps.httpsPort,
      idScope: cloud.dps.idScope,
      registrationId: 'pi',
      key: undefined,
      certificate: { cert, key },
      ca: cloud.ca,
      payload: undefined,
      answerMs: 5_000,
    });
    const asked = dps.ask({ question: 'lookup', operationId: '', signMs: Date.now() }, never);
    assert.equal((await asked).answer.kind, 'unreachable');
  });
});
