/** What the tests of the whole service share: the bundle at work on a real Redis. */
import { startRedis, service, until } from '@holdfast/lab/servers';
import type { ManagedProcess, RedisServer, RedisServerOptions } from '@holdfast/lab/servers';
import { KEYS, fieldOf } from '@holdfast/redis';

export interface Bench extends AsyncDisposable {
  readonly server: RedisServer;
  readonly sensor: ManagedProcess;
  /** Number of entries in the stream. */
  length(): Promise<number>;
  /** Waits until `count` more entries stand in the stream than now. */
  more(count: number, timeoutMs?: number): Promise<void>;
  events(): Promise<readonly (readonly string[])[]>;
  /** Waits for an event and returns its fields. */
  event(name: string, timeoutMs?: number): Promise<readonly string[]>;
  status(field: string): Promise<string | null>;
}

export async function startBench(
  env: Readonly<Record<string, string>>,
  options: RedisServerOptions = {},
): Promise<Bench> {
  const server = await startRedis(options);
  const sensor = service('sensor', { ...server.env, SENSORS: 'host', ...env });
  sensor.start();
  const { client } = server;
  const length = async () => client.xlen(KEYS.values.key);
  const events = async () =>
    (await client.xrange(KEYS.events.key, '-', '+')).map(([, fields]) => fields);
  return {
    server,
    sensor,
    length,
    async more(count, timeoutMs) {
      const wanted = (await length()) + count;
      await until(`${wanted} readings`, async () => (await length()) >= wanted, timeoutMs);
    },
    events,
    event: async (name, timeoutMs) =>
      until(
        `event ${name}`,
        async () => (await events()).find((fields) => fieldOf(fields, 'event') === name),
        timeoutMs,
      ),
    status: async (field) => client.hget(KEYS.sensorStatus.key, field),
    async [Symbol.asyncDispose]() {
      if (sensor.running) await sensor.kill();
      await server[Symbol.asyncDispose]();
    },
  };
}
