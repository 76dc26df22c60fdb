/** From XADD to a subscriber, and what steady forwarding costs. */
import { connectAsync } from 'mqtt';
import { Appender, openRedis, untilReady } from '@holdfast/redis';
import { until } from '@holdfast/lab/servers';
import { TOPIC, aofBytes, cpuMs, percentile, pidOf, residentMb, row, startBed } from './bed.ts';
import type { Bed } from './bed.ts';

interface Steady {
  readonly latenciesMs: readonly number[];
  readonly cpuMsPerSecond: number;
  readonly aofBytesPerReading: number;
}

/** Appends at a steady rate and takes the time until each reading reaches a subscriber. */
export async function steady(bed: Bed, perSecond: number, readings: number): Promise<Steady> {
  const subscriber = await connectAsync({ host: '127.0.0.1', port: bed.broker.port });
  const latenciesMs: number[] = [];
  subscriber.on('message', (_topic, payload) => {
    const nowMs = performance.now();
    for (const reading of JSON.parse(payload.toString()) as Record<string, string>[]) {
      latenciesMs.push(nowMs - Number(reading['sent_ms']));
    }
  });
  await subscriber.subscribeAsync(TOPIC, { qos: 1 });
  const redis = openRedis({ host: '127.0.0.1', port: bed.redis.port, db: 0 }, 'bench', () => {});
  await untilReady(redis, new AbortController().signal);
  const appender = new Appender(redis);
  const cpuBefore = cpuMs(pidOf(bed.handler));
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
  const cpuMsPerSecond = (cpuMs(pidOf(bed.handler)) - cpuBefore) / seconds;
  const aofBytesPerReading = ((await aofBytes(bed.redis)) - aofBefore) / readings;
  redis.disconnect();
  await subscriber.endAsync();
  return { latenciesMs, cpuMsPerSecond, aofBytesPerReading };
}

export async function benchLatency(): Promise<void> {
  console.log('\nSteady forwarding: XADD to subscriber, Redis and Mosquitto on loopback');
  await using bed = await startBed();
  const startMs = performance.now();
  bed.handler.start();
  await bed.handler.untilLine(/"link_up"/);
  row(
    'start of the process to the first session',
    `${(performance.now() - startMs).toFixed(0)} ms`,
  );
  await steady(bed, 20, 40);
  for (const [perSecond, readings] of [
    [1, 15],
    [10, 100],
    [100, 1_500],
    [500, 5_000],
  ] as const) {
    const { latenciesMs, cpuMsPerSecond, aofBytesPerReading } = await steady(
      bed,
      perSecond,
      readings,
    );
    const [p50, p99] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)];
    row(
      `${perSecond} readings/s`,
      `median ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, CPU ${cpuMsPerSecond.toFixed(1)} ms/s, ` +
        `AOF ${aofBytesPerReading.toFixed(0)} bytes/reading in all`,
    );
  }
  const pid = pidOf(bed.handler);
  const before = cpuMs(pid);
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  row(
    'nothing to do for 20 s',
    `CPU ${((cpuMs(pid) - before) / 20).toFixed(1)} ms/s, resident ${residentMb(pid).toFixed(0)} MB`,
  );
}
