/** What a killed Redis has answered for and not written: put back under its old number. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { KEYS, fieldOf, untilReady } from '@holdfast/redis';
import type { Appended } from '@holdfast/redis';
import { startRedis } from '@holdfast/lab/servers';
import type { RedisServer } from '@holdfast/lab/servers';
import { PLAIN, SAFE, connect, entries, powerCut, reading } from './appending.ts';

/** Every entry as `epoch:seq`, a gap as `epoch:from-to`. */
async function identities(server: RedisServer): Promise<string[]> {
  return (await entries(server)).map(([, fields]) => {
    const { from_seq: from, to_seq: to } = JSON.parse(fieldOf(fields, '_gap') ?? '{}') as {
      from_seq?: number;
      to_seq?: number;
    };
    const what = from === undefined ? fieldOf(fields, '_seq') : `${from}-${to}`;
    return `${fieldOf(fields, '_epoch')}:${what}`;
  });
}

/** Takes the newest entries away, as a lost end of the file does. */
async function loseNewest(server: RedisServer, count: number): Promise<void> {
  const newest = await server.client.xrevrange(KEYS.values.key, '+', '-', 'COUNT', count);
  await server.client.xdel(KEYS.values.key, ...newest.map(([id]) => id));
}

async function appendSome(
  appender: { append(fields: string[], options: typeof PLAIN): Promise<Appended> },
  count: number,
): Promise<Appended[]> {
  const appended: Appended[] = [];
  for (let n = 0; n < count; n += 1) appended.push(await appender.append(reading(), PLAIN));
  return appended;
}

describe('readings that a killed Redis has lost', () => {
  test('come back in order, under their old numbers and with their values', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    await appendSome(one.appender, 5);
    const before = await identities(server);
    const [, , third] = await entries(server);
    await loseNewest(server, 3);
    await powerCut(server, one);
    await one.appender.prepare();
    assert.deepEqual(await identities(server), before);
    assert.deepEqual((await entries(server))[2]?.[1], third?.[1]);
  });

  test('come back when Redis hung for long before it was killed', async () => {
    await using server = await startRedis(SAFE);
    let nowMs = 0;
    await using one = await connect(server, { monotonicMs: () => nowMs });
    await appendSome(one.appender, 5);
    const before = await identities(server);
    await loseNewest(server, 3);
    nowMs += 11_000;
    await powerCut(server, one);
    await one.appender.prepare();
    assert.deepEqual(await identities(server), before);
  });

  test('come back when Redis dies again, long after, before they could', async () => {
    await using server = await startRedis(SAFE);
    let nowMs = 0;
    await using one = await connect(server, { monotonicMs: () => nowMs });
    await appendSome(one.appender, 5);
    const before = await identities(server);
    await loseNewest(server, 3);
    await powerCut(server, one);
    server.process.freeze();
    const failing = assert.rejects(one.appender.prepare());
    nowMs += 11_000;
    await powerCut(server, one);
    await failing;
    await one.appender.prepare();
    assert.deepEqual(await identities(server), before);
  });

  test('come back again when the Redis they were put back into dies as well, long after', async () => {
    await using server = await startRedis(SAFE);
    let nowMs = 0;
    await using one = await connect(server, { monotonicMs: () => nowMs });
    await appendSome(one.appender, 5);
    const before = await identities(server);
    await loseNewest(server, 3);
    nowMs += 20_000;
    await powerCut(server, one);
    const { epoch } = await one.appender.append(reading(), PLAIN);
    await loseNewest(server, 4);
    await powerCut(server, one);
    await one.appender.prepare();
    assert.deepEqual(await identities(server), [...before, `${epoch}:1`]);
  });

  test('are not looked for behind a Redis that had minutes to write', async () => {
    await using server = await startRedis(SAFE);
    let nowMs = 0;
    await using one = await connect(server, { monotonicMs: () => nowMs });
    await appendSome(one.appender, 3);
    // Acknowledged, and trimmed since.
    await server.client.xtrim(KEYS.values.key, 'MAXLEN', 0);
    nowMs += 61_000;
    await powerCut(server, one);
    await one.appender.prepare();
    assert.deepEqual(await identities(server), []);
  });

  test('come back before the first reading of the new epoch, which names the last of them', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    await appendSome(one.appender, 3);
    await loseNewest(server, 2);
    await powerCut(server, one);
    const first = await one.appender.append(reading(), PLAIN);
    assert.equal(first.seq, 1);
    const fields = (await entries(server))[3]?.[1] ?? [];
    assert.equal(fieldOf(fields, '_previous_seq'), '3');
  });

  test('come back once when the connection breaks twice', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    await appendSome(one.appender, 4);
    const before = await identities(server);
    await loseNewest(server, 2);
    await powerCut(server, one);
    await one.appender.prepare();
    await powerCut(server, one);
    await one.appender.prepare();
    assert.deepEqual(await identities(server), before);
  });

  test('come back with the gap that was recorded with them', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    await appendSome(one.appender, 1);
    await one.appender.append(reading(), { retry: false, skipped: 4 });
    const before = await identities(server);
    await loseNewest(server, 2);
    await powerCut(server, one);
    await one.appender.prepare();
    assert.deepEqual(await identities(server), before);
  });

  test('come back when everything is lost, over two lives of Redis', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    await appendSome(one.appender, 2);
    await powerCut(server, one);
    await appendSome(one.appender, 2);
    const before = await entries(server);
    await loseNewest(server, 4);
    await powerCut(server, one);
    await one.appender.prepare();
    const fields = (list: typeof before) => list.map(([, one]) => one);
    assert.deepEqual(fields(await entries(server)), fields(before));
  });

  test('are not looked for when only the connection broke', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    await appendSome(one.appender, 3);
    await loseNewest(server, 2);
    const closed = once(one.redis, 'close');
    one.redis.disconnect(true);
    await closed;
    await untilReady(one.redis, AbortSignal.timeout(10_000));
    await appendSome(one.appender, 1);
    assert.equal((await entries(server)).length, 2);
  });
});
