/** What every benchmark needs: real servers, the built service, and figures of a process. */
import { readFileSync } from 'node:fs';
import { service, startMosquitto, startRedis, until } from '@holdfast/lab/servers';
import type { ManagedProcess, Mosquitto, RedisServer } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';

export const DEVICE = 'bench-device';
export const TOPIC = `iot-projekt/device/${DEVICE}/values`;

/** The kernel counts CPU time in hundredths of a second on every Linux of ours. */
const TICK_MS = 10;

export interface Bed extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly broker: Mosquitto;
  readonly handler: ManagedProcess;
}

export async function startBed(env: Readonly<Record<string, string>> = {}): Promise<Bed> {
  const redis = await startRedis();
  const broker = await startMosquitto();
  const handler = service('mqtthandler', {
    ...redis.env,
    // As in the container: a small heap; what is read at a time is bounded.
    NODE_OPTIONS: '--max-semi-space-size=1 --max-old-space-size=48',
    MQTT_HOST: '127.0.0.1',
    MQTT_PORT: String(broker.port),
    BALENA_DEVICE_UUID: DEVICE,
    ...env,
  });
  return {
    redis,
    broker,
    handler,
    async [Symbol.asyncDispose]() {
      await handler.kill();
      await broker[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** Fields of a BME280 reading as the sensor stores them. */
export function bme280Fields(epoch: string, seq: number): string[] {
  const head = ['_epoch', epoch, '_seq', String(seq), '_sensor', 'bme280-1-76'];
  head.push('_boot', '3f2a91c0', '_uptime_ms', String(100_000 + seq * 10));
  head.push('temperature_celsius', (20 + (seq % 97) / 100).toFixed(2));
  head.push('humidity_percent', (45 + (seq % 53) / 100).toFixed(2));
  head.push('pressure_hpa', (1_000 + (seq % 211) / 100).toFixed(2));
  return head;
}

/** Fills the stream as an outage does. */
export async function fill(redis: RedisServer, count: number, epoch: string): Promise<void> {
  const perPipeline = 2_000;
  for (let done = 0; done < count; done += perPipeline) {
    const pipeline = redis.client.pipeline();
    for (let i = done + 1; i <= Math.min(count, done + perPipeline); i += 1) {
      pipeline.xadd(KEYS.values.key, '*', ...bme280Fields(epoch, i));
    }
    await pipeline.exec();
  }
}

export async function newestId(redis: RedisServer): Promise<string> {
  const newest = await redis.client.xrevrange(KEYS.values.key, '+', '-', 'COUNT', 1);
  return newest[0]?.[0] ?? '0-0';
}

/** Waits until the handler has stored this cursor. */
export async function untilCursor(
  redis: RedisServer,
  id: string,
  timeoutMs: number,
): Promise<void> {
  const reached = async () =>
    (await redis.client.get(KEYS.mqttLastId.key)) === id &&
    (await redis.client.get(KEYS.mqttPending.key)) === null;
  await until(`cursor at ${id}`, reached, timeoutMs);
}

/** CPU time a process has used so far, milliseconds. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of a process, MB. */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}

/** Bytes appended to the AOF so far. */
export async function aofBytes(redis: RedisServer): Promise<number> {
  const info = await redis.client.info('persistence');
  return Number(/^aof_current_size:(\d+)/m.exec(info)?.[1] ?? 0);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function pidOf(process: ManagedProcess): number {
  if (process.pid === undefined) throw new Error(`${process.spec.name} is not running`);
  return process.pid;
}

export function row(label: string, figure: string): void {
  console.log(`  ${label.padEnd(58)} ${figure}`);
}
