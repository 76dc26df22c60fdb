import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KEYS, Script, fieldOf, isReply, writeEvent } from '@holdfast/redis';
import { startRedis } from '@holdfast/lab/servers';

describe('the stream of events', () => {
  test('holds service, event and the members of the event as strings', async () => {
    await using server = await startRedis();
    await writeEvent(server.client, { service: 'sensor', event: 'started' });
    const fields = { sensor: 'host', count: 3 };
    await writeEvent(server.client, { service: 'sensor', event: 'sensor_lost', fields });
    const entries = await server.client.xrange(KEYS.events.key, '-', '+');
    assert.deepEqual(
      entries.map(([, members]) => members.join(' ')),
      ['service sensor event started', 'service sensor event sensor_lost sensor host count 3'],
    );
  });

  test('keeps about the newest thousand', async () => {
    await using server = await startRedis();
    const writes = Array.from({ length: 1_500 }, (_, n) =>
      writeEvent(server.client, { service: 'sensor', event: 'it', fields: { n } }),
    );
    await Promise.all(writes);
    const entries = await server.client.xrange(KEYS.events.key, '-', '+');
    assert.ok(entries.length >= 1_000 && entries.length <= 1_200, `${entries.length}`);
    assert.equal(fieldOf(entries.at(-1)?.[1] ?? [], 'n'), '1499');
  });

  test('rejects with what Redis says when somebody overwrote it', async () => {
    await using server = await startRedis();
    await server.client.set(KEYS.events.key, 'oops');
    await assert.rejects(writeEvent(server.client, { service: 'a', event: 'b' }), (error) =>
      isReply(error, 'WRONGTYPE'),
    );
  });
});

describe('a script', () => {
  test('runs on a Redis that does not know it yet, and on one that has forgotten it', async () => {
    await using server = await startRedis();
    const script = new Script('return { KEYS[1], ARGV[1] }');
    assert.deepEqual(await script.run(server.client, ['key'], [1]), ['key', '1']);
    await server.client.script('FLUSH');
    assert.deepEqual(await script.run(server.client, ['key'], ['x']), ['key', 'x']);
  });

  test('travels as its digest once Redis knows it', async () => {
    await using server = await startRedis();
    const script = new Script('return 1');
    for (let n = 0; n < 3; n += 1) await script.run(server.client, [], []);
    const stats = await server.client.info('commandstats');
    assert.match(stats, /cmdstat_eval:calls=1,/);
    assert.match(stats, /cmdstat_evalsha:calls=3,/);
  });

  test('rejects with the reply of its own error', async () => {
    await using server = await startRedis();
    const script = new Script("return redis.error_reply('MYCODE went wrong')");
    await assert.rejects(script.run(server.client, [], []), (error) => isReply(error, 'MYCODE'));
  });
});
