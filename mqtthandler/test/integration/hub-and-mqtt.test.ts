/** Both destinations at once: each gets every reading, neither waits for the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMosquitto, until } from '@holdfast/lab/servers';
import { Closing } from './closing.ts';
import { DEVICE, startHubBed } from './hub-bed.ts';
import type { HubBed } from './hub-bed.ts';
import { startReceiver } from './receiver.ts';
import type { Account } from './receiver.ts';

async function startBoth(env: Readonly<Record<string, string>> = {}) {
  const parts = new Closing();
  const broker = parts.use(await startMosquitto());
  const receiver = parts.use(
    await startReceiver(broker.port, `iot-projekt/device/${DEVICE}/values`),
  );
  const mqtt = { MQTT_HOST: '127.0.0.1', MQTT_PORT: String(broker.port) };
  const bed = parts.use(await startHubBed({ env: { ...mqtt, ...env } }));
  await until('both are connected', () => bed.logged('link_up').length === 2);
  return { bed, broker, receiver, [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose]() };
}

/** Readings arrive here no later than they should while the other destination is away. */
async function flowsOn(size: () => number): Promise<void> {
  const before = size();
  await until('readings flow', () => size() > before + 300, 8_000);
}

async function storedCount(bed: HubBed): Promise<number> {
  return await bed.redis.client.xlen('measurement:values');
}

test('one destination down holds nothing up at the other; when it is back it gets everything', async () => {
  await using both = await startBoth();
  const { bed, broker, receiver } = both;
  bed.producer.start(100);
  await flowsOn(() => bed.account.readings.size);
  await bed.hub().goDown();
  await flowsOn(() => receiver.readings.size);
  assert.ok(bed.account.readings.size < receiver.readings.size - 200);
  await bed.hub().comeUp();
  await until(
    'the hub has caught up',
    () => bed.account.readings.size > receiver.readings.size - 50,
    40_000,
  );
  await broker.process.kill();
  await flowsOn(() => bed.account.readings.size);
  await broker.restart();
  await bed.producer.stop();
  await bed.assertNothingLost();
  const { appended } = bed.producer;
  await until('the broker has all', () => [...appended].every((one) => receiver.has(one)), 40_000);
  assert.deepEqual([receiver.faults, [...receiver.gaps.values()]], [[], []]);
});

test('only what both have acknowledged is trimmed', async () => {
  await using both = await startBoth({ BUFFER_KEEP_HOURS: '0' });
  const { bed, receiver } = both;
  await bed.hub().goDown();
  await bed.producer.produce(500);
  await until('the broker has all', () => receiver.readings.size === 500);
  await until('it is in the status', async () => {
    const status = await bed.redis.client.hgetall('mqtthandler:status');
    return (
      Number(status['mqtt_acknowledged_readings']) === 500 && Number(status['backlog']) === 500
    );
  });
  assert.equal(await storedCount(bed), 500);
  await bed.hub().comeUp();
  await bed.assertNothingLost();
  // Redis trims whole nodes, of 100 entries.
  await until('it is trimmed', async () => (await storedCount(bed)) <= 100, 20_000);
});

test('a full buffer gives up readings for the destination that is away, and tells it the exact number', async () => {
  await using both = await startBoth({ BUFFER_MAX_MB: '1' });
  const { bed, receiver } = both;
  await bed.hub().goDown();
  await bed.producer.produce(12_000, ['note', 'x'.repeat(300)]);
  await until('readings were given up', () => bed.logged('readings_evicted').length > 0, 30_000);
  await bed.hub().comeUp();
  const { appended } = bed.producer;
  const counted = () =>
    [...bed.account.gaps.values()].reduce((sum, { count }) => sum + count, 0) +
    bed.account.readings.size;
  await until('produced = delivered + gaps', () => counted() === appended.size, 60_000);
  const evictedAtMqtt = bed
    .logged('readings_evicted')
    .filter(({ destination }) => destination === 'mqtt');
  await until(
    'the broker has what it was not denied',
    () => evictedAtMqtt.length > 0 || receiver.readings.size === appended.size,
  );
});

/** Waits until each reading has arrived here or is in a gap record, and checks that none is both. */
async function untilAccounted(account: Account, appended: ReadonlySet<string>): Promise<void> {
  const lost = () => [...account.gaps.values()].reduce((sum, { count }) => sum + count, 0);
  await until(
    'produced = delivered + gaps',
    () => {
      return account.readings.size + lost() >= appended.size;
    },
    60_000,
  );
  const inGaps = new Set<string>();
  for (const { epoch, from_seq: from = 0, to_seq: to = 0, count } of account.gaps.values()) {
    assert.equal(count, to - from + 1);
    for (let seq = from; seq <= to; seq += 1) inGaps.add(`${epoch} ${seq}`);
  }
  assert.equal(inGaps.size, lost(), 'no number is in two gap records');
  for (const identity of appended) {
    assert.ok(account.has(identity) !== inGaps.has(identity), identity);
  }
  assert.deepEqual(account.faults, []);
}

test('with both destinations away a full buffer goes on giving up the oldest, each exactly told what it lost', async () => {
  await using both = await startBoth({ BUFFER_MAX_MB: '1' });
  const { bed, broker, receiver } = both;
  bed.producer.start(400);
  await flowsOn(() => Math.min(bed.account.readings.size, receiver.readings.size));
  await Promise.all([bed.hub().goDown(), broker.process.kill()]);
  await bed.producer.stop();
  await bed.producer.produce(12_000, ['note', 'x'.repeat(300)]);
  const told = (name: string) =>
    bed.logged('readings_evicted').some(({ destination }) => destination === name);
  await until('readings were given up for both', () => told('mqtt') && told('hub'), 30_000);
  await until(
    'the buffer is below its limit',
    async () => {
      const status = await bed.redis.client.hgetall('mqtthandler:status');
      const capacity = Number(status['buffer_capacity_bytes']);
      return capacity > 0 && Number(status['buffer_bytes']) <= capacity;
    },
    20_000,
  );
  await Promise.all([bed.hub().comeUp(), broker.restart()]);
  for (const account of [bed.account, receiver]) {
    await untilAccounted(account, bed.producer.appended);
  }
});
