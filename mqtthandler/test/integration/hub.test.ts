/** Readings into an IoT Hub over the official client: form, blocks, rate. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { DEVICE, PATIENT, startHubBed } from './hub-bed.ts';

const BLOCK = 4_096;

test('readings arrive once, in order, in the form of the contract', async () => {
  await using bed = await startHubBed({ env: PATIENT });
  bed.producer.start(200);
  await until('readings flow', () => bed.account.readings.size > 500);
  await bed.producer.stop();
  await bed.assertNothingLost();
  assert.equal(bed.account.duplicates, 0);
  const ids = new Set<string>();
  for (const { message } of bed.messages) {
    const { '$.ct': type, '$.ce': encoding, '$.mid': id = '' } = message.system;
    assert.deepEqual([type, encoding], ['application/json;charset=utf-8', 'utf-8']);
    const readings = JSON.parse(message.body.toString()) as { _id: string }[];
    const [first, last] = [readings[0]?._id, readings.at(-1)?._id];
    assert.ok(id.startsWith(`${DEVICE}:${first}:${last}:`), id);
    ids.add(id);
  }
  assert.equal(ids.size, bed.messages.length);
  const reading = [...bed.account.readings.values()][0] ?? {};
  assert.equal(reading['_device_uuid'], DEVICE);
  assert.equal(reading['temperature_celsius'], '21.53');
  const link = await bed.link();
  assert.equal(link['state'], 'connected');
  assert.equal(link['outcome'], 'ok');
  assert.equal(link['generation'], '1');
  const status = await until('the status follows', async () => {
    const hash = await bed.redis.client.hgetall('mqtthandler:status');
    return Number(hash['hub_acknowledged_readings']) > 0 && hash;
  });
  assert.equal(status['hub_state'], 'connected');
  assert.equal(await bed.handler.stop(), 0);
  assert.equal((await bed.link())['state'], 'off');
});

test('a backlog goes out in messages that fill metering blocks, within the speed limit', async () => {
  await using bed = await startHubBed({
    start: false,
    env: { HUB_MAX_MESSAGES_PER_SECOND: '5' },
  });
  await bed.producer.produce(5_000);
  bed.handler.start();
  await bed.assertNothingLost();
  const { messages } = bed;
  const paid = messages.reduce((sum, { message }) => sum + message.blocks * BLOCK, 0);
  const used = bed.hub().messages.totalBytes;
  assert.ok(used / paid > 0.9, `${Math.round((100 * used) / paid)} % of what is paid for is used`);
  const times = messages.map(({ message }) => message.atMs);
  const perSecond = (times.length - 6) / (((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000);
  assert.ok(perSecond <= 5.5, `${perSecond} messages a second`);
});

test('live readings wait for a full block, but no longer than the interval', async () => {
  await using bed = await startHubBed({ env: { HUB_INTERVAL_SECONDS: '3600' } });
  bed.producer.start(100);
  await until('readings flow', () => bed.messages.length >= 5);
  await bed.producer.stop();
  for (const { message } of bed.messages) {
    assert.ok(message.bytes > BLOCK - 600, `${message.bytes} bytes`);
    assert.ok(message.blocks * BLOCK - message.bytes < 600, `${message.bytes} bytes`);
  }
  const waiting = bed.producer.appended.size - bed.account.readings.size;
  assert.ok(waiting > 0, 'what does not fill a block waits');
  await bed.redis.client.set('hub_sender:interval', '0.5');
  await bed.assertNothingLost();
});

test('the hub takes a reading of 200 kB; one it cannot take becomes a gap record', async () => {
  await using bed = await startHubBed();
  const { client } = bed.redis;
  await bed.producer.produce(5);
  const large = await client.xadd('measurement:values', '*', 'image', 'x'.repeat(200_000));
  const huge = await client.xadd('measurement:values', '*', 'image', 'x'.repeat(262_000));
  await bed.producer.produce(5);
  await until('the large one arrives', () => bed.account.has(`id ${large}`));
  const gap = await until('the gap arrives', () => [...bed.account.gaps.values()][0]);
  assert.deepEqual([gap.from_id, gap.count, gap.reason], [huge, 1, 'too_large']);
  await until('the rest arrives', () => bed.account.readings.size === 11);
  assert.equal(await client.xlen('hub_sender:rejected'), 1);
});

test('pausing holds readings back, the connection stays; going on sends them', async () => {
  await using bed = await startHubBed({ env: PATIENT });
  const { client } = bed.redis;
  await client.set('hub_sender:enabled', '0');
  await until(
    'it is paused',
    async () => (await client.hget('mqtthandler:status', 'hub_state')) === 'paused',
  );
  await bed.producer.produce(50);
  assert.equal(bed.account.readings.size, 0);
  assert.equal(bed.hub().connected, 1);
  await client.set('hub_sender:enabled', '1');
  await bed.assertNothingLost();
  assert.equal(bed.cloud.log.count('connected'), 1);
});

test('a cursor set back sends everything after it again', async () => {
  await using bed = await startHubBed();
  await bed.producer.produce(100);
  await bed.assertNothingLost();
  await bed.redis.client.set('hub_sender:last_id', '-');
  await until('everything again', () => bed.account.duplicates >= 100);
  await bed.assertNothingLost();
});

test('last_id set back by hand is noticed while a reading waits for others', async () => {
  await using bed = await startHubBed();
  const { client } = bed.redis;
  await bed.producer.produce(30);
  await bed.assertNothingLost();
  await client.set('hub_sender:interval', '60');
  await bed.producer.produce(1);
  const wanted = bed.producer.ids[9] ?? '';
  await client.set('hub_sender:last_id', wanted);
  const loaded = () => bed.logged('cursor_loaded').some(({ lastId }) => lastId === wanted);
  await until('the replay begins', loaded, 40_000);
  await client.set('hub_sender:interval', '0');
  await until('it is sent again', () => bed.account.duplicates >= 20);
  await bed.assertNothingLost();
});
