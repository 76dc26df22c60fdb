/** Whatever bytes arrive, DPS goes on serving everybody else. */
import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import { test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import mqttPacket from 'mqtt-packet';
import { AZURE_LIMITS } from '../../src/dps/core/limits.ts';
import { createSas } from '../../src/sas.ts';
import type { Cloud } from '../../src/cloud.ts';
import { TRANSPORTS, register } from '../conformance/dps-device.ts';
import { addressOf, primaryKey, startTestCloud } from '../conformance/dps-target.ts';

const ID = 'rover-1';
const ROUNDS = 120;

/** A copy with some bytes replaced. */
function damaged(clean: Buffer, random: { next(): number }, times: number): Buffer {
  const bytes = Buffer.from(clean);
  for (let time = 0; time < times; time += 1) {
    bytes[Math.floor(random.next() * bytes.length)] = Math.floor(random.next() * 256);
  }
  return bytes;
}

/** Sends bytes on a new connection; resolves with its first answer or its end. */
async function sendRaw(cloud: Cloud, port: number, bytes: Buffer): Promise<void> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca: cloud.ca,
    checkServerIdentity: () => undefined,
  });
  socket.on('error', () => {});
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, 40);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    socket.once('secureConnect', () => socket.write(bytes));
    socket.once('data', end).once('close', end);
  });
  socket.destroy();
}

async function stillServes(cloud: Cloud, key: string): Promise<void> {
  const proof = { kind: 'key', key } as const;
  for (const transport of TRANSPORTS) {
    const order = { dps: addressOf(cloud), transport, registrationId: ID, proof };
    assert.equal((await register(order))['status'], 'assigned');
  }
}

function token(cloud: Cloud, key: string): string {
  const expiresSeconds = Date.now() / 1_000 + 600;
  return createSas({ resource: `${cloud.dps.idScope}/registrations/${ID}`, key, expiresSeconds });
}

test('damaged MQTT packets', async () => {
  // The noise would use up what one device may poll.
  const limits = { ...AZURE_LIMITS, devicePollsPer10Seconds: 10_000 };
  await using cloud = await startTestCloud({ limits });
  const key = primaryKey(cloud.dps.enrol({ registrationId: ID }));
  const random = seededRandom(11);
  const publish = { cmd: 'publish', qos: 1, messageId: 2, dup: false, retain: false } as const;
  const head = '$dps/registrations';
  const clean = [
    mqttPacket.generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: ID,
      keepalive: 10,
      username: `${cloud.dps.idScope}/registrations/${ID}/api-version=2019-03-31`,
      password: Buffer.from(token(cloud, key)),
    }),
    mqttPacket.generate({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: `${head}/res/#`, qos: 1 }],
    }),
    mqttPacket.generate({
      ...publish,
      topic: `${head}/PUT/iotdps-register/?$rid=1`,
      payload: JSON.stringify({ registrationId: ID }),
    }),
    mqttPacket.generate({
      ...publish,
      topic: `${head}/GET/iotdps-get-operationstatus/?$rid=2&operationId=4.0.x`,
      payload: ' ',
    }),
  ];
  for (let round = 0; round < ROUNDS; round += 1) {
    // In odd rounds CONNECT stays whole, so that the damage gets further.
    const [first = Buffer.alloc(0), ...rest] = clean;
    const bytes =
      round % 2 === 0
        ? damaged(Buffer.concat(clean), random, 2)
        : Buffer.concat([first, damaged(Buffer.concat(rest), random, 2)]);
    await sendRaw(cloud, cloud.dps.mqttPort, bytes);
  }
  await stillServes(cloud, key);
});

test('damaged HTTP requests, and targets that are no addresses', async () => {
  await using cloud = await startTestCloud();
  const key = primaryKey(cloud.dps.enrol({ registrationId: ID }));
  const random = seededRandom(12);
  const body = JSON.stringify({ registrationId: ID });
  const request = (target: string) =>
    Buffer.from(
      [
        `PUT ${target} HTTP/1.1`,
        'Host: localhost',
        `Authorization: ${token(cloud, key)}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n'),
    );
  const path = `/${cloud.dps.idScope}/registrations/${ID}/register?api-version=2019-03-31`;
  for (const target of ['//', '*', '/%zz/registrations/%zz', 'https://[', '/a/registrations//']) {
    await sendRaw(cloud, cloud.dps.httpsPort, request(target));
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    await sendRaw(cloud, cloud.dps.httpsPort, damaged(request(path), random, 1 + (round % 4)));
  }
  await stillServes(cloud, key);
});
