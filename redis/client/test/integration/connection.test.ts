/** The connection on a real Redis: late, killed, frozen, and with a password that comes later. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { errorMessage } from '@holdfast/kit';
import { COMMAND_TIMEOUT_MS, isReply, openRedis, untilReady } from '@holdfast/redis';
import type { Redis, RedisSettings } from '@holdfast/redis';
import { freePort, startRedis, until } from '@holdfast/lab/servers';

interface Opened extends AsyncDisposable {
  readonly redis: Redis;
  readonly errors: Error[];
  /** Waits for the connection; fails the test when it does not come. */
  ready(): Promise<void>;
}

function open(port: number, more: Partial<RedisSettings> = {}): Opened {
  const errors: Error[] = [];
  const settings = { host: '127.0.0.1', port, db: 0, ...more };
  const redis = openRedis(settings, 'test', (error) => errors.push(error));
  return {
    redis,
    errors,
    async ready() {
      const came = await untilReady(redis, AbortSignal.timeout(10_000));
      assert.ok(came, errors.map(errorMessage).join('; '));
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect();
    },
  };
}

/** Failed because of the connection, and not because time ran out. */
function isCutOff(error: unknown): boolean {
  return !isReply(error, 'ERR') && !/timed out/i.test(errorMessage(error));
}

describe('coming and going', { concurrency: 4 }, () => {
  test('a connection opened before the server is there comes up with it', async () => {
    const port = await freePort();
    await using one = open(port);
    await until('an attempt has failed', () => one.errors.length > 0);
    await using server = await startRedis({ port });
    await one.ready();
    assert.equal(await one.redis.ping(), 'PONG');
    assert.equal(server.port, port);
  });

  test('it comes back after each restart, under its name and on its database', async () => {
    await using server = await startRedis();
    await using one = open(server.port, { db: 3 });
    for (let round = 0; round < 2; round += 1) {
      await one.ready();
      assert.match(await one.redis.client('INFO'), / name=test .* db=3 /);
      await server.process.kill();
      await server.restart();
    }
    await one.ready();
  });

  test('a command given while it is down fails at once', async () => {
    await using server = await startRedis();
    await using one = open(server.port);
    await one.ready();
    await server.process.kill();
    await until('the connection is gone', () => one.redis.status !== 'ready');
    await assert.rejects(one.redis.get('key'), isCutOff);
  });

  test('a command cut off by a failure is rejected then, and not repeated afterwards', async () => {
    await using server = await startRedis();
    await using one = open(server.port);
    await one.ready();
    server.process.freeze();
    const results = Promise.allSettled([one.redis.incr('count'), one.redis.incr('count')]);
    await server.process.kill();
    for (const result of await results) {
      assert.equal(result.status, 'rejected');
      assert.ok(isCutOff(result.reason), errorMessage(result.reason));
    }
    await server.restart();
    await one.ready();
    assert.equal(await one.redis.get('count'), null);
  });

  test('so is a blocking read', async () => {
    await using server = await startRedis();
    await using one = open(server.port);
    await one.ready();
    const read = one.redis.xread('BLOCK', 8_000, 'STREAMS', 'stream', '$');
    const rejected = assert.rejects(read, isCutOff);
    await until('it blocks', async () =>
      (await server.client.info('clients')).includes('blocked_clients:1'),
    );
    await server.process.kill();
    await rejected;
  });

  test('a Redis that answers nothing is given up and looked for again', async () => {
    await using server = await startRedis();
    await using one = open(server.port);
    await one.ready();
    assert.equal(one.redis.options.socketTimeout, COMMAND_TIMEOUT_MS);
    assert.equal(one.redis.options.commandTimeout, COMMAND_TIMEOUT_MS);
    one.redis.options.socketTimeout = 200;
    server.process.freeze();
    await assert.rejects(one.redis.get('key'), isCutOff);
    assert.notEqual(one.redis.status, 'ready');
    server.process.thaw();
    await one.ready();
  });

  test('closing it ends at once what a Redis that stands still was asked', async () => {
    await using server = await startRedis();
    await using one = open(server.port);
    await one.ready();
    server.process.freeze();
    const answer = assert.rejects(one.redis.get('key'), isCutOff);
    const before = performance.now();
    one.redis.disconnect();
    await answer;
    const took = performance.now() - before;
    server.process.thaw();
    assert.ok(took < 1_000, `took ${took.toFixed()} ms`);
  });

  test('waiting for it ends when told to, without a listener left', async () => {
    await using one = open(await freePort());
    const stop = new AbortController();
    const waiting = untilReady(one.redis, stop.signal);
    stop.abort();
    assert.equal(await waiting, false);
    assert.equal(one.redis.listenerCount('ready'), 0);
    assert.equal(await untilReady(one.redis, stop.signal), false);
  });
});

async function passwordFile(): Promise<AsyncDisposable & { path: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-password-'));
  return {
    path: join(dir, 'password'),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
}

describe('passwords', { concurrency: 4 }, () => {
  test('a file that appears late is read then', async () => {
    await using server = await startRedis({ args: ['--requirepass', 'hunter2'] });
    await using file = await passwordFile();
    await using one = open(server.port, { passwordFile: file.path });
    await until('it was refused', () => one.errors.some((error) => isReply(error, 'NOAUTH')));
    await writeFile(file.path, 'hunter2\n');
    await one.ready();
    assert.equal(await one.redis.set('key', 'value'), 'OK');
  });

  test('a wrong one is reported without being shown, and tried anew when corrected', async () => {
    await using server = await startRedis({ args: ['--requirepass', 'hunter2'] });
    await using file = await passwordFile();
    await writeFile(file.path, 'wr0ng');
    await using one = open(server.port, { passwordFile: file.path });
    await until('it was refused', () => one.errors.some((error) => isReply(error, 'WRONGPASS')));
    assert.ok(!one.errors.some((error) => error.message.includes('wr0ng')));
    await writeFile(file.path, 'hunter2');
    await one.ready();
  });

  test('a user with the password from the environment logs in', async () => {
    await using server = await startRedis();
    await server.client.acl('SETUSER', 'sensor', 'on', '>hunter2', '~*', '+@all');
    const login = { username: 'sensor', password: 'hunter2', passwordFile: '/no/such/file' };
    await using one = open(server.port, login);
    await one.ready();
    assert.equal(await one.redis.acl('WHOAMI'), 'sensor');
  });
});
