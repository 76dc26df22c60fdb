/** A broker whose access list denies the device a topic: what is denied stands still, nothing else. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startMosquitto, until } from '@holdfast/lab/servers';
import { Closing } from './closing.ts';
import { Commander } from './command-bed.ts';
import { DEVICE, startHubBed } from './hub-bed.ts';

const TOPIC = `iot-projekt/device/${DEVICE}`;

/** A device with hub and broker; the broker lets it publish on `writable` only. */
async function startDenied(writable: readonly string[], furtherConfig: readonly string[] = []) {
  const parts = new Closing();
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-acl-'));
  parts.use({ [Symbol.asyncDispose]: async () => rmSync(dir, { recursive: true }) });
  const acl = [
    'topic readwrite #',
    'user device',
    'topic read iot-projekt/device/#',
    ...writable.map((topic) => `topic write ${topic}`),
    '',
  ];
  const file = join(dir, 'acl');
  // The broker leaves out a list that others may read.
  writeFileSync(file, acl.join('\n'), { mode: 0o600 });
  const config = ['allow_anonymous true', `acl_file ${file}`, ...furtherConfig];
  const broker = parts.use(await startMosquitto({ config }));
  const commander = parts.use(await Commander.connect(broker.port));
  const mqtt = { MQTT_HOST: '127.0.0.1', MQTT_PORT: String(broker.port), MQTT_USERNAME: 'device' };
  const bed = parts.use(await startHubBed({ env: mqtt }));
  await until('both are connected', () => bed.logged('link_up').length === 2);
  const send = (command: object) => commander.send(command, {}, `${TOPIC}/request`);
  return { bed, send, [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose]() };
}

/** Without a limit to its queues Mosquitto 2.0.11 hangs up on whoever it denies a topic. */
const NO_HANGING_UP = ['max_queued_messages 1000'];

test('answers that the broker refuses hold up no command, whichever way it comes', async () => {
  await using denied = await startDenied([`${TOPIC}/values`], NO_HANGING_UP);
  const { bed, send } = denied;
  const { client } = bed.redis;
  const sent = ['get_status', 'dance', 'get_config'].map((command) => send({ command }));
  await Promise.all(sent);
  await send({ command: 'set_config', key: 'measurement:interval', value: 3, id: 'a' });
  await until('it is set', async () => (await client.get('measurement:interval')) === '3');
  const { payload } = await bed
    .hub()
    .invokeMethod(DEVICE, 'get_config', { key: 'measurement:interval' });
  assert.equal((payload as { value: unknown }).value, '3');

  await until('it is told', () => bed.logged('answers_refused_by_broker').length > 0, 40_000);
  await until('no answer is kept', async () => (await client.xlen('commands:outbox')) === 0);
  await send({ command: 'set_config', key: 'measurement:interval', value: 4 });
  await until('it is set', async () => (await client.get('measurement:interval')) === '4');
  await until('no answer is kept', async () => (await client.xlen('commands:outbox')) === 0);
  const told = bed.logged('answers_refused_by_broker');
  assert.deepEqual(
    told.map(({ code, count }) => [code, count]),
    [['not_authorized', 1]],
  );
  assert.equal(bed.logged('link_down').length, 0);
});

test('readings that the broker refuses are told of on the time line, and keep their place', async () => {
  await using denied = await startDenied([`${TOPIC}/response`], NO_HANGING_UP);
  const { bed } = denied;
  await bed.producer.produce(20);
  await until('it is told', async () => {
    const events = await bed.redis.client.xrange('events', '-', '+');
    return events.some(([, fields]) => fields.includes('sending_refused'));
  });
  const [told] = bed.logged('sending_refused');
  assert.deepEqual([told?.['destination'], told?.['code']], ['mqtt', 'not_authorized']);
  assert.equal(await bed.redis.client.get('mqtt_sender:last_id'), null);
  await bed.assertNothingLost();
});

test('a broker that hangs up at every answer gets none after a while, and the readings again', async () => {
  await using denied = await startDenied([`${TOPIC}/values`]);
  const { bed, send } = denied;
  await send({ command: 'set_config', key: 'measurement:interval', value: 3, id: 'a' });
  await send({ command: 'get_status' });
  const told = () => bed.logged('answers_refused_by_broker');
  await until('it is told', () => told().length > 0, 150_000);
  assert.equal(told()[0]?.['code'], 'connection_closed');
  const links = bed.logged('link_down').length;
  await send({ command: 'get_status' });
  await bed.producer.produce(20);
  const newest = bed.producer.ids.at(-1);
  const cursor = () => bed.redis.client.get('mqtt_sender:last_id');
  await until('all readings', async () => (await cursor()) === newest);
  assert.equal(bed.logged('link_down').length, links, 'one connection from then on');
});
