/**
 * What viewers cost: 500 readings a second are forwarded while 20 viewers refresh every 5 s, each as
 * the page does (overview, curves, states) and as a dashboard does (status and four series); beside it
 * the same without viewers. Nothing may be lost, and the live latency should hardly change.
 */
import { setMaxListeners } from 'node:events';
import { connectAsync } from 'mqtt';
import { freePort, service, until } from '@holdfast/lab/servers';
import type { ManagedProcess, RedisServer } from '@holdfast/lab/servers';
import { Appender, KEYS, openRedis, untilReady } from '@holdfast/redis';
import {
  TOPIC,
  bme280Fields,
  cpuMs,
  percentile,
  pidOf,
  residentMb,
  row,
  startBed,
  untilCursor,
  newestId,
} from './bed.ts';
import type { Bed } from './bed.ts';

const VIEWERS = 20;
const REFRESH_MS = 5_000;
const PER_SECOND = 500;
const SECONDS = 30;
/** What stands in the buffer already: a day of readings is asked for, and Redis has to look. */
const STORED = 200_000;

interface Run {
  readonly sent: number;
  readonly received: number;
  readonly latenciesMs: readonly number[];
  /** Redis' own time, milliseconds of a second. */
  readonly redisMsPerSecond: number;
}

/** Redis' time in all commands so far, milliseconds. */
async function redisMs(redis: RedisServer): Promise<number> {
  const info = await redis.client.info('commandstats');
  const times = [...info.matchAll(/usec=(\d+)/g)].map(([, usec]) => Number(usec));
  return times.reduce((sum, usec) => sum + usec, 0) / 1_000;
}

async function forward(bed: Bed): Promise<Run> {
  const received = new Set<string>();
  const latenciesMs: number[] = [];
  const subscriber = await connectAsync({ host: '127.0.0.1', port: bed.broker.port });
  subscriber.on('message', (_topic, payload) => {
    const nowMs = performance.now();
    for (const reading of JSON.parse(payload.toString()) as Record<string, string>[]) {
      received.add(`${reading['_epoch']} ${reading['_seq']}`);
      latenciesMs.push(nowMs - Number(reading['sent_ms']));
    }
  });
  await subscriber.subscribeAsync(TOPIC, { qos: 1 });
  const redis = openRedis({ host: '127.0.0.1', port: bed.redis.port, db: 0 }, 'bench', () => {});
  await untilReady(redis, new AbortController().signal);
  const appender = new Appender(redis);
  const beforeMs = await redisMs(bed.redis);
  const startMs = performance.now();
  const sent = PER_SECOND * SECONDS;
  for (let i = 1; i <= sent; i += 1) {
    const waitMs = startMs + (i * 1_000) / PER_SECOND - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const sensor = `bme280-1-7${i % 4}`;
    const fields = ['_sensor', sensor, '_boot', '3f2a91c0', '_uptime_ms', String(i)];
    fields.push(
      'temperature_celsius',
      (20 + (i % 97) / 50).toFixed(2),
      'humidity_percent',
      '45.20',
    );
    fields.push('sent_ms', String(performance.now()));
    await appender.append(fields, { retry: false, skipped: 0 });
  }
  const seconds = (performance.now() - startMs) / 1_000;
  const redisMsPerSecond = ((await redisMs(bed.redis)) - beforeMs) / seconds;
  await until('the last readings', () => received.size >= sent, 20_000).catch(() => {});
  redis.disconnect();
  await subscriber.endAsync();
  return { sent, received: received.size, latenciesMs, redisMsPerSecond };
}

/** What one refresh of a viewer asks for. */
function questions(): string[] {
  const toMs = Date.now();
  const hour = `from=${toMs - 3_600_000}&to=${toMs}`;
  const day = `from=${toMs - 86_400_000}&to=${toMs}`;
  return [
    '/api/overview',
    `/api/curves?${hour}&points=300`,
    `/api/states?${hour}`,
    '/api/status',
    `/api/series?quantity=temperature_celsius&${day}&points=800`,
    `/api/series?quantity=humidity_percent&${day}&points=800`,
    `/api/series?quantity=temperature_celsius&${hour}&points=300`,
    `/api/events?${day}`,
  ];
}

interface Seen {
  readonly answersMs: number[];
  failures: number;
}

/** One viewer after the other begins somewhere in the refresh time. */
async function view(url: string, index: number, seen: Seen, signal: AbortSignal): Promise<void> {
  await pause((index * REFRESH_MS) / VIEWERS, signal);
  while (!signal.aborted) {
    await Promise.all(
      questions().map(async (path) => {
        const startMs = performance.now();
        const response = await fetch(url + path, { signal }).catch(() => undefined);
        const body = await response?.arrayBuffer().catch(() => undefined);
        if (signal.aborted) return;
        if (response?.ok !== true || body === undefined) seen.failures += 1;
        else seen.answersMs.push(performance.now() - startMs);
      }),
    );
    await pause(REFRESH_MS, signal);
  }
}

const pause = async (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });

function tell(label: string, { sent, received, latenciesMs, redisMsPerSecond }: Run): void {
  const [p50, p99] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)];
  row(
    label,
    `lost ${sent - received} of ${sent}, live latency median ${p50.toFixed(1)} ms, ` +
      `p99 ${p99.toFixed(1)} ms, Redis busy ${(redisMsPerSecond / 10).toFixed(1)} %`,
  );
}

/** Readings of the last day, evenly. */
async function fillDay(redis: RedisServer): Promise<void> {
  const nowMs = Date.now();
  for (let first = 0; first < STORED; first += 2_000) {
    const pipeline = redis.client.pipeline();
    for (let i = first; i < Math.min(STORED, first + 2_000); i += 1) {
      const id = Math.floor(nowMs - 86_400_000 + (i * 86_400_000) / STORED);
      pipeline.xadd(KEYS.values.key, `${id}-0`, ...bme280Fields('59069a2a17de', i + 1));
    }
    await pipeline.exec();
  }
}

async function startApi(bed: Bed): Promise<{ readonly api: ManagedProcess; readonly url: string }> {
  const port = await freePort();
  const env = { DASHBOARD_PORT: String(port), DASHBOARD_BIND: '127.0.0.1' };
  const memory = { NODE_OPTIONS: '--max-semi-space-size=1 --max-old-space-size=64' };
  const api = service('grafana/api', { ...bed.redis.env, ...env, ...memory });
  api.start();
  await api.untilLine(/"event":"started"/);
  return { api, url: `http://127.0.0.1:${port}` };
}

export async function benchViewers(): Promise<void> {
  console.log(
    `\n${VIEWERS} viewers, each refreshing every ${REFRESH_MS / 1_000} s, beside ${PER_SECOND} readings/s`,
  );
  await using bed = await startBed();
  await fillDay(bed.redis);
  bed.handler.start();
  await untilCursor(bed.redis, await newestId(bed.redis), 120_000);
  const { api, url } = await startApi(bed);
  await using _api = api;
  tell('nobody looks', await forward(bed));
  const idleMb = residentMb(pidOf(api));
  const seen: Seen = { answersMs: [], failures: 0 };
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const viewers = Array.from({ length: VIEWERS }, async (_, i) => view(url, i, seen, stop.signal));
  const cpuBefore = cpuMs(pidOf(api));
  const startMs = performance.now();
  const busy = await forward(bed);
  const seconds = (performance.now() - startMs) / 1_000;
  stop.abort();
  await Promise.all(viewers);
  tell(`${VIEWERS} viewers`, busy);
  const [p50, p99] = [percentile(seen.answersMs, 0.5), percentile(seen.answersMs, 0.99)];
  row(
    '  their answers',
    `${seen.answersMs.length}, refused ${seen.failures}, median ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`,
  );
  row(
    '  the service',
    `CPU ${((cpuMs(pidOf(api)) - cpuBefore) / seconds).toFixed(0)} ms/s, resident ${idleMb.toFixed(0)} MB ` +
      `before, ${residentMb(pidOf(api)).toFixed(0)} MB after`,
  );
}
