import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tierLimits } from '../../src/index.ts';
import { DEVICE, EVENTS, TWIN_ANSWERS, startBed } from './hub-bed.ts';

test('sends above the rate wait for their acknowledgement, in order', async () => {
  await using bed = await startBed({ limits: { sendsPerSecond: 10, shapingMs: 60_000 } });
  const device = await bed.connect();
  const sends = Array.from({ length: 30 }, (_unused, index) => device.publish(EVENTS, `${index}`));
  await sends[9];
  assert.equal(bed.hub.messages.total, 10);
  // The others are in the queue once a ping sent after them is answered.
  await device.request({ cmd: 'pingreq' }, 'pingresp 0');
  await bed.clock.advance(1000);
  await sends[19];
  assert.equal(bed.hub.messages.total, 20);
  await bed.clock.advance(1000);
  await Promise.all(sends);
  const order = bed.hub.messages.all.map(({ body }) => Number(body.toString()));
  assert.deepEqual(
    order,
    Array.from({ length: 30 }, (_unused, index) => index),
  );
});

test('a device that sends faster than the hub has patience loses its connection', async () => {
  await using bed = await startBed({ limits: { sendsPerSecond: 10, shapingMs: 2000 } });
  const device = await bed.connect();
  const sends = Array.from({ length: 40 }, () => device.publish(EVENTS, 'x').catch(() => 'lost'));
  await device.closed;
  assert.equal(bed.cloud.log.of('disconnected')[0]?.reason, 'throttled');
  const results = await Promise.all(sends);
  assert.equal(results.filter((result) => result === 'lost').length, 30);
  // What waited was taken in all the same: the device cannot know, and must send it again.
  await bed.clock.advance(2000);
  assert.equal(bed.hub.messages.total, 30);
});

test('connections above the rate are refused with 3', async () => {
  await using bed = await startBed({ limits: { connectsPerSecond: 2 } });
  await bed.connect();
  await bed.connect();
  assert.equal(await bed.refusal(), 3);
  assert.match(bed.cloud.log.of('refused')[0]?.reason ?? '', /429002/);
  await bed.clock.advance(1000);
  await bed.connect();
});

test('when the day is used up connections are accepted and severed, until midnight', async () => {
  await using bed = await startBed({ limits: { dailyBlocks: 3, blockBytes: 4096 } });
  const device = await bed.connect();
  await device.publish(EVENTS, Buffer.alloc(4097));
  assert.deepEqual(bed.hub.usage, { blocksToday: 2, blocksTotal: 2 });
  await device.publish(EVENTS, 'x');
  await assert.rejects(device.publish(EVENTS, 'one too many'), /closed/);
  const again = await bed.connect();
  await again.closed;
  assert.deepEqual(
    bed.cloud.log.of('disconnected').map(({ reason }) => reason),
    ['quota', 'quota'],
  );
  bed.clock.jumpWall(86_400_000);
  await (await bed.connect()).publish(EVENTS, 'a new day');
  assert.deepEqual(bed.hub.usage, { blocksToday: 1, blocksTotal: 4 });
});

test('the free tier counts in half kilobytes', async () => {
  await using bed = await startBed({ limits: tierLimits('F1') });
  const device = await bed.connect();
  await device.publish(`${EVENTS}key=value`, Buffer.alloc(505));
  assert.equal(bed.hub.messages.all[0]?.blocks, 2, '505 + 3 + 5 bytes');
});

test('twin reads above the rate are answered 429', async () => {
  await using bed = await startBed({ limits: { twinReadsPerSecond: 1, twinUpdatesPerSecond: 1 } });
  const device = await bed.connect();
  const answers: string[] = [];
  const three = new Promise<void>((resolve) => {
    device.onPublish = ({ topic }) => {
      answers.push(topic);
      if (answers.length === 4) resolve();
    };
  });
  await device.subscribe(TWIN_ANSWERS);
  const write = (topic: string, payload: string) =>
    device.write({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false });
  write('$iothub/twin/GET/?$rid=1', ' ');
  write('$iothub/twin/GET/?$rid=2', ' ');
  write('$iothub/twin/PATCH/properties/reported/?$rid=3', '{"a":1}');
  write('$iothub/twin/PATCH/properties/reported/?$rid=4', '{"a":2}');
  await three;
  assert.deepEqual(answers, [
    '$iothub/twin/res/200/?$rid=1',
    '$iothub/twin/res/429/?$rid=2',
    '$iothub/twin/res/204/?$rid=3&$version=2',
    '$iothub/twin/res/429/?$rid=4',
  ]);
  assert.deepEqual(bed.hub.registry.readTwin(DEVICE).reported, { a: 1 });
});
