import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IPublishPacket, Packet } from 'mqtt-packet';
import { DEVICE, EVENTS, startBed } from './hub-bed.ts';

const publish = (changes: Partial<IPublishPacket>): Packet => ({
  cmd: 'publish',
  topic: EVENTS,
  payload: 'x',
  qos: 1,
  messageId: 1,
  dup: false,
  retain: false,
  ...changes,
});
const subscribe = (...topics: readonly string[]): Packet => ({
  cmd: 'subscribe',
  messageId: 1,
  subscriptions: topics.map((topic) => ({ topic, qos: 0 })),
});

const FORBIDDEN: readonly (readonly [string, Packet, RegExp])[] = [
  ['a message of QoS 2', publish({ qos: 2 }), /QoS 2/],
  ['a topic of its own', publish({ topic: 'home/kitchen' }), /foreign topic/],
  ['the topic of another device', publish({ topic: 'devices/x/messages/events/' }), /foreign/],
  ['more than 256 KB', publish({ payload: Buffer.alloc(262_145) }), /256 KB/],
  [
    '256 KB and a property',
    publish({ topic: `${EVENTS}a=b`, payload: Buffer.alloc(262_143) }),
    /256/,
  ],
  ['properties that are not encoded right', publish({ topic: `${EVENTS}a=%E0%A4` }), /decoded/],
  ['a subscription of its own', subscribe('home/#'), /foreign topic/],
  ['all topics', subscribe('#'), /foreign topic/],
  [
    'six subscriptions',
    subscribe(...Array.from({ length: 6 }, () => '$iothub/twin/res/#')),
    /than 5/,
  ],
  ['a packet of a server', { cmd: 'pingresp' }, /unexpected/],
];
for (const [what, packet, detail] of FORBIDDEN) {
  test(`the hub closes on ${what}`, async () => {
    await using bed = await startBed();
    const device = await bed.connect();
    device.write(packet);
    await device.closed;
    const [ended] = bed.cloud.log.of('disconnected');
    assert.equal(ended?.reason, 'rule');
    assert.match(ended?.detail ?? '', detail);
    assert.equal(bed.hub.messages.total, 0);
  });
}

test('what is not MQTT at all only ends the connection', async () => {
  await using bed = await startBed();
  const device = await bed.connect();
  device.writeRaw(Buffer.from([0xf0, 0xff, 0xff, 0xff, 0xff, 0xff]));
  await device.closed;
  await bed.connect();
});

test('exactly 256 KB pass, QoS 2 of a subscription becomes 1', async () => {
  await using bed = await startBed();
  const device = await bed.connect();
  await device.publish(EVENTS, Buffer.alloc(262_144));
  const filter = '$iothub/twin/res/#';
  const answer = await device.request(
    { cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: filter, qos: 2 }] },
    'suback 9',
  );
  assert.deepEqual(answer.cmd === 'suback' && answer.granted, [1]);
  await device.request(
    { cmd: 'unsubscribe', messageId: 10, unsubscriptions: [filter] },
    'unsuback 10',
  );
});

test('a retained message is taken with a mark, its properties are told apart', async () => {
  await using bed = await startBed();
  const device = await bed.connect();
  const bag = '%24.mid=m%201&%24.ct=application%2Fjson&alone&empty=&k%26=v%3D';
  await device.request(publish({ topic: `${EVENTS}${bag}`, retain: true, dup: true }), 'puback 1');
  const [message] = bed.hub.messages.all;
  assert.deepEqual(message?.system, { '$.mid': 'm 1', '$.ct': 'application/json' });
  assert.deepEqual(message?.properties, {
    alone: null,
    empty: '',
    'k&': 'v=',
    'mqtt-retain': 'true',
  });
  assert.equal(message?.messageId, 'm 1');
  assert.equal(message?.duplicate, true);
});

test('a will is a message when the device goes without a word, and only then', async () => {
  await using bed = await startBed();
  const will = {
    topic: `${EVENTS}a=b`,
    payload: Buffer.from('gone'),
    qos: 1,
    retain: false,
  } as const;
  await (await bed.connect({ will })).close();
  const device = await bed.connect({ will });
  device.destroy();
  await device.closed;
  const message = await bed.hub.messages.waitFor(() => true);
  assert.equal(message.body.toString(), 'gone');
  assert.deepEqual(message.properties, { a: 'b', 'iothub-MessageType': 'Will' });
  assert.equal(bed.hub.messages.total, 1);
  assert.equal(await bed.refusal({ will: { ...will, topic: 'home/status' } }), 0);
});

test('a new connection takes the place of the old one', async () => {
  await using bed = await startBed();
  const first = await bed.connect();
  const second = await bed.connect();
  await first.closed;
  await second.publish(EVENTS, 'x');
  const [ended] = bed.cloud.log.of('disconnected');
  assert.deepEqual([ended?.reason, ended?.detail], ['replaced', '400027']);
  assert.equal(bed.hub.registry.isConnected(DEVICE), true);
});

test('at most 50 cloud-to-device messages wait', async () => {
  await using bed = await startBed();
  for (let index = 0; index < 50; index += 1) bed.hub.sendToDevice(DEVICE, { body: `${index}` });
  assert.throws(() => bed.hub.sendToDevice(DEVICE, { body: 'x' }), { code: 403004 });
  assert.throws(
    () => bed.hub.sendToDevice(DEVICE, { body: Buffer.alloc(65_537) }),
    /403004|413001/,
  );
});

test('an unacknowledged cloud-to-device message comes again, ten times at most', async () => {
  await using bed = await startBed();
  bed.hub.sendToDevice(DEVICE, { body: 'again', messageId: 'm' });
  for (let round = 1; round <= 10; round += 1) {
    const device = await bed.connect({ clean: true });
    const arrived = new Promise((resolve) => {
      device.onPublish = (packet) => {
        resolve(packet.payload.toString());
        return false;
      };
    });
    await device.subscribe(`devices/${DEVICE}/messages/devicebound/#`);
    assert.equal(await arrived, 'again');
    await device.close();
    await bed.cloud.log.waitFor('disconnected', undefined, { after: bed.cloud.log.position - 1 });
  }
  await bed.connect({ clean: true });
  assert.equal(bed.cloud.log.count('c2d_dead_lettered'), 1);
});

test('a cloud-to-device message that nobody fetched expires', async () => {
  await using bed = await startBed();
  bed.hub.sendToDevice(DEVICE, { body: 'x', timeToLiveMs: 1000 });
  bed.clock.jumpWall(1000);
  await bed.connect();
  assert.equal(bed.cloud.log.count('c2d_dead_lettered'), 1);
});

test('a method that is not answered times out, one for an absent device can wait', async () => {
  await using bed = await startBed();
  const waiting = bed.hub.invokeMethod(DEVICE, 'later', [1], { connectTimeoutSeconds: 20 });
  const device = await bed.connect();
  device.onPublish = (packet) => {
    const [, name, rid] = /POST\/(\w+)\/\?\$rid=(.+)$/.exec(packet.topic) ?? [];
    if (name === 'later') {
      const topic = `$iothub/methods/res/200/?$rid=${rid}`;
      device.write(publish({ topic, qos: 0, payload: packet.payload }));
    }
  };
  await device.subscribe('$iothub/methods/POST/#');
  assert.deepEqual(await waiting, { status: 200, payload: [1] });
  const silent = bed.hub.invokeMethod(DEVICE, 'silent', undefined, { responseTimeoutSeconds: 5 });
  const failed = assert.rejects(silent, { code: 504101, status: 504 });
  await bed.clock.advance(5000);
  await failed;
});
