import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort, until } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import { startBed } from './bed.ts';
import type { Bed } from './bed.ts';
import type { WireGap } from './receiver.ts';

/** Takes up room quickly: an incompressible field of 200 bytes. */
const FILLER = ['note', 'x'.repeat(200)];

/** Every appended reading is either received or in exactly one gap record, never both. */
function assertAccounted(bed: Bed): void {
  const inGap = new Set<string>();
  for (const gap of bed.receiver.gaps.values()) {
    assert.equal(gap.count, (gap.to_seq ?? 0) - (gap.from_seq ?? 0) + 1, 'count fits the numbers');
    for (const identity of identitiesOf(gap)) {
      assert.ok(!inGap.has(identity), `${identity} is in two gap records`);
      inGap.add(identity);
    }
  }
  for (const identity of bed.producer.appended) {
    const received = bed.receiver.has(identity);
    assert.ok(
      received !== inGap.has(identity),
      `${identity}: received ${received}, gap ${!received}`,
    );
  }
  assert.equal(inGap.size + bed.receiver.readings.size, bed.producer.appended.size);
}

function identitiesOf(gap: WireGap): string[] {
  return Array.from({ length: gap.count }, (_, i) => `${gap.epoch} ${(gap.from_seq ?? 0) + i}`);
}

function accounted(bed: Bed): number {
  const lost = [...bed.receiver.gaps.values()].reduce((sum, gap) => sum + gap.count, 0);
  return bed.receiver.readings.size + lost;
}

async function untilEvicted(bed: Bed, readings: number): Promise<void> {
  await until(`${readings} readings given up`, async () => {
    const entries = await bed.redis.client.xrange(KEYS.mqttGaps.key, '-', '+');
    const lost = entries.map(([, fields]) => {
      const gap = fields[fields.indexOf('_gap') + 1] ?? '{}';
      return (JSON.parse(gap) as WireGap).count;
    });
    return lost.reduce((a, b) => a + b, 0) >= readings;
  });
}

async function untilAccounted(bed: Bed): Promise<void> {
  const { appended } = bed.producer;
  await until('everything is accounted for', () => accounted(bed) >= appended.size, 40_000);
}

test('a buffer full of unacknowledged readings gives up the oldest, each in a gap record, to the unit', async () => {
  await using bed = await startBed({ env: { BUFFER_MAX_MB: '1', MQTT_IN_FLIGHT: '2' } });
  bed.network.cut();
  await bed.producer.produce(12_000, FILLER);
  await untilEvicted(bed, 2_000);
  await until('the event', async () => (await bed.events()).includes('readings_evicted'));
  bed.network.restore();
  await untilAccounted(bed);
  assertAccounted(bed);
  assert.ok([...bed.receiver.gaps.values()].every((gap) => gap.reason === 'buffer_full'));
  // It is measured every few seconds, and the last time may have been amid the load.
  await until('the buffer is within its limit', async () => {
    const { buffer_bytes: bytes, buffer_capacity_bytes: capacity } = await bed.status();
    assert.equal(capacity, '1000000');
    return Number(bytes) <= 1_000_000;
  });
});

test('a handler killed while it gives readings up neither loses nor doubles a gap', async () => {
  await using bed = await startBed({ env: { BUFFER_MAX_MB: '1', MQTT_IN_FLIGHT: '2' } });
  bed.network.cut();
  let evicted = 1_000;
  for (let round = 0; round < 4; round += 1) {
    await bed.producer.produce(5_000, FILLER);
    await untilEvicted(bed, evicted);
    await bed.handler.kill();
    bed.handler.start();
    evicted += 3_000;
  }
  bed.network.restore();
  await untilAccounted(bed);
  assertAccounted(bed);
});

test('acknowledged readings are given up before any unacknowledged one', async () => {
  await using bed = await startBed({ env: { BUFFER_MAX_MB: '1', BUFFER_KEEP_HOURS: '24' } });
  await bed.producer.produce(3_000, FILLER);
  await bed.untilDelivered();
  bed.network.cut();
  await bed.producer.produce(2_500, FILLER);
  await until(
    'the history went',
    async () => (await bed.redis.client.xlen(KEYS.values.key)) < 4_000,
  );
  bed.network.restore();
  await bed.assertNothingLost();
});

test('acknowledged readings older than the history to keep are trimmed', async () => {
  await using bed = await startBed({ env: { BUFFER_KEEP_HOURS: '0' } });
  await bed.producer.produce(2_000);
  await bed.assertNothingLost();
  await until('trimmed', async () => (await bed.redis.client.xlen(KEYS.values.key)) < 200);
});

test('status says how long the buffer lasts and how long the backlog takes', async () => {
  const port = await freePort();
  const env = { BUFFER_MAX_MB: '4', METRICS_PORT: String(port) };
  await using bed = await startBed({ env });
  bed.network.cut();
  bed.producer.start(300);
  const status = await until(
    'a forecast',
    async () => {
      const fields = await bed.status();
      return Number(fields['full_in_seconds']) > 0 && Number(fields['backlog']) > 0
        ? fields
        : false;
    },
    40_000,
  );
  const perReading = Number(status['buffer_bytes']) / Number(status['buffer_entries']);
  const room = 4_000_000 - Number(status['backlog']) * perReading;
  const expected = room / (Number(status['produced_per_second']) * perReading);
  const forecast = Number(status['full_in_seconds']);
  assert.ok(
    Math.abs(forecast - expected) <= 0.1 * expected,
    `${forecast} s, expected ${expected} s`,
  );
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assert.match(metrics, /^holdfast_link_up\{destination="mqtt"\} 0$/m);
  assert.match(metrics, /^holdfast_backlog_readings \d+$/m);
  await bed.producer.stop();
  bed.network.restore();
  await bed.assertNothingLost();
});
