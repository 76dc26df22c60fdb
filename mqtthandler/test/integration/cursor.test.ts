/** What people and other programs do to the keys by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { PATIENT, startBed } from './bed.ts';
import type { Bed } from './bed.ts';

const LAST_ID = 'mqtt_sender:last_id';

/** Resolves when every stored reading has arrived `times` times in all. */
function untilRepeated(bed: Bed, repeats: number): Promise<true> {
  return until(`${repeats} repeats`, () => bed.receiver.duplicates >= repeats, 20_000).then(
    () => true,
  );
}

test('last_id set back by hand replays from there within seconds, also on a quiet stream', async () => {
  await using bed = await startBed({ env: PATIENT });
  await bed.producer.produce(50);
  await bed.untilDelivered();
  await bed.redis.client.set(LAST_ID, bed.producer.ids[29] ?? '');
  await untilRepeated(bed, 20);
  await bed.assertNothingLost();
  assert.equal(bed.receiver.duplicates, 20);
});

test('last_id as the reference system writes it, with a bracket, is understood', async () => {
  await using bed = await startBed({ start: false });
  await bed.producer.produce(50);
  const from = bed.producer.ids[39] ?? '';
  await bed.redis.client.set(LAST_ID, `(${from}`);
  bed.handler.start();
  await until('the rest arrives', () => bed.receiver.readings.size >= 10);
  await until('the cursor is stored', async () => (await bed.cursor()) === (await bed.newestId()));
  assert.equal(bed.receiver.readings.size, 10);
});

test('garbage in last_id is no crash loop: everything is sent again, and said', async () => {
  await using bed = await startBed();
  await bed.producer.produce(50);
  await bed.untilDelivered();
  const { pid } = bed.handler;
  await bed.redis.client.set(LAST_ID, 'garbage');
  await untilRepeated(bed, 50);
  await bed.assertNothingLost();
  assert.equal(bed.handler.pid, pid);
  assert.ok(bed.handler.running);
  await until('it is on the time line', async () => (await bed.events()).includes('cursor_reset'));
});

test('another type under last_id neither ends the process nor stops the readings', async () => {
  await using bed = await startBed({ start: false });
  await bed.redis.client.rpush(LAST_ID, 'a list');
  await bed.producer.produce(50);
  bed.handler.start();
  await until('all arrive', () => bed.receiver.readings.size === 50);
  await bed.redis.client.del(LAST_ID);
  await bed.assertNothingLost();
});

test('last_id set back while a backlog drains replays too, and nothing of the backlog is lost', async () => {
  await using bed = await startBed({ start: false });
  bed.network.throttle(400_000);
  await bed.producer.produce(4_000);
  bed.handler.start();
  await until('the backlog drains', () => bed.receiver.readings.size > 1_000);
  await bed.redis.client.set(LAST_ID, '-');
  await bed.network.restore();
  await bed.assertNothingLost();
  assert.ok(bed.receiver.duplicates >= 500);
});

test('a cursor beyond the end of the stream is no silent loss: it is reported and all is sent', async () => {
  await using bed = await startBed();
  await bed.producer.produce(20);
  await bed.untilDelivered();
  await bed.redis.client.set(LAST_ID, '9999999999999-0');
  await bed.producer.produce(20);
  await bed.assertNothingLost();
  await until('it is on the time line', async () => (await bed.events()).includes('cursor_reset'));
});

test('the stream deleted while the clock ran ahead: what comes after is sent', async () => {
  await using bed = await startBed();
  const { client } = bed.redis;
  await client.xadd('measurement:values', '4102444800000-0', 'from', 'the year 2100');
  await until('it arrives', () => bed.receiver.has('id 4102444800000-0'));
  await client.del('measurement:values');
  await bed.producer.produce(20);
  await bed.assertNothingLost();
});

test('mqtt_sender:enabled 0 pauses within a moment, anything else resumes, nothing is lost', async () => {
  await using bed = await startBed({ env: PATIENT });
  bed.producer.start(500);
  await until('readings flow', () => bed.receiver.readings.size > 200);
  await bed.redis.client.set('mqtt_sender:enabled', '0');
  await until('paused', async () => (await bed.status())['mqtt_state'] === 'paused');
  const cursor = await until('the cursor rests', () => atRest(() => bed.cursor()));
  assert.notEqual(cursor, await bed.newestId());
  await bed.redis.client.del('mqtt_sender:enabled');
  await bed.producer.stop();
  await bed.assertNothingLost();
  assert.equal(bed.receiver.duplicates, 0);
});

test('mqtt_sender:interval gathers readings; nonsense is refused with an event, the last good value stays', async () => {
  await using bed = await startBed();
  await bed.redis.client.set('mqtt_sender:interval', '1');
  bed.producer.start(50);
  await until('readings flow', () => bed.receiver.readings.size > 20);
  await bed.redis.client.set('mqtt_sender:interval', 'abc');
  await until('refused', async () => (await bed.events()).includes('interval_refused'));
  const before = { messages: bed.receiver.messages, readings: bed.receiver.readings.size };
  await until('more arrive', () => bed.receiver.readings.size > before.readings + 80);
  const messages = bed.receiver.messages - before.messages;
  const readings = bed.receiver.readings.size - before.readings;
  assert.ok(readings / messages > 25, `${readings} readings in ${messages} messages`);
  await bed.producer.stop();
  await bed.assertNothingLost();
});

/** The value, once it has not changed for a moment. */
async function atRest(read: () => Promise<string | null>): Promise<string | undefined> {
  const before = await read();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const after = await read();
  return before === after && after !== null ? after : undefined;
}
