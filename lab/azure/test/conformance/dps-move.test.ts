/** An operator moves a device; the device hears of it from its old hub. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { deriveDeviceKey } from '../../src/sas.ts';
import { makeClient, openClient } from './device-client.ts';
import { register, rejection } from './dps-device.ts';
import { addressOf, primaryKey, startTestCloud } from './dps-target.ts';

async function settled(policy: string) {
  const cloud = await startTestCloud();
  const enrolment = {
    registrationId: 'rover-1',
    allocationPolicy: 'static',
    reprovisionPolicy: policy,
  };
  const key = primaryKey(cloud.dps.enrol({ ...enrolment, iotHubs: ['hub-a'] }));
  const proof = { kind: 'key', key } as const;
  const order = { dps: addressOf(cloud), transport: 'http', registrationId: 'rover-1', proof };
  const again = () => register({ ...order, transport: 'http' });
  await again();
  cloud.hub('hub-a').registry.replaceTwin('rover-1', { reported: { firmware: '7' } });
  return { cloud, again };
}

test('a moved device is shut out, registers, and finds its data on the new hub', async () => {
  const { cloud, again } = await settled('migrate');
  const connection = cloud.hub('hub-a').connectionString('rover-1');
  const client = await openClient(connection, { ca: cloud.ca });
  const dropped = once(client, 'disconnect');
  cloud.dps.move('Rover-1', 'hub-b');
  await dropped;
  const late = makeClient(connection);
  await late.setOptions({ ca: cloud.ca });
  await rejection(late.open());
  const [refused] = cloud.log.of('refused');
  assert.deepEqual([refused?.hub, refused?.connack], ['hub-a', 5]);
  const result = await again();
  assert.equal(result['assignedHub'], cloud.hub('hub-b').host);
  assert.equal(result['substatus'], 'deviceDataMigrated');
  const { registry } = cloud.hub('hub-b');
  assert.deepEqual(registry.readTwin('rover-1').reported, { firmware: '7' });
  assert.equal(registry.get('rover-1')?.enabled, true);
  assert.equal((await again())['substatus'], 'reprovisionedToInitialAssignment', 'it stays there');
  await cloud.close();
});

test('moved gently, a device stays connected until it registers again by itself', async () => {
  const { cloud, again } = await settled('migrate');
  cloud.dps.move('rover-1', 'hub-b', { gently: true });
  assert.equal(cloud.hub('hub-a').registry.get('rover-1')?.enabled, true);
  assert.equal((await again())['assignedHub'], cloud.hub('hub-b').host);
  await cloud.close();
});

test('moved back before it noticed, a device is let in again', async () => {
  const { cloud, again } = await settled('migrate');
  cloud.dps.move('rover-1', 'hub-b');
  cloud.dps.move('rover-1', 'hub-a');
  assert.equal(cloud.hub('hub-a').registry.get('rover-1')?.enabled, true);
  assert.equal((await again())['assignedHub'], cloud.hub('hub-a').host);
  await cloud.close();
});

test('a device whose policy is never is not shut out of the only hub it gets', async () => {
  const { cloud, again } = await settled('never');
  cloud.dps.move('rover-1', 'hub-b');
  assert.equal(cloud.hub('hub-a').registry.get('rover-1')?.enabled, true);
  assert.equal((await again())['assignedHub'], cloud.hub('hub-a').host);
  assert.throws(() => cloud.dps.move('rover-1', 'hub-z'), /there is no hub hub-z/);
  await cloud.close();
});

test('a group moves with all its devices, those still to come and those that were pinned', async () => {
  await using cloud = await startTestCloud();
  const group = cloud.dps.enrol({ enrollmentGroupId: 'fleet', iotHubs: ['hub-a'] });
  const again = async (registrationId: string) => {
    const key = deriveDeviceKey(primaryKey(group), registrationId);
    const proof = { kind: 'key', key } as const;
    const order = { dps: addressOf(cloud), transport: 'http', registrationId, proof } as const;
    return (await register(order))['assignedHub'];
  };
  const [a, b] = [cloud.hub('hub-a').host, cloud.hub('hub-b').host];
  cloud.dps.move('rover-2', 'hub-a');
  assert.deepEqual([await again('rover-1'), await again('rover-2')], [a, a]);
  cloud.dps.moveGroup('fleet', 'hub-b');
  const enabled = cloud
    .hub('hub-a')
    .registry.list()
    .map((device) => device.enabled);
  assert.deepEqual(enabled, [false, false]);
  for (const id of ['rover-1', 'rover-2', 'rover-3']) assert.equal(await again(id), b);
  assert.equal(cloud.hub('hub-a').registry.size, 0);
  assert.throws(() => cloud.dps.moveGroup('nobody', 'hub-b'), /there is no group nobody/);
});
