/** The admin API over HTTP, with a real device at the other end where one is needed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { startAdmin } from '../../src/admin/index.ts';
import type { Admin } from '../../src/admin/index.ts';
import { AdminClient } from '../../src/cli/client.ts';
import { startCloud } from '../../src/cloud.ts';
import type { Cloud } from '../../src/cloud.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { openClient } from '../conformance/device-client.ts';
import { register } from '../conformance/dps-device.ts';
import { addressOf, startTestCloud } from '../conformance/dps-target.ts';

describe('the admin API', () => {
  let cloud: Cloud;
  let admin: Admin;
  let client: AdminClient;
  before(async () => {
    cloud = await startTestCloud();
    admin = await startAdmin(cloud);
    client = new AdminClient(`http://127.0.0.1:${admin.port}`);
  });
  after(async () => {
    await admin.close();
    await cloud.close();
  });

  const call = async (method: string, path: string, body?: Json) =>
    (await client.call(method, path, body)) as JsonObject;

  test('tells where everything is', async () => {
    const overview = await call('GET', '/');
    assert.equal((overview['dps'] as JsonObject)['httpsEndpoint'], cloud.dps.endpoint);
    assert.ok((overview['paths'] as string[]).includes('POST /move'));
    const pem = await fetch(`http://127.0.0.1:${admin.port}/ca.pem`);
    assert.equal(await pem.text(), cloud.ca);
  });

  test('enrols, changes and deletes; a change keeps all the rest', async () => {
    const twin = { tags: { a: 1 }, properties: { desired: { b: 2 } } };
    const created = await call('POST', '/enrolments', {
      enrollmentGroupId: 'fleet',
      reprovisionPolicy: 'reset',
      iotHubs: ['hub-b'],
      initialTwin: twin,
    });
    const path = '/enrolments/group/fleet';
    const changed = await call('PATCH', path, { provisioningStatus: 'disabled' });
    const { lastUpdatedDateTimeUtc: _one, etag: _two, ...rest } = changed;
    const { lastUpdatedDateTimeUtc: _three, etag: _four, ...before } = created;
    assert.deepEqual(rest, { ...before, provisioningStatus: 'disabled' });
    assert.equal((await client.list('/enrolments')).length, 1);
    await call('DELETE', path);
    await assert.rejects(call('GET', path), /no such enrolment/);
  });

  test('an enrolment by thumbprint, and one without a policy, survive a change', async () => {
    const { certificatePem } = await cloud.authority.issueDevice('sealed');
    const primary = { certificate: certificatePem };
    await call('POST', '/enrolments', {
      registrationId: 'sealed',
      attestation: { type: 'x509', x509: { clientCertificates: { primary } } },
      reprovisionPolicy: null,
    });
    const before = cloud.dps.enrolments.get('individual', 'sealed');
    await call('PATCH', '/enrolments/individual/sealed', { allocationPolicy: 'static' });
    const later = cloud.dps.enrolments.get('individual', 'sealed');
    assert.deepEqual(later?.attestation, before?.attestation);
    assert.equal(later?.policy, undefined);
    await call('DELETE', '/enrolments/individual/sealed');
  });

  test('hands out what a device needs, and the device gets in with it', async () => {
    await call('POST', '/enrolments', { enrollmentGroupId: 'keys' });
    const byKey = await call('POST', '/connection', { registrationId: 'rover-1', group: 'keys' });
    const key = byKey['symmetricKey'] as string;
    const dps = addressOf(cloud);
    const one = { dps, transport: 'http', registrationId: 'rover-1' } as const;
    assert.equal((await register({ ...one, proof: { kind: 'key', key } }))['status'], 'assigned');

    await call('POST', '/enrolments', { registrationId: 'rover-2', attestation: 'x509' });
    const byCertificate = await call('POST', '/connection', { registrationId: 'rover-2' });
    const certificatePem = byCertificate['certificatePem'] as string;
    const keyPem = byCertificate['keyPem'] as string;
    const two = { dps, transport: 'mqtt', registrationId: 'rover-2' } as const;
    const proof = { kind: 'certificate', certificatePem, keyPem } as const;
    assert.equal((await register({ ...two, proof }))['status'], 'assigned');
    assert.equal((await client.list('/registrations')).length, 2);
  });

  test('talks with a device: method, message, twin, drop', async () => {
    const made = await call('POST', '/hubs/hub-a/devices', { deviceId: 'talker' });
    const device = await openClient(made['connectionString'] as string, { ca: cloud.ca });
    device.onDeviceMethod('add', (request, response) => {
      const { a, b } = request.payload as { a: number; b: number };
      void response.send(200, { sum: a + b });
    });
    const path = '/hubs/-/devices/talker';
    await cloud.log.waitFor('connected', ({ deviceId }) => deviceId === 'talker');
    const answer = await callWhenListening(`${path}/methods/add`, { a: 1, b: 2 });
    assert.deepEqual(answer, { status: 200, payload: { sum: 3 } });

    const message = once(device, 'message');
    await call('POST', `${path}/messages`, { body: 'hello', properties: { lane: 1 } });
    const [got] = (await message) as [{ getData(): Buffer }];
    assert.equal(got.getData().toString('utf8'), 'hello');

    const twin = await call('PATCH', `${path}/twin/desired`, { interval: 5 });
    assert.deepEqual(twin['desired'], { interval: 5 });
    const dropped = once(device, 'disconnect');
    await call('POST', `${path}/drop`);
    await dropped;
    assert.equal((await call('PATCH', path, { enabled: false }))['enabled'], false);
    await call('DELETE', path);
    await assert.rejects(call('GET', path), /no hub knows this device/);
  });

  /** The device subscribes to methods a moment after it has connected. */
  async function callWhenListening(path: string, body: Json): Promise<Json> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await client.call('POST', path, body);
      } catch (error) {
        if (attempt === 100 || !String(error).includes('404103')) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  test('sets and ends faults and limits', async () => {
    const rule = { at: 'dps_register', action: { kind: 'status', status: 503 }, count: 1 };
    const { id } = await call('POST', '/faults', rule);
    assert.equal(cloud.faults.active.length, 1);
    await call('DELETE', `/faults/${JSON.stringify(id)}`);
    await call('PUT', '/clock', { offsetSeconds: 3_600 });
    assert.equal(cloud.faults.clockOffsetMs, 3_600_000);
    await call('DELETE', '/faults');
    assert.equal(cloud.faults.clockOffsetMs, 0);
    await call('PUT', '/hubs/hub-a/limits', { tier: 'S1', sendsPerSecond: 7 });
    const { sendsPerSecond, dailyBlocks } = cloud.hub('hub-a').limits;
    assert.deepEqual([sendsPerSecond, dailyBlocks], [7, 400_000]);
    await call('PATCH', '/dps/settings', { limits: { registrationsPerMinute: 3 } });
    assert.equal(cloud.dps.settings.limits.registrationsPerMinute, 3);
    assert.equal(cloud.dps.settings.limits.devicePollsPer10Seconds, 5, 'the others stay');
    await assert.rejects(
      call('PATCH', '/dps/settings', { pollsUntilAssigned: 'many' }),
      /no setting/,
    );
    await assert.rejects(call('PATCH', '/dps/settings', { fantasy: 1 }), /no setting/);
  });

  test('streams events as they happen', async () => {
    const stop = new AbortController();
    const lines = client.lines('/events/stream?events=device_created', stop.signal);
    const first = lines.next();
    // The stream is there once the cloud has somebody to tell.
    const timer = setInterval(() => {
      const { registry } = cloud.hub('hub-b');
      registry.delete('witness');
      const authentication = { kind: 'x509_ca' } as const;
      registry.create({ deviceId: 'witness', enabled: true, authentication });
    }, 50);
    const { value } = await first;
    clearInterval(timer);
    stop.abort();
    assert.equal((value as JsonObject)['deviceId'], 'witness');
    assert.equal((await lines.next()).done, true);
  });

  test('refuses what it cannot do, and says why', async () => {
    const refused: readonly (readonly [string, string, Json | undefined, RegExp])[] = [
      ['GET', '/nowhere', undefined, /no such path/],
      ['DELETE', '/hubs', undefined, /does not take that method/],
      ['POST', '/enrolments', { registrationId: 'a b' }, /up to 128/],
      ['POST', '/move', { registrationId: 'rover-1', hub: 'hub-z' }, /no hub hub-z/],
      ['POST', '/connection', { registrationId: 'stranger', group: 'none' }, /no group none/],
      ['GET', '/hubs/hub-a/devices/nobody/twin', undefined, /404001/],
      ['POST', '/faults', { at: 'moon' }, /at must be one of/],
      ['DELETE', '/faults/999', undefined, /no such fault/],
    ];
    for (const [method, path, body, message] of refused) {
      await assert.rejects(call(method, path, body), message, path);
    }
  });
});

test('DPS and hubs can share one MQTT port, told apart by the user name', async () => {
  await using cloud = await startCloud({
    mqttPort: 0,
    dps: { settings: { retryAfterSeconds: 0 } },
  });
  const enrolment = cloud.dps.enrol({ registrationId: 'rover-1' });
  const { attestation } = enrolment;
  assert.ok(attestation.kind === 'symmetric_key');
  assert.equal(cloud.dps.mqttPort, cloud.mqttPort);
  const proof = { kind: 'key', key: attestation.primaryKey } as const;
  const result = await register({
    dps: addressOf(cloud),
    transport: 'mqtt',
    registrationId: 'rover-1',
    proof,
  });
  const hub = result['assignedHub'] as string;
  const gateway = `GatewayHostName=localhost:${cloud.mqttPort}`;
  const connection = `${cloud.hub(hub).connectionString('rover-1')};${gateway}`;
  const device = await openClient(connection, { ca: cloud.ca });
  await cloud.log.waitFor('connected');
  await device.close();
});
