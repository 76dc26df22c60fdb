/**
 * How fast a backlog goes out, beside two references in the same run on the same broker:
 * - ceiling: mqtt.js publishing the same payloads, made beforehand, with the same window: no Redis,
 *   no JSON, no cursor. Nothing that uses mqtt.js can be faster.
 * - bare loop: XRANGE, JSON.stringify, publish with the same window, no cursor kept: what a short
 *   script without guarantees reaches.
 */
import { connectAsync } from 'mqtt';
import type { MqttClient } from 'mqtt';
import { KEYS } from '@holdfast/redis';
import { until } from '@holdfast/lab/servers';
import type { RedisServer } from '@holdfast/lab/servers';
import {
  DEVICE,
  TOPIC,
  aofBytes,
  bme280Fields,
  fill,
  newestId,
  percentile,
  pidOf,
  residentMb,
  row,
  startBed,
  untilCursor,
} from './bed.ts';
import type { Bed } from './bed.ts';

const WINDOW = 8;
const PER_MESSAGE = 200;
/** A million readings are more than the buffer holds by default: none may be given up here. */
const ROOMY = { BUFFER_MAX_MB: '1000' } as const;
/** Large enough for some hundred new readings beside it: with fewer the p99 would be the slowest one. */
const LIVE_BACKLOG = 500_000;

/** Publishes what `next` gives, `WINDOW` at a time; resolves when all is acknowledged. */
async function pump(client: MqttClient, next: () => Promise<string | undefined>): Promise<void> {
  const worker = async () => {
    for (let payload = await next(); payload !== undefined; payload = await next()) {
      await client.publishAsync(TOPIC, payload, { qos: 1 });
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, worker));
}

function reading(id: string, fields: readonly string[]): Record<string, string> {
  const object: Record<string, string> = { _id: id, _device_uuid: DEVICE, _device_type: 'unknown' };
  object['_app_id'] = '0';
  object['_app_name'] = 'local';
  for (let i = 0; i + 1 < fields.length; i += 2) object[fields[i] ?? ''] = fields[i + 1] ?? '';
  return object;
}

async function ceiling(port: number, readings: number): Promise<number> {
  const client = await connectAsync({ host: '127.0.0.1', port, protocolVersion: 5 });
  const list = Array.from({ length: PER_MESSAGE }, (_, i) => {
    return reading('1795294701717-10', bme280Fields('59069a2a17de', 50_000 + i));
  });
  const payload = JSON.stringify(list);
  let left = readings / PER_MESSAGE;
  const startMs = performance.now();
  await pump(client, () => Promise.resolve((left -= 1) >= 0 ? payload : undefined));
  const seconds = (performance.now() - startMs) / 1_000;
  await client.endAsync();
  return readings / seconds;
}

async function bareLoop(redis: RedisServer, port: number, readings: number): Promise<number> {
  const client = await connectAsync({ host: '127.0.0.1', port, protocolVersion: 5 });
  let after = '0-0';
  let reads = Promise.resolve<string | undefined>(undefined);
  const read = async () => {
    const entries = await redis.client.xrange(
      KEYS.values.key,
      `(${after}`,
      '+',
      'COUNT',
      PER_MESSAGE,
    );
    const last = entries.at(-1);
    if (last === undefined) return undefined;
    after = last[0];
    return JSON.stringify(entries.map(([id, fields]) => reading(id, fields)));
  };
  const startMs = performance.now();
  await pump(client, () => (reads = reads.then(read)));
  const seconds = (performance.now() - startMs) / 1_000;
  await client.endAsync();
  return readings / seconds;
}

interface Replay {
  readonly perSecond: number;
  readonly peakMb: number;
  readonly idleMb: number;
  readonly bookkeepingBytesPerReading: number;
}

async function replay(bed: Bed, readings: number): Promise<Replay> {
  const last = await newestId(bed.redis);
  bed.handler.start();
  await bed.handler.untilLine(/"link_up"/);
  const pid = pidOf(bed.handler);
  const idleMb = residentMb(pid);
  let peakMb = 0;
  const watch = setInterval(() => (peakMb = Math.max(peakMb, residentMb(pid))), 20);
  const aofBefore = await aofBytes(bed.redis);
  const startMs = performance.now();
  await untilCursor(bed.redis, last, 300_000);
  const seconds = (performance.now() - startMs) / 1_000;
  clearInterval(watch);
  const bookkeeping = ((await aofBytes(bed.redis)) - aofBefore) / readings;
  await bed.handler.stop();
  return { perSecond: readings / seconds, peakMb, idleMb, bookkeepingBytesPerReading: bookkeeping };
}

/** New readings at about 100/s; each tells when it was appended. */
async function appendLive(bed: Bed, signal: AbortSignal): Promise<void> {
  for (let seq = 1; !signal.aborted; seq += 1) {
    const fields = bme280Fields('live', seq);
    fields.push('sent_ms', String(performance.now()));
    await bed.redis.client.xadd(KEYS.values.key, '*', ...fields);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Latency of new readings while a backlog of `readings` goes out. */
async function liveDuringReplay(readings: number): Promise<void> {
  await using bed = await startBed(ROOMY);
  await fill(bed.redis, readings, 'backlog');
  const subscriber = await connectAsync({ host: '127.0.0.1', port: bed.broker.port });
  const latenciesMs: number[] = [];
  subscriber.on('message', (_topic, payload) => {
    const at = payload.lastIndexOf('"sent_ms":"');
    if (at === -1) return;
    latenciesMs.push(
      performance.now() - Number.parseFloat(payload.toString('latin1', at + 11, at + 40)),
    );
  });
  await subscriber.subscribeAsync(TOPIC, { qos: 1 });
  bed.handler.start();
  const last = await newestId(bed.redis);
  // What is appended before the lanes are parted belongs to the backlog.
  const parted = async () => (await bed.redis.client.get(KEYS.mqttPending.key)) !== null;
  await until('the lanes are parted', parted);
  const stop = new AbortController();
  const live = appendLive(bed, stop.signal);
  await until(
    'the backlog is out',
    async () => {
      const pending = (await bed.redis.client.get(KEYS.mqttPending.key)) ?? '';
      const lastId = (await bed.redis.client.get(KEYS.mqttLastId.key)) ?? '0-0';
      return lastId >= last && !pending.includes(`:${last}`);
    },
    300_000,
  );
  stop.abort();
  await live;
  await subscriber.endAsync();
  row(
    `live readings beside a backlog of ${readings}`,
    `median ${percentile(latenciesMs, 0.5).toFixed(1)} ms, p99 ${percentile(latenciesMs, 0.99).toFixed(1)} ms ` +
      `(${latenciesMs.length} readings)`,
  );
}

export async function benchReplay(sizes: readonly number[]): Promise<void> {
  console.log('\nReplay of a backlog, QoS 1, window 8, 200 readings a message');
  for (const readings of sizes) {
    await using bed = await startBed(ROOMY);
    await fill(bed.redis, readings, '59069a2a17de');
    const most = await ceiling(bed.broker.port, readings);
    const bare = await bareLoop(bed.redis, bed.broker.port, readings);
    const ours = await replay(bed, readings);
    const ratio = (reference: number) => `${((100 * ours.perSecond) / reference).toFixed(0)} %`;
    row(`${readings} readings: mqtthandler`, `${ours.perSecond.toFixed(0)}/s`);
    row('  ceiling (payloads made beforehand)', `${most.toFixed(0)}/s: we reach ${ratio(most)}`);
    row('  bare loop (read, stringify, publish)', `${bare.toFixed(0)}/s: we reach ${ratio(bare)}`);
    row(
      '  resident memory',
      `${ours.idleMb.toFixed(0)} MB idle, ${ours.peakMb.toFixed(0)} MB at most`,
    );
    row(
      '  AOF for our own bookkeeping',
      `${ours.bookkeepingBytesPerReading.toFixed(2)} bytes/reading`,
    );
  }
  await liveDuringReplay(LIVE_BACKLOG);
}
