/** A backlog of large entries of another program, within the memory that the image allows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import { startBed } from './bed.ts';
import type { Bed } from './bed.ts';
import { commandBed } from './command-bed.ts';

const STREAM = KEYS.values.key;
/** As the image sets it. */
const IMAGE = { NODE_OPTIONS: '--max-semi-space-size=1 --max-old-space-size=48' };
/** As redis.conf sets it. */
const REDIS_ARGS = ['--client-output-buffer-limit', 'normal 32mb 16mb 30'];

/** Stores pictures; returns the identities they are received under. */
async function storePictures(
  { redis }: Pick<Bed, 'redis'>,
  count: number,
  bytes: number,
): Promise<string[]> {
  const picture = 'A'.repeat(bytes);
  const stored: string[] = [];
  for (let n = 0; n < count; n += 1) {
    stored.push(`id ${await redis.client.xadd(STREAM, '*', 'jpeg', picture)}`);
  }
  return stored;
}

async function pauseForwarding({ redis }: Pick<Bed, 'redis'>): Promise<void> {
  await redis.client.set(KEYS.mqttEnabled.key, '0');
  await until('forwarding is paused', async () => {
    return (await redis.client.hget(KEYS.handlerStatus.key, 'mqtt_state')) === 'paused';
  });
}

/** How often a connection of the handler's was made to Redis. */
async function connectionsTo({ redis }: Bed): Promise<number> {
  const stats = await redis.client.info('stats');
  return Number(/total_connections_received:(\d+)/.exec(stats)?.[1]);
}

test('a backlog of large entries of another program is forwarded within the memory of the image', async () => {
  await using bed = await startBed({ env: IMAGE, redis: { args: REDIS_ARGS } });
  const { pid } = bed.handler;
  bed.network.cut();
  const pictures = await storePictures(bed, 250, 100_000);
  await bed.producer.produce(100);
  bed.network.restore();
  await until(
    'every picture has arrived',
    () => pictures.every((id) => bed.receiver.has(id)),
    60_000,
  );
  await bed.assertNothingLost();
  assert.deepEqual([bed.handler.pid, bed.handler.running], [pid, true]);
});

test('entries of 200 kB go out in one session, over the connections to Redis that there are', async () => {
  const env = { ...IMAGE, MQTT_MAX_PAYLOAD_BYTES: '1000000' };
  await using bed = await startBed({ env, redis: { args: REDIS_ARGS } });
  await pauseForwarding(bed);
  const pictures = await storePictures(bed, 180, 200_000);
  const before = await connectionsTo(bed);
  await bed.redis.client.set(KEYS.mqttEnabled.key, '1');
  await until(
    'every picture has arrived',
    () => pictures.every((id) => bed.receiver.has(id)),
    60_000,
  );
  assert.equal(bed.logged('link_up').length, 1);
  assert.equal(bed.logged('redis_failed').length, 0);
  assert.equal(await connectionsTo(bed), before);
});

test('send_measurements sends a range of large entries once more', async () => {
  await using bed = await commandBed({ ...IMAGE, MQTT_MAX_PAYLOAD_BYTES: '1000000' });
  const { commander, handler } = bed;
  const { pid } = handler;
  await bed.redis.client.config('SET', 'client-output-buffer-limit', 'normal 32mb 16mb 30');
  const pictures = (await storePictures(bed, 180, 200_000)).map((id) => id.replace('id ', ''));
  await until('delivered', () => pictures.every((id) => commander.readings.has(id)), 60_000);
  const command = { command: 'send_measurements', id: 'pictures' };
  await commander.ask(command);
  const done = await commander.answer(({ status }) => status === 'done', 0, 60_000);
  assert.equal(done['sent'], pictures.length);
  assert.ok(pictures.every((id) => commander.readings.get(id) === 2));
  assert.equal(handler.pid, pid);
});
