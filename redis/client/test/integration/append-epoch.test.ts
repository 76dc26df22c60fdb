/** Where a new epoch begins: a Redis that is killed, wiped and trimmed, with foreign entries in it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Appender, KEYS, fieldOf } from '@holdfast/redis';
import { startRedis, until } from '@holdfast/lab/servers';
import { PLAIN, SAFE, connect, entries, powerCut, reading } from './appending.ts';

describe('a new epoch', () => {
  test('begins after a restart, and its first entry names the last survivor', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    await one.appender.append(reading(), PLAIN);
    const last = await one.appender.append(reading(), PLAIN);
    await powerCut(server, one);
    const first = await one.appender.append(reading(), PLAIN);
    const second = await one.appender.append(reading(), PLAIN);
    assert.notEqual(first.epoch, last.epoch);
    assert.deepEqual([first.seq, second.seq, second.epoch], [1, 2, first.epoch]);
    const [, , afterCut, next] = await entries(server);
    assert.equal(fieldOf(afterCut?.[1] ?? [], '_previous_epoch'), last.epoch);
    assert.equal(fieldOf(afterCut?.[1] ?? [], '_previous_seq'), '2');
    assert.equal(fieldOf(next?.[1] ?? [], '_previous_epoch'), undefined);
  });

  test('begins after a restart even if the counter was saved by a rewrite of the file', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    const last = await one.appender.append(reading(), PLAIN);
    await server.client.bgrewriteaof();
    await until('the file is rewritten', async () =>
      /aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0/.test(
        await server.client.info('persistence'),
      ),
    );
    await powerCut(server, one);
    assert.equal(await server.client.hget(KEYS.sequence.key, 'epoch'), last.epoch);
    assert.notEqual((await one.appender.append(reading(), PLAIN)).epoch, last.epoch);
  });

  test('names a gap record by its last number when that is the last survivor', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    const last = await one.appender.append(reading(), { retry: false, skipped: 4 });
    await server.client.xdel(KEYS.values.key, last.id);
    await powerCut(server, one);
    // A sensor that went with the power: it remembers nothing it could put back.
    const appender = new Appender(one.redis);
    const first = await appender.append(reading(), { retry: false, skipped: 3 });
    assert.equal(first.seq, 4);
    const fields = (await entries(server)).at(-1)?.[1] ?? [];
    assert.equal(fieldOf(fields, '_previous_epoch'), last.epoch);
    assert.equal(fieldOf(fields, '_previous_seq'), '4');
  });

  test('finds the last survivor behind many entries of other programs', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    const last = await one.appender.append(reading(), PLAIN);
    const pipeline = server.client.pipeline();
    for (let n = 0; n < 2_500; n += 1) pipeline.xadd(KEYS.values.key, '*', 'n', n);
    await pipeline.exec();
    await powerCut(server, one);
    await one.appender.append(reading(), PLAIN);
    const fields = (await entries(server)).at(-1)?.[1] ?? [];
    assert.equal(fieldOf(fields, '_previous_epoch'), last.epoch);
    assert.equal(fieldOf(fields, '_previous_seq'), '1');
  });

  test('is not kept from beginning by entries that only look like ours', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    const last = await one.appender.append(reading(), PLAIN);
    for (const strange of ['not json', '{}', '7', 'null', '{"to_seq":"x"}', '{"to_seq":1e300}']) {
      await server.client.xadd(KEYS.values.key, '*', '_epoch', 'x', '_gap', strange);
    }
    await server.client.xadd(KEYS.values.key, '*', '_epoch', 'x', '_seq', 'many');
    await server.client.xadd(KEYS.values.key, '*', '_epoch', 'x');
    await powerCut(server, one);
    assert.equal((await one.appender.append(reading(), PLAIN)).seq, 1);
    const fields = (await entries(server)).at(-1)?.[1] ?? [];
    assert.equal(fieldOf(fields, '_previous_epoch'), last.epoch);
  });

  test('begins within the same run when all data was wiped, and names nothing', async () => {
    await using server = await startRedis();
    await using one = await connect(server);
    const before = await one.appender.append(reading(), PLAIN);
    await server.client.flushall();
    const after = await one.appender.append(reading(), PLAIN);
    assert.equal(after.seq, 1);
    assert.notEqual(after.epoch, before.epoch);
    const [entry] = await entries(server);
    assert.equal(fieldOf(entry?.[1] ?? [], '_previous_epoch'), undefined);
  });

  test('does not begin when only the stream was trimmed: what is missing shows', async () => {
    await using server = await startRedis();
    await using one = await connect(server);
    const before = await one.appender.append(reading(), PLAIN);
    await server.client.del(KEYS.values.key);
    const after = await one.appender.append(reading(), PLAIN);
    assert.deepEqual([after.epoch, after.seq], [before.epoch, 2]);
  });
});
