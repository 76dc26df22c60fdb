/**
 * From XADD to a subscriber, and what steady forwarding costs; in the same run
 * - short script: what a script without guarantees does, one message for each reading;
 * - bare sockets: the least any Node process can do, looking 50 times a second: the price of waking
 *   up and of system calls on this machine.
 */
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { Appender, KEYS, openRedis, untilReady } from '@holdfast/redis';
import { ManagedProcess, until } from '@holdfast/lab/servers';
import { TOPIC, aofBytes, cpuMs, percentile, pidOf, residentMb, row, startBed } from './bed.ts';
import type { Bed } from './bed.ts';

/** In our JSON, and in the bare sockets' copy of Redis' reply. */
const SENT_MS = /sent_ms(?:":"|\r\n\$\d+\r\n)([\d.]+)/g;

interface Steady {
  readonly latenciesMs: readonly number[];
  readonly cpuMsPerSecond: number;
  readonly aofBytesPerReading: number;
}

/** Appends at a steady rate and takes the time until each reading reaches a subscriber. */
export async function steady(
  bed: Bed,
  forwarder: ManagedProcess,
  perSecond: number,
  readings: number,
): Promise<Steady> {
  const subscriber = await connectAsync({ host: '127.0.0.1', port: bed.broker.port });
  const latenciesMs: number[] = [];
  subscriber.on('message', (_topic, payload) => {
    const nowMs = performance.now();
    for (const [, sentMs] of payload.toString('latin1').matchAll(SENT_MS)) {
      latenciesMs.push(nowMs - Number(sentMs));
    }
  });
  await subscriber.subscribeAsync(TOPIC, { qos: 1 });
  const redis = openRedis({ host: '127.0.0.1', port: bed.redis.port, db: 0 }, 'bench', () => {});
  await untilReady(redis, new AbortController().signal);
  const appender = new Appender(redis);
  const cpuBefore = cpuMs(pidOf(forwarder));
  const aofBefore = await aofBytes(bed.redis);
  const startMs = performance.now();
  for (let i = 1; i <= readings; i += 1) {
    const dueMs = startMs + (i * 1_000) / perSecond;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    const fields = ['_sensor', 'bme280-1-76', '_boot', '3f2a91c0', '_uptime_ms', String(i)];
    fields.push(
      'temperature_celsius',
      '21.53',
      'humidity_percent',
      '45.20',
      'pressure_hpa',
      '1003.21',
    );
    fields.push('sent_ms', String(performance.now()));
    await appender.append(fields, { retry: false, skipped: 0 });
  }
  await until('all readings arrived', () => latenciesMs.length >= readings);
  const seconds = (performance.now() - startMs) / 1_000;
  const cpuMsPerSecond = (cpuMs(pidOf(forwarder)) - cpuBefore) / seconds;
  const aofBytesPerReading = ((await aofBytes(bed.redis)) - aofBefore) / readings;
  redis.disconnect();
  await subscriber.endAsync();
  return { latenciesMs, cpuMsPerSecond, aofBytesPerReading };
}

/** A process to compare with, on the same servers. */
async function reference(
  bed: Bed,
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ManagedProcess> {
  const script = fileURLToPath(new URL(`references/${name}.ts`, import.meta.url));
  const process_ = new ManagedProcess({
    name,
    command: process.execPath,
    args: ['--import', 'tsx', script],
    env: { REDIS_PORT: String(bed.redis.port), MQTT_PORT: String(bed.broker.port), TOPIC, ...env },
  });
  process_.start();
  await process_.untilLine(/ready/);
  return process_;
}

function report(label: string, { latenciesMs, cpuMsPerSecond, aofBytesPerReading }: Steady): void {
  const [p50, p99] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)];
  row(
    label,
    `median ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, CPU ${cpuMsPerSecond.toFixed(1)} ms/s, ` +
      `AOF ${aofBytesPerReading.toFixed(0)} bytes/reading in all`,
  );
}

/** Code that runs often is compiled after a while: a gateway runs for months. */
const WARM_UP = { perSecond: 100, readings: 6_000 } as const;

async function warmUp(bed: Bed, forwarder: ManagedProcess): Promise<void> {
  await steady(bed, forwarder, WARM_UP.perSecond, WARM_UP.readings);
}

const RATES = [
  [1, 20],
  [10, 100],
  [100, 1_500],
] as const;

export async function benchLatency(): Promise<void> {
  console.log(
    '\nSteady forwarding: XADD to subscriber, Redis and Mosquitto on loopback, after a minute',
  );
  await using bed = await startBed();
  const { handler, redis } = bed;
  const startMs = performance.now();
  handler.start();
  await handler.untilLine(/"link_up"/);
  const tookMs = performance.now() - startMs;
  row('start of the process to the first session', `${tookMs.toFixed(0)} ms`);
  await warmUp(bed, handler);
  for (const [perSecond, readings] of [...RATES, [500, 5_000] as const]) {
    report(`${perSecond} readings/s`, await steady(bed, handler, perSecond, readings));
  }
  await redis.client.set(KEYS.mqttInterval.key, '0.1');
  report('100 readings/s, mqtt_sender:interval 0.1', await steady(bed, handler, 100, 1_500));
  await redis.client.del(KEYS.mqttInterval.key);
  const pid = pidOf(handler);
  const before = cpuMs(pid);
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  row(
    'nothing to do for 20 s',
    `CPU ${((cpuMs(pid) - before) / 20).toFixed(1)} ms/s, resident ${residentMb(pid).toFixed(0)} MB`,
  );
  await handler.stop();
  await using script = await reference(bed, 'short-script');
  await warmUp(bed, script);
  for (const [perSecond, readings] of RATES) {
    const steadily = await steady(bed, script, perSecond, readings);
    report(`  short script, ${perSecond} readings/s`, steadily);
  }
  await script.stop();
  await using sockets = await reference(bed, 'sockets', { EVERY_MS: '20' });
  await warmUp(bed, sockets);
  report('  bare sockets, 100 readings/s', await steady(bed, sockets, 100, 1_500));
}
