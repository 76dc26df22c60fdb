/** What a device finds when it registers again: each policy, on the same hub and on another one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Cloud } from '../../src/cloud.ts';
import type { JsonObject } from '../../src/json.ts';
import { makeClient, openClient } from './device-client.ts';
import { TRANSPORTS, register, rejection } from './dps-device.ts';
import type { TransportName } from './dps-device.ts';
import { rawPoll, rawRegister } from './dps-raw.ts';
import { addressOf, primaryKey, startTestCloud } from './dps-target.ts';

const ID = 'rover-1';
const INITIAL = { tags: { site: 'plant' }, properties: { desired: { interval: 10 } } };
const LIVED = { tags: { site: 'field' }, desired: { interval: 60 }, reported: { firmware: '7' } };
const RESET = { tags: { site: 'plant' }, desired: { interval: 10 }, reported: {} };

interface Case {
  readonly policy: string | null;
  readonly moves: boolean;
  readonly substatus: string;
  readonly twin: typeof LIVED | typeof RESET;
  /** Where the device is afterwards. */
  readonly hub: 'hub-a' | 'hub-b';
}

const again = 'reprovisionedToInitialAssignment';
const CASES: readonly Case[] = [
  { policy: 'migrate', moves: false, substatus: again, twin: LIVED, hub: 'hub-a' },
  { policy: 'migrate', moves: true, substatus: 'deviceDataMigrated', twin: LIVED, hub: 'hub-b' },
  { policy: 'reset', moves: false, substatus: again, twin: RESET, hub: 'hub-a' },
  { policy: 'reset', moves: true, substatus: 'deviceDataReset', twin: RESET, hub: 'hub-b' },
  { policy: 'never', moves: false, substatus: again, twin: LIVED, hub: 'hub-a' },
  { policy: 'never', moves: true, substatus: again, twin: LIVED, hub: 'hub-a' },
  { policy: null, moves: true, substatus: 'deviceDataMigrated', twin: LIVED, hub: 'hub-b' },
];

/** A device on hub-a that has lived there for a while. */
async function settle(cloud: Cloud, policy: string | null, transport: TransportName) {
  const enrolment = {
    registrationId: ID,
    allocationPolicy: 'static',
    iotHubs: ['hub-a'],
    initialTwin: INITIAL,
    reprovisionPolicy: policy,
  };
  const key = primaryKey(cloud.dps.enrol(enrolment));
  const proof = { kind: 'key', key } as const;
  const order = { dps: addressOf(cloud), transport, registrationId: ID, proof };
  await register(order);
  cloud.hub('hub-a').registry.replaceTwin(ID, LIVED);
  return order;
}

function twinOf(cloud: Cloud, hub: string): JsonObject {
  const { tags, desired, reported } = cloud.hub(hub).registry.readTwin(ID);
  return { tags, desired, reported };
}

for (const transport of TRANSPORTS) {
  for (const { policy, moves, substatus, twin, hub } of CASES) {
    const where = moves ? 'another hub was chosen' : 'the hub stays';
    test(`over ${transport}, policy ${policy}: ${where} -> ${substatus} on ${hub}`, async () => {
      await using cloud = await startTestCloud();
      const order = await settle(cloud, policy, transport);
      assert.deepEqual(twinOf(cloud, 'hub-a'), LIVED);
      if (moves) cloud.dps.enrolments.change('individual', ID, { hubs: ['hub-b'] });
      const result = await register(order);
      assert.equal(result['substatus'], substatus);
      assert.equal(result['assignedHub'], cloud.hub(hub).host);
      assert.deepEqual(twinOf(cloud, hub), twin);
      const other = hub === 'hub-a' ? 'hub-b' : 'hub-a';
      assert.equal(cloud.hub(other).registry.get(ID), undefined, 'only one hub knows it');
    });
  }
}

test('without a stored policy a device of an old API version stays where it is', async () => {
  await using cloud = await startTestCloud();
  const { dps, proof } = await settle(cloud, null, 'http');
  cloud.dps.enrolments.change('individual', ID, { hubs: ['hub-b'] });
  const device = { dps, registrationId: ID, key: proof.key, apiVersion: '2018-04-01' };
  const { body } = await rawRegister(device);
  await cloud.dps.service.settled();
  const done = await rawPoll(device, body['operationId'] as string);
  const state = done.body['registrationState'] as JsonObject;
  assert.equal(state['assignedHub'], cloud.hub('hub-a').host);
  assert.equal(state['substatus'], again);
});

test('a new device starts with the initial twin of its enrolment', async () => {
  await using cloud = await startTestCloud();
  const enrolment = { registrationId: ID, initialTwin: INITIAL };
  const key = primaryKey(cloud.dps.enrol(enrolment));
  const dps = addressOf(cloud);
  const result = await register({
    dps,
    transport: 'http',
    registrationId: ID,
    proof: { kind: 'key', key },
  });
  assert.deepEqual(twinOf(cloud, String(result['assignedHub'])), RESET);
});

test('a moved device is dropped by its old hub, refused there, and at home on the new one', async () => {
  await using cloud = await startTestCloud();
  const order = await settle(cloud, 'migrate', 'http');
  const oldConnection = cloud.hub('hub-a').connectionString(ID);
  const client = await openClient(oldConnection, { ca: cloud.ca });
  cloud.dps.enrolments.change('individual', ID, { hubs: ['hub-b'] });
  const dropped = once(client, 'disconnect');
  await register(order);
  await dropped;
  const end = await cloud.log.waitFor('disconnected');
  assert.deepEqual([end.hub, end.reason], ['hub-a', 'deleted']);
  const stubborn = makeClient(oldConnection);
  await stubborn.setOptions({ ca: cloud.ca });
  await rejection(stubborn.open());
  const refused = await cloud.log.waitFor('refused');
  assert.deepEqual([refused.hub, refused.connack], ['hub-a', 5]);
  const moved = await openClient(cloud.hub('hub-b').connectionString(ID), { ca: cloud.ca });
  await cloud.log.waitFor('connected', ({ hub }) => hub === 'hub-b');
  await moved.close();
});

test('a rotated key reaches the hub with the next registration', async () => {
  await using cloud = await startTestCloud();
  const { dps, transport } = await settle(cloud, 'migrate', 'http');
  const rotated = Buffer.alloc(32, 9).toString('base64');
  const symmetricKey = { primaryKey: rotated, secondaryKey: rotated };
  cloud.dps.enrol({
    registrationId: ID,
    allocationPolicy: 'static',
    iotHubs: ['hub-a'],
    attestation: { type: 'symmetricKey', symmetricKey },
  });
  const proof = { kind: 'key', key: rotated } as const;
  const result = await register({ dps, transport, registrationId: ID, proof });
  assert.equal(result['substatus'], again);
  assert.match(cloud.hub('hub-a').connectionString(ID), /SharedAccessKey=CQkJ/);
  assert.deepEqual(twinOf(cloud, 'hub-a'), LIVED, 'nothing else changed');
});
