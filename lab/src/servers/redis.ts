/** A real redis-server with a port and a data folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ManagedProcess } from './process.ts';
import { freePort, until, untilListening } from './net.ts';

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly dir: string;
  readonly process: ManagedProcess;
  /** A connection for the test itself, closed with the server. */
  readonly client: Redis;
  /** Environment variables for a service. */
  readonly env: Readonly<Record<string, string>>;
  /** Starts it again after a kill, on the same data; resolves when it answers. */
  restart(): Promise<void>;
}

export interface RedisServerOptions {
  /** Further lines of configuration, e.g. `['--maxmemory', '4mb']`. */
  readonly args?: readonly string[];
  readonly dir?: string;
}

/** Durable and evicting nothing, as on the device. */
const DEVICE_ARGS = [
  ['--appendonly', 'yes'],
  ['--appendfsync', 'everysec'],
  ['--save', ''],
  ['--maxmemory-policy', 'noeviction'],
  ['--notify-keyspace-events', 'K$g'],
  ['--bind', '127.0.0.1'],
].flat();

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const port = await freePort();
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'holdfast-redis-')));
  const process = new ManagedProcess({
    name: 'redis-server',
    command: 'redis-server',
    args: ['--port', String(port), '--dir', dir, ...DEVICE_ARGS, ...(options.args ?? [])],
  });
  process.start();
  await untilListening(port);
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 50 });
  client.on('error', () => {});
  await client.ping();
  return {
    port,
    dir,
    process,
    client,
    env: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port), REDIS_DB: '0' },
    async restart() {
      if (process.running) await process.kill();
      process.start();
      await until('redis answers', async () => (await client.ping().catch(() => '')) === 'PONG');
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
      process.thaw();
      if (process.running) await process.kill();
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
}
