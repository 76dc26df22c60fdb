/** Custom allocation: a webhook or a function chooses the hub, the first twin and a payload. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { isJsonObject, parseJson } from '../../src/json.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import type { Cloud } from '../../src/cloud.ts';
import { TRANSPORTS, register, rejection } from './dps-device.ts';
import { addressOf, primaryKey, startTestCloud } from './dps-target.ts';

interface Webhook extends AsyncDisposable {
  readonly url: string;
  readonly requests: JsonObject[];
}

/** Answers every call alike. */
async function startWebhook(status: number, answer: string): Promise<Webhook> {
  const requests: JsonObject[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = parseJson(Buffer.concat(chunks).toString());
      if (isJsonObject(body)) requests.push(body);
      response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/allocate`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function order(cloud: Cloud, key: string, payload?: object) {
  const proof = { kind: 'key', key } as const;
  const base = {
    dps: addressOf(cloud),
    transport: 'http',
    registrationId: 'rover-1',
    proof,
  } as const;
  return payload === undefined ? base : { ...base, payload };
}

function memberOf(json: Json | undefined, name: string): Json | undefined {
  return isJsonObject(json) ? json[name] : undefined;
}

for (const transport of TRANSPORTS) {
  test(`over ${transport}: the webhook hears of the device and its answer counts`, async () => {
    await using cloud = await startTestCloud();
    const answer = {
      iotHubHostName: cloud.hub('hub-b').host,
      initialTwin: { tags: { kind: 'toaster' }, properties: { desired: { heat: 3 } } },
      payload: { welcome: 'home', channels: [1, 2] },
    };
    await using webhook = await startWebhook(200, JSON.stringify(answer));
    const enrolment = cloud.dps.enrol({
      registrationId: 'rover-1',
      allocationPolicy: 'custom',
      customAllocationDefinition: { webhookUrl: webhook.url },
    });
    const device = { ...order(cloud, primaryKey(enrolment), { model: 't-1000' }), transport };
    const first = await register(device);
    assert.equal(first['assignedHub'], cloud.hub('hub-b').host);
    assert.deepEqual(first['payload'], answer.payload);
    const twin = cloud.hub('hub-b').registry.readTwin('rover-1');
    assert.deepEqual([twin.tags, twin.desired], [{ kind: 'toaster' }, { heat: 3 }]);

    await register(device);
    const [one, two] = webhook.requests;
    const hosts = cloud.hubs.map(({ host }) => host);
    assert.deepEqual(one?.['linkedHubs'], hosts);
    assert.deepEqual(one?.['deviceRuntimeContext'], {
      registrationId: 'rover-1',
      symmetricKey: {},
      payload: { model: 't-1000' },
    });
    assert.equal(memberOf(one?.['individualEnrollment'], 'registrationId'), 'rover-1');
    assert.ok(!JSON.stringify(one).includes(primaryKey(enrolment)), 'no key leaves the service');
    const context = two?.['deviceRuntimeContext'];
    assert.equal(memberOf(context, 'currentIotHubHostName'), cloud.hub('hub-b').host);
    assert.equal(memberOf(context, 'currentDeviceId'), 'rover-1');
  });
}

test('a function in this process can decide as well', async () => {
  await using cloud = await startTestCloud();
  const enrolment = cloud.dps.enrol({ registrationId: 'rover-1' }, (request) => ({
    iotHubHostName: 'hub-b',
    payload: {
      model: memberOf(memberOf(memberOf(request, 'deviceRuntimeContext'), 'payload'), 'model'),
    },
  }));
  const result = await register(order(cloud, primaryKey(enrolment), { model: 'x' }));
  assert.deepEqual(result['payload'], { model: 'x' });
  assert.equal(result['assignedHub'], cloud.hub('hub-b').host);
});

test('a device that never moves gets the new payload and keeps its hub', async () => {
  await using cloud = await startTestCloud();
  const answer = { iotHubHostName: 'hub-a', payload: { round: 1 } };
  const enrolment = cloud.dps.enrol(
    { registrationId: 'rover-1', reprovisionPolicy: 'never' },
    () => answer,
  );
  const device = order(cloud, primaryKey(enrolment));
  await register(device);
  Object.assign(answer, { iotHubHostName: 'hub-b', payload: { round: 2 } });
  const result = await register(device);
  assert.equal(result['assignedHub'], cloud.hub('hub-a').host);
  assert.deepEqual(result['payload'], { round: 2 });
});

const BAD: readonly (readonly [string, number, string, RegExp])[] = [
  ['refuses', 400, '{}', /^Custom allocation failed with status code: 400$/],
  ['answers no JSON', 200, 'oops', /no JSON object/],
  ['names a hub that is not linked', 200, '{"iotHubHostName":"hub-z"}', /not one of linkedHubs/],
];

for (const [what, status, answer, message] of BAD) {
  test(`a webhook that ${what} fails the registration with 400207`, async () => {
    await using cloud = await startTestCloud();
    await using webhook = await startWebhook(status, answer);
    const enrolment = cloud.dps.enrol({
      registrationId: 'rover-1',
      allocationPolicy: 'custom',
      customAllocationDefinition: { webhookUrl: webhook.url },
    });
    const error = await rejection(register(order(cloud, primaryKey(enrolment))));
    assert.equal(error.name, 'ProvisioningRegistrationFailedError');
    const { result } = error as Error & { result?: Json };
    const state = memberOf(result, 'registrationState');
    assert.equal(memberOf(state, 'status'), 'failed');
    assert.equal(memberOf(state, 'errorCode'), 400207);
    assert.match(memberOf(state, 'errorMessage') as string, message);
  });
}

test('a webhook that is not there fails the registration, the device stays where it was', async () => {
  await using cloud = await startTestCloud();
  const key = primaryKey(cloud.dps.enrol({ registrationId: 'rover-1', iotHubs: ['hub-a'] }));
  await register(order(cloud, key));
  const webhookUrl = 'http://127.0.0.1:9/';
  cloud.dps.enrolments.change('individual', 'rover-1', { allocation: 'custom', webhookUrl });
  const error = await rejection(register(order(cloud, key)));
  assert.equal(error.name, 'ProvisioningRegistrationFailedError');
  assert.ok(cloud.hub('hub-a').registry.get('rover-1') !== undefined);
});
