/**
 * Every refusal of DPS, and what the official packages make of it: the table that a device's
 * retry rules rest on. Failures are provoked by the real cause where there is one, else on demand.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Cloud } from '../../src/cloud.ts';
import { AZURE_LIMITS } from '../../src/dps/core/limits.ts';
import { createSelfSigned } from '../../src/certificates.ts';
import { register, rejection } from './dps-device.ts';
import type { DeviceProof, RegistrationOrder } from './dps-device.ts';
import { rawCall, rawLookup, rawPoll, rawRegister } from './dps-raw.ts';
import { addressOf, primaryKey, startTestCloud } from './dps-target.ts';

const WRONG_KEY = Buffer.alloc(32, 7).toString('base64');

/** The parts of an SDK error from HTTP that a device can act on. */
interface HttpError extends Error {
  readonly response?: { readonly statusCode: number; readonly headers: Record<string, string> };
  readonly responseBody?: string;
}

describe('refusals of DPS', () => {
  let cloud: Cloud;
  let key: string;
  before(async () => {
    // One device asks more here than any device may.
    const limits = { ...AZURE_LIMITS, devicePollsPer10Seconds: 1_000 };
    cloud = await startTestCloud({ limits });
    key = primaryKey(cloud.dps.enrol({ registrationId: 'rover-1' }));
  });
  after(() => cloud.close());

  const order = (changes: Partial<RegistrationOrder> = {}): RegistrationOrder => ({
    dps: addressOf(cloud),
    transport: 'http',
    registrationId: 'rover-1',
    proof: { kind: 'key', key },
    ...changes,
  });
  const device = () => ({ dps: addressOf(cloud), registrationId: 'rover-1', key });

  const ON_DEMAND: readonly (readonly [number, string, string])[] = [
    [400, 'ArgumentError', 'ArgumentError'],
    [401, 'UnauthorizedError', 'UnauthorizedError'],
    [403, 'TooManyDevicesError', 'Error'],
    [404, 'Error', 'DeviceNotFoundError'],
    [409, 'DeviceAlreadyExistsError', 'Error'],
  ];

  for (const [status, httpName, mqttName] of ON_DEMAND) {
    test(`${status}: ${httpName} over HTTP, ${mqttName} over MQTT`, async () => {
      const fault = cloud.faults.add({ at: 'dps_register', action: { kind: 'status', status } });
      const overHttp: HttpError = await rejection(register(order()));
      const overMqtt = await rejection(register(order({ transport: 'mqtt' })));
      fault.remove();
      assert.deepEqual([overHttp.name, overMqtt.name], [httpName, mqttName]);
      assert.equal(overHttp.response?.statusCode, status);
    });
  }

  const RETRY_AFTER = [
    ['with seconds in', { seconds: 7 }, /^7$/],
    ['with a date in', { seconds: 90, as: 'date' }, /^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/],
    ['without', undefined, undefined],
  ] as const;

  for (const status of [429, 500, 503]) {
    for (const [how, retryAfter, pattern] of RETRY_AFTER) {
      test(`${status} ${how} Retry-After fails one attempt over HTTP at once`, async () => {
        const action = { kind: 'status', status } as const;
        cloud.faults.add({
          at: 'dps_register',
          count: 1,
          action: retryAfter === undefined ? action : { ...action, retryAfter },
        });
        const error: HttpError = await rejection(register(order()));
        assert.equal(error.response?.statusCode, status);
        const header = error.response.headers['retry-after'];
        if (pattern === undefined) assert.equal(header, undefined);
        else assert.match(header ?? '', pattern);
      });
    }

    test(`${status} over MQTT is hidden by the SDK, which asks again until it is let in`, async () => {
      const mark = cloud.log.position;
      const retryAfter = { seconds: 0 };
      const action = { kind: 'status', status, retryAfter } as const;
      cloud.faults.add({ at: 'dps_register', count: 2, action });
      const result = await register(order({ transport: 'mqtt' }));
      assert.equal(result['status'], 'assigned');
      const statuses = cloud.log.of('registration', mark).map((event) => event.status);
      assert.deepEqual(statuses, [status, status, 202]);
    });

    test(`${status} on a poll over HTTP ends the registration though it was accepted`, async () => {
      cloud.faults.add({ at: 'dps_poll', count: 1, action: { kind: 'status', status } });
      const error: HttpError = await rejection(register(order()));
      assert.equal(error.response?.statusCode, status);
    });
  }

  test('a wrong key is 401 over HTTP and return code 5 over MQTT', async () => {
    const proof = { kind: 'key', key: WRONG_KEY } as const;
    const overHttp: HttpError = await rejection(register(order({ proof })));
    assert.equal(overHttp.name, 'UnauthorizedError');
    assert.match(overHttp.responseBody ?? '', /"errorCode":401002/);
    const overMqtt = await rejection(register(order({ proof, transport: 'mqtt' })));
    assert.equal(overMqtt.code, 5);
  });

  test('a device without an enrolment is as unauthorised as one with a wrong key', async () => {
    const error = await rejection(register(order({ registrationId: 'nobody' })));
    assert.equal(error.name, 'UnauthorizedError');
  });

  test('a certificate of somebody else is 401 with its own wording', async () => {
    cloud.dps.enrol({ enrollmentGroupId: 'certified', attestation: 'x509' });
    const strange = await createSelfSigned('rover-x');
    const proof: DeviceProof = { kind: 'certificate', ...strange };
    const error: HttpError = await rejection(register(order({ registrationId: 'rover-x', proof })));
    assert.equal(error.response?.statusCode, 401);
    assert.match(error.responseBody ?? '', /Invalid certificate\./);
  });

  test('an unknown id scope is 404', async () => {
    const dps = { ...addressOf(cloud), idScope: '0ne99999999' };
    const error: HttpError = await rejection(register(order({ dps })));
    assert.equal(error.response?.statusCode, 404);
  });

  test('every return code of CONNECT arrives with its number', async () => {
    for (const code of [1, 2, 3, 4, 5] as const) {
      cloud.faults.add({ at: 'dps_connect', count: 1, action: { kind: 'connack', code } });
      const error = await rejection(register(order({ transport: 'mqtt' })));
      assert.equal(error.code, code);
    }
  });

  test('a disabled enrolment ends in a result that says so', async () => {
    for (const transport of ['http', 'mqtt'] as const) {
      cloud.dps.enrolments.change('individual', 'rover-1', { enabled: false });
      const error = await rejection(register(order({ transport })));
      cloud.dps.enrolments.change('individual', 'rover-1', { enabled: true });
      assert.equal(error.name, 'SyntaxError', 'the class the SDK gives it');
      assert.match(error.message, /disabled/);
    }
  });

  test('a disabled enrolment can be made to answer 401 instead', async () => {
    cloud.dps.settings.disabledAnswer = 'unauthorized';
    cloud.dps.enrolments.change('individual', 'rover-1', { enabled: false });
    const error: HttpError = await rejection(register(order()));
    cloud.dps.enrolments.change('individual', 'rover-1', { enabled: true });
    cloud.dps.settings.disabledAnswer = 'status';
    assert.equal(error.response?.statusCode, 401);
  });

  test('an unknown operation, path, method, form or size is refused with its own status', async () => {
    assert.equal((await rawPoll(device(), '4.0.nothing')).body['errorCode'], 404203);
    const call = { ...device(), method: 'PUT', path: 'rover-1/register' };
    const status = async (changes: object) => (await rawCall({ ...call, ...changes })).status;
    assert.equal(await status({ path: 'rover-1/nowhere' }), 404);
    assert.equal(await status({ method: 'POST' }), 405);
    assert.equal(await status({ headers: { 'content-type': 'text/plain' } }), 415);
    assert.equal(await status({ body: 'no json' }), 400);
    assert.equal(await status({ body: { registrationId: 'rover-2' } }), 400);
    const large = { registrationId: 'rover-1', payload: 'x'.repeat(97 * 1_024) };
    assert.equal(await status({ body: large }), 413);
    assert.equal(await status({ apiVersion: 'latest', body: { registrationId: 'rover-1' } }), 400);
  });

  test('the lookup answers what the last registration came to, and 404 before the first', async () => {
    const other = primaryKey(cloud.dps.enrol({ registrationId: 'rover-2' }));
    const fresh = { ...device(), registrationId: 'rover-2', key: other };
    assert.equal((await rawLookup(fresh)).body['errorCode'], 404202);
    cloud.dps.settings.lookupUnknown = 'unassigned';
    assert.equal((await rawLookup(fresh)).body['status'], 'unassigned');
    cloud.dps.settings.lookupUnknown = 'not_found';
    await register(order());
    const { status, body } = await rawLookup(device());
    assert.deepEqual([status, body['status'], body['deviceId']], [200, 'assigned', 'rover-1']);
    assert.equal((await rawLookup({ ...device(), key: WRONG_KEY })).status, 401);
  });

  test('an answer that is no JSON fails over HTTP', async () => {
    const action = { kind: 'body', text: '<html>maintenance</html>' } as const;
    cloud.faults.add({ at: 'dps_register', count: 1, action });
    await rejection(register(order()));
    cloud.faults.add({ at: 'dps_register', count: 1, action });
    assert.equal((await rawRegister(device())).text, '<html>maintenance</html>');
  });

  test('a connection cut at register or poll is a network error over HTTP', async () => {
    for (const at of ['dps_register', 'dps_poll'] as const) {
      cloud.faults.add({ at, count: 1, action: { kind: 'close' } });
      const error: HttpError = await rejection(register(order()));
      assert.equal(error.response, undefined);
    }
  });

  test('a call can be taken and never answered, or answered by silence', async () => {
    for (const kind of ['hang', 'withhold'] as const) {
      const mark = cloud.log.position;
      cloud.faults.add({ at: 'dps_register', count: 1, action: { kind } });
      const stop = new AbortController();
      const answer = rejection(rawRegister({ ...device(), signal: stop.signal }));
      await cloud.log.waitFor('registration', () => true, { after: mark });
      stop.abort();
      assert.equal((await answer).name, 'AbortError');
      await cloud.dps.service.settled();
      assert.equal(cloud.log.of('assigned', mark).length, kind === 'hang' ? 0 : 1);
    }
  });

  test('a clock that is wrong shows in the Date header and makes good tokens bad', async () => {
    cloud.faults.clockOffsetMs = 2 * 3_600_000;
    const refused = await rawRegister(device());
    cloud.faults.clockOffsetMs = 0;
    assert.equal(refused.status, 401);
    const aheadMs = Date.parse(refused.headers.date ?? '') - Date.now();
    assert.ok(Math.abs(aheadMs - 2 * 3_600_000) < 60_000, `${aheadMs} ms`);
    assert.equal((await rawRegister(device())).status, 202);
  });
});
