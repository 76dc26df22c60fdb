/** A real redis-server with a port and a data folder of its own. */
import { Redis } from 'ioredis';
import { ManagedProcess } from './process.ts';
import { freePort } from './net.ts';
import { dataFolder, removeFolder, untilUp } from './up.ts';

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
  /** Default: a free one. */
  readonly port?: number;
  /** Data folder; kept afterwards. */
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
  const port = options.port ?? (await freePort());
  const dir = options.dir ?? dataFolder('redis');
  const process = new ManagedProcess({
    name: 'redis-server',
    command: 'redis-server',
    args: ['--port', String(port), '--dir', dir, ...DEVICE_ARGS, ...(options.args ?? [])],
  });
  const client = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    retryStrategy: () => 50,
    maxLoadingRetryTime: 50,
  });
  client.on('error', () => {});
  const start = async () => {
    process.start();
    await untilUp(process, () => isAnswering(client, process.pid));
  };
  const dispose = async () => {
    client.disconnect();
    await process.kill();
    if (options.dir === undefined) removeFolder(dir);
  };
  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    port,
    dir,
    process,
    client,
    env: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port), REDIS_DB: '0' },
    async restart() {
      await process.kill();
      await start();
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** Whether this very process answers, and not another Redis that happens to have the port. */
async function isAnswering(client: Redis, pid: number | undefined): Promise<boolean> {
  try {
    const info = await client.info('server');
    return info.includes(`process_id:${pid}\r`);
  } catch (error) {
    // A server that asks for a password answers too.
    return error instanceof Error && error.message.startsWith('NOAUTH');
  }
}
