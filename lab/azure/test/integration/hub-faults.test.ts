import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultRule, MqttDevice } from '../../src/index.ts';
import { DEVICE, EVENTS, TWIN_ANSWERS, startBed } from './hub-bed.ts';

test('a connection is refused with each return code, or closed without one', async () => {
  await using bed = await startBed();
  for (const code of [1, 2, 3, 4, 5] as const) {
    bed.cloud.faults.add({ at: 'hub_connect', count: 1, action: { kind: 'connack', code } });
    assert.equal(await bed.refusal(), code);
  }
  bed.cloud.faults.add({ at: 'hub_connect', count: 1, action: { kind: 'close' } });
  assert.equal(await bed.refusal(), 0);
  bed.cloud.faults.add({ at: 'hub_connect', count: 1, action: { kind: 'process_and_close' } });
  await (
    await bed.connect()
  ).closed;
  await bed.connect();
  assert.equal(bed.cloud.log.count('fault'), 7);
});

test('a connection attempt hangs, or is answered late', async () => {
  await using bed = await startBed();
  const hang = bed.cloud.faults.add({ at: 'hub_connect', action: { kind: 'hang' } });
  await assert.rejects(bed.connect({}, { timeoutMs: 50 }), /no connack 0 within 50 ms/);
  hang.remove();
  bed.cloud.faults.add({ at: 'hub_connect', delayMs: 5000, action: { kind: 'pass' } });
  const after = bed.cloud.log.position;
  const late = bed.connect();
  await bed.cloud.log.waitFor('fault', undefined, { after });
  assert.equal(bed.hub.connected, 0);
  await bed.clock.advance(5000);
  await late;
});

const PUBLISH_FAULTS = [
  ['withheld: taken in, never acknowledged', { kind: 'withhold' }, true, false],
  ['ignored: neither taken in nor acknowledged', { kind: 'hang' }, false, false],
  ['answered by closing before it is taken in', { kind: 'close' }, false, true],
  ['answered by closing after it is taken in', { kind: 'process_and_close' }, true, true],
] as const;
for (const [what, action, takenIn, closes] of PUBLISH_FAULTS) {
  test(`a send is ${what}`, async () => {
    await using bed = await startBed();
    bed.cloud.faults.add({ at: 'hub_publish', skip: 1, count: 1, action });
    const device = await bed.connect();
    await device.publish(EVENTS, 'fine');
    if (!closes) device.timeoutMs = 50;
    await assert.rejects(device.publish(EVENTS, 'faulty'), closes ? /closed/ : /no puback/);
    await bed.cloud.log.waitFor('fault');
    assert.equal(bed.hub.messages.total, takenIn ? 2 : 1);
    if (takenIn) assert.equal(bed.hub.messages.all[1]?.acknowledged, false);
    if (closes) return device.closed;
    device.timeoutMs = 5000;
    await device.publish(EVENTS, 'fine again');
  });
}

test('sends are slow', async () => {
  await using bed = await startBed();
  bed.cloud.faults.add({ at: 'hub_publish', id: 'dev-*', delayMs: 300, action: { kind: 'pass' } });
  const device = await bed.connect();
  const sent = device.publish(EVENTS, 'x');
  await bed.cloud.log.waitFor('fault');
  assert.equal(bed.hub.messages.total, 0);
  await bed.clock.advance(300);
  await sent;
});

async function twinAnswer(device: MqttDevice): Promise<{ topic: string; body: string }> {
  const answer = new Promise<{ topic: string; body: string }>((resolve) => {
    device.onPublish = ({ topic, payload }) => resolve({ topic, body: payload.toString() });
  });
  await device.subscribe(TWIN_ANSWERS);
  const topic = '$iothub/twin/GET/?$rid=7';
  device.write({ cmd: 'publish', topic, payload: ' ', qos: 0, dup: false, retain: false });
  return answer;
}

test('a twin read is answered 429 with and without a body, with and without a time', async () => {
  await using bed = await startBed();
  const device = await bed.connect();
  const rule = (action: FaultRule['action']) =>
    bed.cloud.faults.add({ at: 'twin_get', count: 1, action });
  rule({ kind: 'status', status: 429, body: '' });
  assert.deepEqual(await twinAnswer(device), { topic: '$iothub/twin/res/429/?$rid=7', body: '' });
  rule({ kind: 'status', status: 429, retryAfter: { seconds: 9 } });
  const withBody = await twinAnswer(device);
  assert.equal(withBody.topic, '$iothub/twin/res/429/?$rid=7&retry-after=9');
  assert.match(withBody.body, /"errorCode":429001/);
  rule({ kind: 'body', text: 'no JSON' });
  assert.deepEqual(await twinAnswer(device), {
    topic: '$iothub/twin/res/200/?$rid=7',
    body: 'no JSON',
  });
});

test('a subscription is not answered', async () => {
  await using bed = await startBed();
  bed.cloud.faults.add({ at: 'hub_subscribe', count: 1, action: { kind: 'hang' } });
  const device = await bed.connect();
  device.timeoutMs = 50;
  await assert.rejects(device.subscribe(TWIN_ANSWERS), /no suback/);
});

test('a clock that is ahead in the cloud looks to the device as if its own were behind', async () => {
  await using bed = await startBed();
  bed.cloud.faults.clockOffsetMs = 3 * 3_600_000;
  assert.equal(await bed.refusal(), 5);
  assert.match(bed.cloud.log.of('refused')[0]?.reason ?? '', /401003 token expired/);
  bed.cloud.faults.clear();
  await bed.connect();
});

test('a failover drops everyone and refuses with 3 until it is over', async () => {
  await using bed = await startBed();
  const device = await bed.connect();
  bed.hub.failOver(30_000);
  await device.closed;
  assert.equal(await bed.refusal(), 3);
  await bed.clock.advance(30_000);
  await bed.connect();
  assert.deepEqual(
    [bed.cloud.log.count('failover_started'), bed.cloud.log.count('failover_ended')],
    [1, 1],
  );
});

test('connections are dropped one by one or all at once, and may come back', async () => {
  await using bed = await startBed();
  const first = await bed.connect();
  bed.hub.dropConnections('somebody else');
  await first.publish(EVENTS, 'still here');
  bed.hub.dropConnections(DEVICE);
  await first.closed;
  const second = await bed.connect();
  bed.hub.dropConnections();
  await second.closed;
  await bed.connect();
});
