/** Readings that cannot be delivered become gap records with exact numbers; all others go on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { startBed } from './bed.ts';

const VALUES = 'measurement:values';

test('an entry of another program, added with plain XADD, is forwarded unchanged', async () => {
  await using bed = await startBed();
  const id = await bed.redis.client.xadd(
    VALUES,
    '*',
    'door',
    'open "wide"\n',
    'Größe',
    '5 µm \u0001',
  );
  const reading = await until('it arrives', () => bed.receiver.readings.get(`id ${id}`));
  assert.deepEqual(reading, {
    _id: id,
    _device_uuid: 'test-device',
    _device_type: 'unknown',
    _app_id: '0',
    _app_name: 'local',
    door: 'open "wide"\n',
    Größe: '5 µm \u0001',
  });
});

test('one entry too large is put aside with a gap record and an event, the others go on', async () => {
  await using bed = await startBed();
  const { client } = bed.redis;
  await bed.producer.produce(5);
  const id = await client.xadd(VALUES, '*', 'image', 'x'.repeat(200_000));
  await bed.producer.produce(5);
  await bed.untilDelivered();
  const gap = await until('the gap arrives', () => [...bed.receiver.gaps.values()][0]);
  assert.deepEqual(gap, {
    epoch: undefined,
    from_id: id,
    to_id: id,
    count: 1,
    reason: 'too_large',
  });
  assert.equal(bed.receiver.gaps.size, 1);
  assert.ok((await bed.events()).includes('reading_too_large'));
  const rejected = await client.xrange('mqtt_sender:rejected', '-', '+');
  assert.equal(rejected.length, 1);
  await until(
    'delivered gaps are forgotten',
    async () => (await client.xlen('mqtt_sender:gaps')) === 0,
  );
});

test('a backlog larger than the broker allows in one message arrives in small ones', async () => {
  // The reference system sends it as one message, loses the connection, and the cursor has moved.
  const config = ['allow_anonymous true', 'max_packet_size 4096'];
  await using bed = await startBed({ start: false, mosquitto: { config } });
  await bed.producer.produce(3_000);
  bed.handler.start();
  await bed.assertNothingLost();
  assert.ok(bed.receiver.largestBytes <= 4_096);
  assert.ok(bed.receiver.largestBytes > 3_500, 'and not in smaller ones than need be');
});

test('readings removed by hand from a backlog become a gap record with exact numbers', async () => {
  await using bed = await startBed({ start: false });
  const { client } = bed.redis;
  await bed.producer.produce(1_000);
  await client.xdel(VALUES, ...bed.producer.ids.slice(299, 350));
  bed.handler.start();
  const gap = await until('the gap arrives', () => [...bed.receiver.gaps.values()][0]);
  await until('the rest arrives', () => bed.receiver.readings.size === 949);
  assert.deepEqual(
    { ...gap, epoch: '' },
    { epoch: '', from_seq: 300, to_seq: 350, count: 51, reason: 'removed' },
  );
  assert.ok((await bed.events()).includes('readings_removed'));
});

test('the stream trimmed by hand beyond the cursor while the broker was away: the loss is recorded', async () => {
  await using bed = await startBed();
  const { client } = bed.redis;
  await bed.producer.produce(100);
  await bed.untilDelivered();
  await bed.network.cut();
  await bed.producer.produce(400);
  await client.xtrim(VALUES, 'MAXLEN', 50);
  await bed.network.restore();
  const gap = await until('the gap arrives', () => [...bed.receiver.gaps.values()][0], 30_000);
  assert.deepEqual(
    { ...gap, epoch: '' },
    { epoch: '', from_seq: 101, to_seq: 450, count: 350, reason: 'removed' },
  );
  await until('the rest arrives', () => bed.receiver.readings.size === 150);
});

// The cursor's own reading is gone, and which number it had is not stored anywhere.
test('the stream trimmed beyond the cursor while the handler was away: the loss is recorded', async () => {
  await using bed = await startBed();
  const { client } = bed.redis;
  await bed.producer.produce(100);
  await bed.untilDelivered();
  await bed.handler.stop();
  await bed.producer.produce(400);
  await client.xtrim(VALUES, 'MAXLEN', 50);
  bed.handler.start();
  const gap = await until('the gap arrives', () => [...bed.receiver.gaps.values()][0], 30_000);
  assert.deepEqual(
    { ...gap, epoch: '' },
    { epoch: '', from_seq: 101, to_seq: 450, count: 350, reason: 'removed' },
  );
});

test('the end of a backlog removed by hand while it waits beside the live lane is recorded', async () => {
  await using bed = await startBed({ start: false });
  const { client } = bed.redis;
  bed.network.throttle(100_000);
  await bed.producer.produce(3_000);
  bed.handler.start();
  await until(
    'the lanes are parted',
    async () => (await client.get('mqtt_sender:pending')) !== null,
  );
  await client.xdel(VALUES, ...bed.producer.ids.slice(2_899, 3_000));
  await bed.producer.produce(10);
  await bed.network.restore();
  const gap = await until('the gap arrives', () => [...bed.receiver.gaps.values()][0], 30_000);
  assert.deepEqual(
    { ...gap, epoch: '' },
    { epoch: '', from_seq: 2_900, to_seq: 3_000, count: 101, reason: 'removed' },
  );
  assert.equal(bed.receiver.gaps.size, 1);
});
