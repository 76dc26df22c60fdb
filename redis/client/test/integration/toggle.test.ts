import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toggleMeasuring } from '@holdfast/redis';
import { startRedis } from '@holdfast/lab/servers';

const STATUS = 'startstopbutton:status';

function request(id: string, source = 'button') {
  return { service: 'startstopbutton', source, id, statusKey: STATUS };
}

function eventFields(entries: [string, string[]][]): Record<string, string | undefined>[] {
  return entries.map(([, fields]) => {
    const pairs = fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1]]] : []));
    return Object.fromEntries(pairs);
  });
}

test('toggling pauses what measures and resumes what is paused, whatever the key holds', async () => {
  await using server = await startRedis();
  const redis = server.client;
  const cases: [string | undefined, boolean][] = [
    [undefined, false],
    ['0', true],
    ['1', false],
    ['', false],
    ['nonsense', false],
    [' 0\n', true],
    ['00', false],
  ];
  for (const [i, [before, measuring]] of cases.entries()) {
    await redis.del('measurement:enabled');
    if (before !== undefined) await redis.set('measurement:enabled', before);
    const toggled = await toggleMeasuring(redis, request(`case-${i}`));
    assert.deepEqual(toggled, { outcome: 'toggled', measuring }, JSON.stringify(before));
    assert.equal(await redis.get('measurement:enabled'), measuring ? '1' : '0');
  }
  await redis.del('measurement:enabled');
  await redis.rpush('measurement:enabled', 'a list, by mistake');
  assert.equal((await toggleMeasuring(redis, request('list'))).measuring, false);
  assert.equal(await redis.get('measurement:enabled'), '0');
});

test('each toggle writes one event with its source', async () => {
  await using server = await startRedis();
  await toggleMeasuring(server.client, request('a', 'button'));
  await toggleMeasuring(server.client, request('b', 'command'));
  assert.deepEqual(eventFields(await server.client.xrange('events', '-', '+')), [
    { service: 'startstopbutton', event: 'measuring_stopped', source: 'button' },
    { service: 'startstopbutton', event: 'measuring_started', source: 'command' },
  ]);
});

test('a request repeated under the same id toggles once, also after a restart of Redis', async () => {
  await using server = await startRedis({ args: ['--appendfsync', 'always'] });
  const redis = server.client;
  assert.equal((await toggleMeasuring(redis, request('x'))).outcome, 'toggled');
  assert.deepEqual(await toggleMeasuring(redis, request('x')), {
    outcome: 'repeated',
    measuring: false,
  });
  await server.restart();
  assert.equal((await toggleMeasuring(redis, request('x'))).outcome, 'repeated');
  assert.equal(await redis.xlen('events'), 1);
  for (let i = 0; i < 100; i += 1) await toggleMeasuring(redis, request(`y${i}`));
  assert.equal((await redis.hget(STATUS, 'last_toggles'))?.split(' ').length, 32);
});

test('a hundred toggles at once from two places all count', async () => {
  await using server = await startRedis();
  const other = server.client.duplicate();
  await Promise.all(
    Array.from({ length: 101 }, (_, i) =>
      toggleMeasuring(i % 2 === 0 ? server.client : other, request(`press-${i}`)),
    ),
  );
  other.disconnect();
  assert.equal(await server.client.get('measurement:enabled'), '0');
  const events = eventFields(await server.client.xrange('events', '-', '+'));
  assert.equal(events.length, 101);
  for (const [i, { event }] of events.entries()) {
    assert.equal(event, i % 2 === 0 ? 'measuring_stopped' : 'measuring_started');
  }
});

test('a request that is too old is recorded instead, once', async () => {
  await using server = await startRedis();
  const old = {
    ...request('old'),
    expiry: { ageMs: 5_001.4, maxAgeMs: 5_000, event: 'press_discarded' },
  };
  assert.deepEqual(await toggleMeasuring(server.client, old), {
    outcome: 'expired',
    measuring: true,
  });
  assert.equal((await toggleMeasuring(server.client, old)).outcome, 'repeated');
  assert.deepEqual(eventFields(await server.client.xrange('events', '-', '+')), [
    { service: 'startstopbutton', event: 'press_discarded', source: 'button', age_ms: '5001' },
  ]);
  assert.equal(await server.client.get('measurement:enabled'), null);
});

test('when events cannot be written nothing is toggled', async () => {
  await using server = await startRedis();
  await server.client.set('events', 'not a stream');
  await assert.rejects(toggleMeasuring(server.client, request('a')), { name: 'ReplyError' });
  assert.equal(await server.client.get('measurement:enabled'), null);
  await server.client.del('events');
  assert.equal((await toggleMeasuring(server.client, request('a'))).outcome, 'toggled');
});
