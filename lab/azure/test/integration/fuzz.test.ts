import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import { test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import mqttPacket from 'mqtt-packet';
import type { Packet } from 'mqtt-packet';
import { startCloud } from '../../src/index.ts';
import { DEVICE, EVENTS, login, portOf, startBed } from './hub-bed.ts';

const PACKETS: readonly Packet[] = [
  { cmd: 'publish', topic: EVENTS, payload: 'x', qos: 1, messageId: 1, dup: false, retain: false },
  {
    cmd: 'publish',
    topic: '$iothub/twin/PATCH/properties/reported/?$rid=1',
    payload: '{"a":{"b":[1,null]}}',
    qos: 0,
    dup: false,
    retain: false,
  },
  {
    cmd: 'publish',
    topic: '$iothub/twin/GET/?$rid=2',
    payload: '',
    qos: 0,
    dup: false,
    retain: false,
  },
  {
    cmd: 'publish',
    topic: '$iothub/methods/res/200/?$rid=1',
    payload: '{',
    qos: 0,
    dup: false,
    retain: false,
  },
  { cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: '$iothub/twin/res/#', qos: 1 }] },
  { cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['$iothub/twin/res/#'] },
  { cmd: 'pingreq' },
  { cmd: 'puback', messageId: 1 },
];

test('damaged packets end a connection at most, never the hub', async () => {
  await using bed = await startBed();
  const random = seededRandom(20_261_122);
  const clean = Buffer.concat(PACKETS.map((packet) => mqttPacket.generate(packet)));
  for (let round = 0; round < 80; round += 1) {
    const device = await bed.connect();
    const bytes = Buffer.from(clean);
    for (let damage = 0; damage < 1 + round / 10; damage += 1) {
      bytes[Math.floor(random.next() * bytes.length)] = Math.floor(random.next() * 256);
    }
    device.writeRaw(bytes);
    // The answer to a ping, or the end: both say that the hub has looked at the bytes.
    await Promise.race([
      device.closed,
      device.request({ cmd: 'pingreq' }, 'pingresp 0').catch(() => {}),
    ]);
    device.destroy();
  }
  await (await bed.connect()).publish(EVENTS, 'still alive');
});

test('damaged CONNECT packets end a connection at most, never the hub', async () => {
  await using bed = await startBed();
  const random = seededRandom(7);
  const packet = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, keepalive: 10 } as const;
  const clean = mqttPacket.generate({ ...packet, ...login(bed, 60), clean: true });
  for (let round = 0; round < 80; round += 1) {
    const bytes = Buffer.from(clean);
    for (let damage = 0; damage < 2; damage += 1) {
      bytes[Math.floor(random.next() * bytes.length)] = Math.floor(random.next() * 256);
    }
    await sendRaw(bed.cloud.ca, portOf(bed.hub), bytes);
  }
  await (await bed.connect()).publish(EVENTS, 'still alive');
  assert.equal(bed.hub.registry.isConnected(DEVICE), true);
});

test('a cloud that finds a port taken leaves nothing behind', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await assert.rejects(startCloud({ hubs: ['hub-a', { name: 'hub-b', port }] }), {
    code: 'EADDRINUSE',
  });
  await assert.rejects(startCloud({ dps: { httpsPort: port } }), { code: 'EADDRINUSE' });
  await new Promise((resolve) => server.close(resolve));
});

/** Sends bytes as the first ones of a connection, and waits for an answer or the end. */
async function sendRaw(ca: string, port: number, bytes: Buffer): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, ca, checkServerIdentity: () => undefined });
  socket.on('error', () => {});
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, 30);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    socket.once('secureConnect', () => socket.write(bytes));
    socket.once('data', end).once('close', end);
  });
  socket.destroy();
}
