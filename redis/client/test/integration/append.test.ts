/** The one atomic step that stores a reading, on a real Redis that is killed and filled. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KEYS, fieldOf, identityOf, isReply } from '@holdfast/redis';
import type { Gap, StreamEntry } from '@holdfast/redis';
import { startRedis } from '@holdfast/lab/servers';
import { PLAIN, RETRY, SAFE, connect, entries, numbers, powerCut, reading } from './appending.ts';

function gapOf([, fields]: StreamEntry): Gap {
  return JSON.parse(fieldOf(fields, '_gap') ?? 'null') as Gap;
}

describe('numbering', () => {
  test('readings get 1, 2, 3 in one epoch, before the fields they came with', async () => {
    await using server = await startRedis();
    await using one = await connect(server);
    const given = reading();
    const first = await one.appender.append(given, PLAIN);
    const second = await one.appender.append(reading(), PLAIN);
    const third = await one.appender.append(reading(), PLAIN);
    assert.deepEqual([first.seq, second.seq, third.seq], [1, 2, 3]);
    assert.match(first.epoch, /^[0-9a-f]{12}$/);
    assert.deepEqual([second.epoch, third.epoch], [first.epoch, first.epoch]);
    const stored = await entries(server);
    assert.deepEqual(
      stored.map(([id]) => id),
      [first.id, second.id, third.id],
    );
    assert.deepEqual(stored[0]?.[1], ['_epoch', first.epoch, '_seq', '1', ...given]);
  });

  test('two connections that append at once leave no hole and no double', async () => {
    await using server = await startRedis();
    await using one = await connect(server);
    await using two = await connect(server);
    const many = 500;
    const all = await Promise.all(
      [one, two].flatMap(({ appender }, n) =>
        Array.from({ length: many }, () => appender.append(reading(`s${n}`), PLAIN)),
      ),
    );
    const expected = Array.from({ length: 2 * many }, (_, i) => i + 1);
    assert.deepEqual(
      all.map(({ seq }) => seq).sort((a, b) => a - b),
      expected,
    );
    assert.deepEqual(await numbers(server), expected);
    assert.equal(new Set(all.map(({ epoch }) => epoch)).size, 1);
  });

  test('entries of other programs in between take no number', async () => {
    await using server = await startRedis();
    await using one = await connect(server);
    await one.appender.append(reading(), PLAIN);
    await server.client.xadd(KEYS.values.key, '*', 'temperature', '20');
    await one.appender.append(reading(), PLAIN);
    assert.deepEqual(await numbers(server), [1, undefined, 2]);
  });
});

describe('a repeated append', () => {
  test('returns the same entry and stores nothing when it had been carried out', async () => {
    await using server = await startRedis();
    await using one = await connect(server);
    const fields = reading();
    const first = await one.appender.append(fields, { retry: false, skipped: 2 });
    await one.appender.append(reading(), PLAIN);
    await server.client.xadd(KEYS.values.key, '*', 'other', 'program');
    const before = await entries(server);
    assert.deepEqual(await one.appender.append(fields, { retry: true, skipped: 2 }), first);
    assert.deepEqual(await entries(server), before);
  });

  test('finds its reading behind many of other sensors, and stores one that is new', async () => {
    await using server = await startRedis();
    await using one = await connect(server);
    await one.appender.append(reading(), PLAIN);
    const fields = reading();
    const first = await one.appender.append(fields, PLAIN);
    const unsent = reading();
    for (let i = 0; i < 130; i += 1) await one.appender.append(reading('bme280-1-76'), PLAIN);
    assert.deepEqual(await one.appender.append(fields, RETRY), first);
    const stored = await one.appender.append(unsent, RETRY);
    assert.equal(stored.seq, 133);
    assert.deepEqual(await one.appender.append(unsent, RETRY), stored);
  });

  test('returns the entry of the old epoch when a restart lies in between', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    const fields = reading();
    const first = await one.appender.append(fields, PLAIN);
    await powerCut(server, one);
    assert.deepEqual(await one.appender.append(fields, RETRY), first);
    assert.equal((await entries(server)).length, 1);
  });

  test('stores the reading when it had not been carried out', async () => {
    await using server = await startRedis();
    await using one = await connect(server);
    const first = reading('a');
    const sameTime = first.map((text) => (text === 'a' ? 'b' : text));
    await one.appender.append(first, PLAIN);
    await one.appender.append(sameTime, PLAIN);
    // Same sensor, another time; same time, another sensor: neither is one of those.
    assert.equal((await one.appender.append(reading('a'), RETRY)).seq, 3);
    const thirdSensor = first.map((text) => (text === 'a' ? 'c' : text));
    assert.equal((await one.appender.append(thirdSensor, RETRY)).seq, 4);
    assert.deepEqual(await numbers(server), [1, 2, 3, 4]);
  });
});

describe('skipped readings', () => {
  test('become a gap record with the exact numbers, and the reading gets the next one', async () => {
    await using server = await startRedis();
    await using one = await connect(server);
    const first = await one.appender.append(reading(), PLAIN);
    const after = await one.appender.append(reading(), { retry: false, skipped: 5 });
    assert.deepEqual([after.seq, after.epoch], [7, first.epoch]);
    const [, gap, entry] = await entries(server);
    assert.ok(gap !== undefined && entry !== undefined);
    assert.deepEqual(gapOf(gap), {
      from_seq: 2,
      to_seq: 6,
      count: 5,
      reason: 'sensor_memory_full',
    });
    assert.equal(fieldOf(gap[1], '_epoch'), first.epoch);
    assert.equal(identityOf(gap[1]), undefined);
    assert.equal(entry[0], after.id);
  });

  test('at the beginning of an epoch count from 1', async () => {
    await using server = await startRedis();
    await using one = await connect(server);
    const after = await one.appender.append(reading(), { retry: false, skipped: 1_000_000 });
    assert.equal(after.seq, 1_000_001);
    const [gap] = await entries(server);
    assert.ok(gap !== undefined);
    assert.deepEqual(gapOf(gap), {
      from_seq: 1,
      to_seq: 1_000_000,
      count: 1_000_000,
      reason: 'sensor_memory_full',
    });
  });
});

describe('the append-only file', () => {
  test('grows by the entry alone: the counter costs nothing', async () => {
    await using server = await startRedis(SAFE);
    await using one = await connect(server);
    const size = async () =>
      Number(/aof_current_size:(\d+)/.exec(await server.client.info('persistence'))?.[1]);
    // The same number of digits from here on.
    await one.appender.append(reading(), { retry: false, skipped: 1_000 });
    const startBytes = await size();
    for (let n = 0; n < 100; n += 1) await one.appender.append(reading(), PLAIN);
    const appendedBytes = (await size()) - startBytes;
    const stored = (await entries(server)).slice(-100);
    for (const [, fields] of stored)
      await server.client.xadd('measurement:copying', '*', ...fields);
    const plainBytes = (await size()) - startBytes - appendedBytes;
    // A plain XADD of the same fields writes the same bytes, but for the length of the key.
    assert.equal(
      appendedBytes,
      plainBytes - 100 * ('measurement:copying'.length - KEYS.values.key.length),
    );
  });
});

describe('what Redis refuses', () => {
  test('a full memory is an OOM reply, stores nothing and uses up no number', async () => {
    await using server = await startRedis();
    await using one = await connect(server);
    await one.appender.append(reading(), PLAIN);
    await server.client.config('SET', 'maxmemory', '1');
    for (const options of [PLAIN, RETRY, { retry: false, skipped: 3 }]) {
      await assert.rejects(one.appender.append(reading(), options), (error) =>
        isReply(error, 'OOM'),
      );
    }
    await server.client.config('SET', 'maxmemory', '0');
    assert.equal((await one.appender.append(reading(), PLAIN)).seq, 2);
    assert.deepEqual(await numbers(server), [1, 2]);
  });

  for (const key of [KEYS.values.key, KEYS.sequence.key]) {
    test(`${key} overwritten by somebody is a WRONGTYPE reply and stores nothing`, async () => {
      await using server = await startRedis();
      await using one = await connect(server);
      await server.client.set(key, 'oops');
      const failing = one.appender.append(reading(), { retry: false, skipped: 1 });
      await assert.rejects(failing, (error) => isReply(error, 'WRONGTYPE'));
      await server.client.del(key);
      assert.equal((await one.appender.append(reading(), PLAIN)).seq, 1);
      assert.deepEqual(await numbers(server), [1]);
    });
  }
});
