/** What the tests of the append share: a real Redis, a connection to it, readings unlike each other. */
import { systemClock } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import { Appender, KEYS, identityOf, openRedis, readingFields, untilReady } from '@holdfast/redis';
import type { Redis, StreamEntry } from '@holdfast/redis';
import type { RedisServer } from '@holdfast/lab/servers';

export const PLAIN = { retry: false, skipped: 0 };
export const RETRY = { retry: true, skipped: 0 };
let uptimeMs = 1_000;

/** A reading unlike all before. */
export function reading(sensor = 'host'): string[] {
  uptimeMs += 10;
  return readingFields({ sensor, boot: 'b00t', uptimeMs, quantities: { load_percent: '12.5' } });
}

export async function connect(
  server: RedisServer,
  clock: Pick<Clock, 'monotonicMs'> = systemClock,
): Promise<AsyncDisposable & { redis: Redis; appender: Appender }> {
  const settings = { host: '127.0.0.1', port: server.port, db: 0 };
  const redis = openRedis(settings, 'test', () => {});
  await untilReady(redis, AbortSignal.timeout(10_000));
  return {
    redis,
    appender: new Appender(redis, clock),
    async [Symbol.asyncDispose]() {
      redis.disconnect();
    },
  };
}

export function entries(server: RedisServer): Promise<StreamEntry[]> {
  return server.client.xrange(KEYS.values.key, '-', '+');
}

export async function numbers(server: RedisServer): Promise<(number | undefined)[]> {
  return (await entries(server)).map(([, fields]) => identityOf(fields)?.seq);
}

/** The device loses power and comes back; what was written before is safe. */
export async function powerCut(server: RedisServer, { redis }: { redis: Redis }): Promise<void> {
  await server.process.kill();
  await server.restart();
  await untilReady(redis, AbortSignal.timeout(10_000));
}

export const SAFE = { args: ['--appendfsync', 'always'] };
