import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@holdfast/kit';
import { connectMqtt, startCloud, symmetricKeyDevice } from '../../src/index.ts';
import { DEVICE, EVENTS, login, portOf, startBed } from './hub-bed.ts';

test('each refusal has its return code and its reason in the log', async () => {
  await using bed = await startBed();
  bed.hub.registry.create({ ...symmetricKeyDevice('off'), enabled: false });
  const off = bed.hub.registry.get('off')?.authentication;
  const offKey = off?.kind === 'sas' ? off.primaryKey : '';
  const wrongKey = Buffer.from('another key').toString('base64');
  const cases = [
    [5, /404001/, login(bed, 60, { deviceId: 'nobody' })],
    [5, /403012/, login(bed, 60, { deviceId: 'off', key: offKey })],
    [5, /401002 token bad_signature/, login(bed, 60, { key: wrongKey })],
    [5, /401003 token expired/, login(bed, 0)],
    [5, /another hub/, login(bed, 60, { host: bed.cloud.hub('hub-b').host })],
    [5, /token malformed/, { password: Buffer.from('secret') }],
    [2, /client id/, { clientId: 'somebody' }],
    [4, /user name/, { username: 'dev-1' }],
    [4, /user name/, { username: 'scope/registrations/dev-1/api-version=2019-03-31' }],
  ] as const;
  for (const [code, reason, changes] of cases) {
    const after = bed.cloud.log.position;
    assert.equal(await bed.refusal(changes), code, String(reason));
    const [refused] = bed.cloud.log.of('refused', after);
    assert.equal(refused?.connack, code);
    assert.match(refused?.reason ?? '', reason);
  }
});

test('MQTT 5 is answered with return code 1, MQTT 3.1 too', async () => {
  await using bed = await startBed();
  assert.equal(await bed.refusal({ protocolVersion: 5, properties: {} }), 1);
  assert.equal(await bed.refusal({ protocolVersion: 3, protocolId: 'MQIsdp' }), 1);
});

test('a token that expires ends the connection', async () => {
  await using bed = await startBed();
  const device = await bed.connect(login(bed, 60));
  await bed.clock.advance(59_000);
  assert.equal(bed.hub.connected, 1);
  await bed.clock.advance(1200);
  await device.closed;
  assert.equal(bed.cloud.log.of('disconnected')[0]?.reason, 'token_expired');
});

test('a device that is silent for 1.5 times its keepalive is let go', async () => {
  await using bed = await startBed();
  const device = await bed.connect({ keepalive: 10 });
  await bed.clock.advance(14_000);
  await device.request({ cmd: 'pingreq' }, 'pingresp 0');
  await bed.clock.advance(14_000);
  assert.equal(bed.hub.connected, 1);
  await bed.clock.advance(2000);
  await device.closed;
  assert.equal(bed.cloud.log.of('disconnected')[0]?.reason, 'keepalive');
});

test('disabling or deleting a device ends its connection and keeps it out', async () => {
  await using bed = await startBed();
  const first = await bed.connect();
  bed.hub.registry.update(DEVICE, { enabled: false });
  await first.closed;
  assert.equal(await bed.refusal(), 5);
  bed.hub.registry.update(DEVICE, { enabled: true });
  const second = await bed.connect();
  assert.equal(bed.hub.registry.delete(DEVICE), true);
  await second.closed;
  assert.equal(await bed.refusal(), 5);
  assert.deepEqual(
    bed.cloud.log.of('disconnected').map(({ reason }) => reason),
    ['disabled', 'deleted'],
  );
});

test('subscriptions outlive the connection when it is not clean', async () => {
  await using bed = await startBed();
  const filter = `devices/${DEVICE}/messages/devicebound/#`;
  const first = await bed.connect();
  assert.equal(first.sessionPresent, false);
  assert.deepEqual(await first.subscribe(filter), [1]);
  await first.close();
  bed.hub.sendToDevice(DEVICE, { body: 'while away' });
  const second = await bed.connect();
  assert.equal(second.sessionPresent, true);
  await bed.cloud.log.waitFor('c2d_completed');
  await second.close();
  const clean = await bed.connect({ clean: true });
  assert.equal(clean.sessionPresent, false);
  await clean.close();
  await bed.cloud.log.waitFor('disconnected', undefined, { after: bed.cloud.log.position - 1 });
  assert.equal((await bed.connect()).sessionPresent, false);
});

test('a hub can be told to forget subscriptions', async () => {
  await using bed = await startBed({ forgetSubscriptions: true });
  const first = await bed.connect();
  await first.subscribe('$iothub/methods/POST/#');
  await first.close();
  assert.equal((await bed.connect()).sessionPresent, false);
  await assert.rejects(bed.hub.invokeMethod(DEVICE, 'x'), { code: 404103 });
});

test('hubs on one port are told apart by the name the device uses', async () => {
  await using cloud = await startCloud({
    mqttPort: 0,
    hubs: ['hub-a', { name: 'hub-b', host: 'b.emu', aliases: ['old-b.emu'] }],
  });
  const [a, b] = [cloud.hub('hub-a'), cloud.hub('b.emu')];
  for (const hub of [a, b]) hub.registry.create(symmetricKeyDevice(DEVICE, 'a2V5'));
  assert.deepEqual([a.host, b.host], ['hub-a', 'b.emu']);
  const connect = (host: string) =>
    connectMqtt({
      port: cloud.mqttPort ?? 0,
      ca: cloud.ca,
      connect: login({ hub: a, clock: systemClock }, 60, { host, key: 'a2V5' }),
    });
  await (await connect('hub-a.azure-devices.net')).publish(EVENTS, 'to a');
  await (await connect('OLD-B.emu')).publish(EVENTS, 'to b');
  await assert.rejects(connect('hub-c'), { code: 5 });
  assert.equal(a.messages.all[0]?.body.toString(), 'to a');
  assert.equal(b.messages.all[0]?.body.toString(), 'to b');
});

test('a hub that was down is on the same port again and knows its devices', async () => {
  await using bed = await startBed();
  const port = portOf(bed.hub);
  const device = await bed.connect();
  await bed.hub.goDown();
  await device.closed;
  await assert.rejects(bed.connect(), { code: 'ECONNREFUSED' });
  await bed.hub.comeUp();
  assert.equal(portOf(bed.hub), port);
  await bed.connect();
});
