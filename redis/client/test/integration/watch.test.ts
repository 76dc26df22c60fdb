/** Noticing changes of keys on a real Redis, with and without its notifications. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openRedis, untilReady, watchKeys } from '@holdfast/redis';
import { ManagedProcess, startRedis, until } from '@holdfast/lab/servers';
import type { RedisServer } from '@holdfast/lab/servers';

const KEYS = ['measurement:enabled', 'measurement:interval'];
/** Well below the recheck of 5 s: what is noticed by then was told, not found. */
const TOLD_MS = 2_500;

interface Watching extends AsyncDisposable {
  /** Every call, oldest first. */
  readonly seen: (readonly (string | null)[])[];
  /** Waits until Redis counts the subscription. */
  subscribed(): Promise<void>;
  noticed(what: string, values: readonly (string | null)[], withinMs?: number): Promise<void>;
}

function watching(server: RedisServer, db = 0): Watching {
  const settings = { host: '127.0.0.1', port: server.port, db };
  const redis = openRedis(settings, 'test', () => {});
  const subscriber = openRedis(settings, 'test-subscriber', () => {});
  const stop = new AbortController();
  const seen: (readonly (string | null)[])[] = [];
  const onValues = (values: readonly (string | null)[]) => seen.push(values);
  watchKeys({ redis, subscriber, db, keys: KEYS, onValues, signal: stop.signal });
  return {
    seen,
    async subscribed() {
      const channel = `__keyspace@${db}__:${KEYS[0]}`;
      await until('subscribed', async () => {
        const [, count] = await server.client.pubsub('NUMSUB', channel);
        return count === 1;
      });
    },
    async noticed(what, values, withinMs = TOLD_MS) {
      const text = JSON.stringify(values);
      await until(what, () => JSON.stringify(seen.at(-1)) === text, withinMs);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      redis.disconnect();
      subscriber.disconnect();
    },
  };
}

function neverTold(): void {
  assert.fail('told after the end');
}

describe('watching keys', { concurrency: 4 }, () => {
  test('gives the values first, then each change by another client, and nothing else', async () => {
    await using server = await startRedis();
    await server.client.set('measurement:enabled', '1');
    await using watch = watching(server);
    await watch.subscribed();
    await watch.noticed('the first values', ['1', null], 10_000);
    await server.client.set('measurement:enabled', '0');
    await watch.noticed('a SET', ['0', null]);
    await server.client.set('measurement:enabled', '0');
    await server.client.set('measurement:other', '0');
    await server.client.set('measurement:interval', '5');
    await watch.noticed('a SET of the other key', ['0', '5']);
    await server.client.del('measurement:enabled');
    await watch.noticed('a DEL', [null, '5']);
    assert.equal(watch.seen.length, 4);
  });

  test('of another database notices that database only', async () => {
    await using server = await startRedis();
    await using watch = watching(server, 2);
    await watch.subscribed();
    await watch.noticed('the first values', [null, null], 10_000);
    await server.client.set('measurement:interval', '1');
    await server.client.select(2);
    await server.client.set('measurement:interval', '2');
    await watch.noticed('a SET', [null, '2']);
    assert.equal(watch.seen.length, 2);
  });

  test('goes on after a restart of Redis, and notices what that changed', async () => {
    await using server = await startRedis({ args: ['--appendonly', 'no'] });
    await using watch = watching(server);
    await watch.subscribed();
    await server.client.set('measurement:enabled', '0');
    await watch.noticed('a SET', ['0', null]);
    await server.process.kill();
    await server.restart();
    // After the wait for the next attempt to connect, of up to 1 s.
    await watch.noticed('the loss of the value', [null, null], 4_500);
    await watch.subscribed();
    await server.client.set('measurement:interval', '7');
    await watch.noticed('a SET after the restart', [null, '7']);
  });

  test('notices changes a little later when the notifications are switched off', async () => {
    await using server = await startRedis({ args: ['--notify-keyspace-events', ''] });
    await using watch = watching(server);
    await watch.subscribed();
    await watch.noticed('the first values', [null, null], 10_000);
    await server.client.set('measurement:enabled', '0');
    await watch.noticed('a SET', ['0', null], 10_000);
  });

  test('ends with its signal: no listener stays, nothing more is told', async () => {
    await using server = await startRedis();
    const redis = openRedis({ host: '127.0.0.1', port: server.port, db: 0 }, 'test', () => {});
    await untilReady(redis, AbortSignal.timeout(10_000));
    const signal = AbortSignal.abort();
    watchKeys({ redis, subscriber: redis, db: 0, keys: KEYS, onValues: neverTold, signal });
    assert.deepEqual([redis.listenerCount('ready'), redis.listenerCount('message')], [0, 0]);
    redis.disconnect();
  });

  test('does not hide a bug of the one it tells', async () => {
    await using server = await startRedis();
    await using program = new ManagedProcess({
      name: 'program',
      command: process.execPath,
      args: ['--import', 'tsx', '--input-type=module', '--eval', FAULTY],
      cwd: fileURLToPath(new URL('../../../../', import.meta.url)),
      env: { REDIS_PORT: String(server.port) },
    });
    program.start();
    assert.equal(await program.exited(), 1);
    assert.match(program.lines.join('\n'), /a bug in onValues/);
  });
});

const FAULTY = `
  import { openRedis, watchKeys } from '@holdfast/redis';
  const settings = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT), db: 0 };
  const [redis, subscriber] = [1, 2].map(() => openRedis(settings, 'test', () => {}));
  const onValues = () => { throw new Error('a bug in onValues'); };
  setTimeout(() => process.exit(0), 5_000);
  const { signal } = new AbortController();
  watchKeys({ redis, subscriber, db: 0, keys: ['key'], onValues, signal });
`;
