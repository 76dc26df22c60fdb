/**
 * The redis container without a container: the real entrypoint on folders of its own, with the
 * redis-server of this machine.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManagedProcess, freePort, until } from '@holdfast/lab/servers';
import { openRedis, untilReady } from '@holdfast/redis';
import type { Redis, RedisSettings } from '@holdfast/redis';

const FOLDER = fileURLToPath(new URL('../../', import.meta.url));
const READY_MS = 20_000;

export class Container implements AsyncDisposable {
  readonly dir: string;
  readonly port: number;
  readonly db: number;
  readonly process: ManagedProcess;
  readonly #clients: Redis[] = [];

  private constructor(dir: string, port: number, env: Readonly<Record<string, string>>) {
    this.dir = dir;
    this.port = port;
    this.db = Number(env['REDIS_DB'] ?? 0);
    this.process = new ManagedProcess({
      name: 'redis container',
      command: `${FOLDER}entrypoint.sh`,
      args: ['--bind', '127.0.0.1'],
      env: {
        DATA_DIR: this.data,
        CREDENTIALS_DIR: join(dir, 'credentials'),
        REDIS_CONF: `${FOLDER}redis.conf`,
        REDIS_PORT: String(port),
        ...env,
      },
    });
  }

  /** A container that has not been started; with `from`, on a copy of that one's volumes. */
  static async create(
    from?: Container,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Container> {
    const dir = await mkdtemp(join(tmpdir(), 'holdfast-redis-container-'));
    if (from !== undefined) await cp(from.dir, dir, { recursive: true });
    return new Container(dir, await freePort(), env);
  }

  get data(): string {
    return join(this.dir, 'data');
  }

  /** Where Redis keeps the files of the AOF. */
  get aof(): string {
    return join(this.data, 'appendonlydir');
  }

  get aclFile(): string {
    return join(this.dir, 'credentials', 'users.acl');
  }

  passwordFile(user: string): string {
    return join(this.dir, 'credentials', user, 'password');
  }

  password(user: string): string {
    return readFileSync(this.passwordFile(user), 'utf8').trim();
  }

  /** Starts it and resolves when it answers and has told what it repaired. */
  async start(): Promise<void> {
    const startedMs = Date.now();
    this.process.start();
    try {
      await until('the container is up', async () => this.#isUp(startedMs), READY_MS);
    } catch (error) {
      throw new Error(this.process.lines.slice(-20).join('\n'), { cause: error });
    }
  }

  async #isUp(startedMs: number): Promise<boolean> {
    if (!existsSync(this.passwordFile('redis'))) return false;
    const admin = await this.#tryConnect('redis');
    const started = Number(await admin?.hget('redis:status', 'started'));
    admin?.disconnect();
    return started >= startedMs && !existsSync(join(this.data, 'repairs.pending'));
  }

  async stop(): Promise<number | null> {
    for (const client of this.#clients.splice(0)) client.disconnect();
    return this.process.stop();
  }

  settings(user: string): RedisSettings {
    const passwordFile = this.passwordFile(user);
    return { host: '127.0.0.1', port: this.port, db: this.db, username: user, passwordFile };
  }

  /** A ready connection with the user's credentials; closed with the container. */
  async connect(user: string): Promise<Redis> {
    const client = openRedis(this.settings(user), `test-${user}`, () => {});
    this.#clients.push(client);
    if (!(await untilReady(client, AbortSignal.timeout(READY_MS)))) {
      throw new Error(`${user} cannot connect`);
    }
    return client;
  }

  /** One attempt; undefined when nobody answers. */
  async #tryConnect(user: string): Promise<Redis | undefined> {
    const client = openRedis(this.settings(user), 'test', () => {});
    return new Promise((resolve) => {
      client.once('ready', () => resolve(client));
      client.once('close', () => {
        client.disconnect();
        resolve(undefined);
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.splice(0)) client.disconnect();
    if (this.process.running) await this.process.kill();
    await rm(this.dir, { recursive: true, force: true });
  }
}
