/** What each service's Redis user may do, and what it may not. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '@holdfast/kit';
import {
  Appender,
  KEYS,
  RecentReadings,
  openRedis,
  readingFields,
  toggleMeasuring,
  watchKeys,
  writeEvent,
} from '@holdfast/redis';
import type { KeySpec, Redis } from '@holdfast/redis';
import { until } from '@holdfast/lab/servers';
import { Container } from './container.ts';

const SERVICES = ['sensor', 'startstopbutton', 'mqtthandler', 'provisioner'];
const USERS = [...SERVICES, 'grafana', 'dashboard', 'program', 'healthcheck'];

/** The users behind the words of the key table. */
function usersOf(words: string): string[] {
  return words.split(', ').flatMap((word) => {
    if (word === 'all') return SERVICES;
    if (word === 'commands') return ['mqtthandler'];
    return word === 'other programs' ? ['program'] : [word];
  });
}

const WRITE = {
  string: (key: string) => ['set', key, '1'],
  hash: (key: string) => ['hset', key, 'a', '1'],
  stream: (key: string) => ['xadd', key, '*', 'a', '1'],
};
const READ = {
  string: (key: string) => ['mget', key],
  hash: (key: string) => ['hgetall', key],
  stream: (key: string) => ['xrange', key, '-', '+'],
};

/** Nothing of this is anybody's but the administrator's. */
const FORBIDDEN_TO_ALL = [
  ['flushall'],
  ['flushdb'],
  ['config', 'get', '*'],
  ['config', 'set', 'maxmemory', '1'],
  ['keys', '*'],
  ['scan', '0'],
  ['shutdown'],
  ['acl', 'list'],
  ['client', 'list'],
  ['client', 'kill', 'ID', '1'],
  ['monitor'],
  ['debug', 'segfault'],
  ['bgrewriteaof'],
  ['replicaof', 'a', '1'],
  ['psubscribe', '*'],
  ['script', 'flush'],
  ['function', 'flush'],
  ['del', KEYS.values.key],
  ['set', KEYS.values.key, '1'],
  ['rename', KEYS.values.key, 'a'],
  ['swapdb', '0', '1'],
  ['set', 'unknown', '1'],
  ['get', 'unknown'],
];

const CONNECT = [['ping'], ['info', 'server'], ['select', '0'], ['client', 'setname', 'a']];

const ALLOWED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  sensor: [
    ['subscribe', '__keyspace@0__:measurement:interval'],
    ['xrevrange', KEYS.values.key, '+', '-'],
    ['del', KEYS.sensorStatus.key],
    ['hget', KEYS.buttonStatus.key, 'pin'],
  ],
  startstopbutton: [
    ['subscribe', '__keyspace@0__:measurement:enabled'],
    ['del', KEYS.enabled.key],
    ['del', KEYS.buttonStatus.key],
    ['hgetall', KEYS.sensorStatus.key],
    ['hgetall', KEYS.handlerStatus.key],
    ['set', KEYS.provisioningRequest.key, '1 button'],
  ],
  mqtthandler: [
    ['xread', 'BLOCK', '1', 'STREAMS', KEYS.values.key, KEYS.mqttGaps.key, '$', '$'],
    ['xtrim', KEYS.values.key, 'MINID', '1'],
    ['xdel', KEYS.values.key, '1-1'],
    ['xlen', KEYS.values.key],
    ['xinfo', 'stream', KEYS.values.key],
    ['xrange', KEYS.values.key, '-', '+', 'COUNT', '1'],
    ['echo', 'a'],
    ['memory', 'usage', KEYS.values.key],
    ['multi'],
    ['exec'],
    ['mget', KEYS.interval.key, KEYS.mqttEnabled.key, KEYS.mqttLastId.key],
    ['del', KEYS.mqttLastId.key],
    ['set', 'hub_sender:last_id', '1-1'],
    ['hgetall', 'hub:credentials'],
    ['get', 'provisioning:state'],
    ['subscribe', '__keyspace@0__:mqtt_sender:last_id'],
    ['subscribe', '__keyspace@0__:hub:credentials'],
  ],
  provisioner: [
    ['hset', 'hub:credentials', 'token', 'x'],
    ['del', 'hub:credentials'],
    ['set', 'provisioning:state', 'x'],
    ['hset', 'provisioner:status', 'a', '1'],
    ['multi'],
    ['subscribe', '__keyspace@0__:provisioning:request'],
  ],
  grafana: [
    ['xread', 'STREAMS', KEYS.values.key, '0'],
    ['xrevrange', KEYS.events.key, '+', '-'],
    ['hgetall', 'provisioner:status'],
    ['get', 'provisioning:state'],
    ['hgetall', 'hub:assignment'],
    ['hgetall', 'hub_sender:link'],
  ],
  dashboard: [['set', KEYS.enabled.key, '0']],
  program: [['get', KEYS.enabled.key]],
};

const DENIED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  sensor: [
    ['get', KEYS.mqttLastId.key],
    ['echo', 'a'],
    ['hset', KEYS.buttonStatus.key, 'pin', '2'],
    ['xdel', KEYS.values.key, '1-1'],
    ['xtrim', KEYS.values.key, 'MAXLEN', '0'],
    ['del', KEYS.enabled.key],
    ['xrange', KEYS.events.key, '-', '+'],
    ['subscribe', '__keyspace@0__:mqtt_sender:last_id'],
    ['hgetall', 'hub:credentials'],
    ['eval', 'return 1', '1', KEYS.mqttLastId.key],
  ],
  startstopbutton: [
    ['xadd', KEYS.values.key, '*', 'a', '1'],
    ['hset', KEYS.sensorStatus.key, 'a', '1'],
    ['del', KEYS.handlerStatus.key],
    ['get', KEYS.provisioningRequest.key],
    ['set', 'provisioning:state', 'x'],
    ['hgetall', 'provisioner:status'],
    ['hgetall', 'hub:credentials'],
  ],
  mqtthandler: [
    ['hset', 'hub:credentials', 'a', '1'],
    ['set', 'provisioning:state', 'x'],
    ['hset', KEYS.sequence.key, 'a', '1'],
    ['hset', KEYS.sensorStatus.key, 'a', '1'],
  ],
  provisioner: [['get', KEYS.mqttLastId.key]],
  grafana: [
    ['hgetall', 'hub:credentials'],
    ['hget', 'hub:credentials', 'token'],
    ['hset', 'hub:assignment', 'host', 'x'],
    ['set', KEYS.enabled.key, '0'],
    ['eval', 'return 1', '0'],
    ['eval', 'return 1', '1', KEYS.values.key],
    ['subscribe', '__keyspace@0__:measurement:enabled'],
  ],
  dashboard: [
    ['get', KEYS.enabled.key],
    ['del', KEYS.enabled.key],
    ['set', KEYS.interval.key, '1'],
    ['xadd', KEYS.events.key, '*', 'a', '1'],
    ['xrange', KEYS.values.key, '-', '+'],
    ['hgetall', KEYS.sensorStatus.key],
    ['eval', 'return 1', '1', KEYS.enabled.key],
  ],
  program: [
    ['xrange', KEYS.values.key, '-', '+'],
    ['xdel', KEYS.values.key, '1-1'],
    ['set', KEYS.enabled.key, '0'],
  ],
};

describe('access', () => {
  let container: Container;
  let admin: Redis;
  before(async () => {
    container = await Container.create();
    await container.start();
    admin = await container.connect('redis');
  });
  after(async () => {
    await container[Symbol.asyncDispose]();
  });

  /** Asks Redis itself, without carrying the command out. */
  async function allowed(user: string, command: readonly string[]): Promise<boolean> {
    return (await admin.call('ACL', 'DRYRUN', user, ...command)) === 'OK';
  }
  async function assertAccess(
    user: string,
    commands: readonly (readonly string[])[],
    expected: boolean,
  ): Promise<void> {
    for (const command of commands) {
      assert.equal(await allowed(user, command), expected, `${user}: ${command.join(' ')}`);
    }
  }

  for (const user of USERS) {
    test(`${user} may do what its service does and not what endangers the others`, async () => {
      await assertAccess(user, CONNECT, true);
      await assertAccess(user, FORBIDDEN_TO_ALL, false);
      await assertAccess(user, ALLOWED[user] ?? [], true);
      await assertAccess(user, DENIED[user] ?? [], false);
    });
  }

  for (const spec of Object.values<KeySpec>(KEYS)) {
    test(`${spec.key} is written by its writers and read by its readers`, async () => {
      const writers = usersOf(spec.writers);
      const readers = usersOf(spec.readers);
      for (const user of USERS) {
        const write = WRITE[spec.type](spec.key);
        assert.equal(await allowed(user, write), writers.includes(user), `${user} writes`);
        // A writer may have to read back, and a dashboard may show more than it does today.
        if (writers.includes(user) || user === 'grafana') continue;
        const read = READ[spec.type](spec.key);
        // A program of the user's own follows the same switches as the sensor.
        const like = user === 'program' && spec.type === 'string' ? 'sensor' : user;
        assert.equal(await allowed(user, read), readers.includes(like), `${user} reads`);
      }
      if (readers.includes('grafana')) {
        assert.ok(await allowed('grafana', READ[spec.type](spec.key)), 'grafana reads');
      }
    });
  }

  test('nobody gets in without a password, with a wrong one or as the default user', async () => {
    for (const [username, password] of [
      [undefined, undefined],
      ['default', ''],
      ['default', 'x'],
      ['sensor', container.password('grafana')],
      ['nobody', 'x'],
    ]) {
      const { passwordFile: _, ...settings } = container.settings('sensor');
      let reply = '';
      const client = openRedis({ ...settings, username, password }, 'test', (error) => {
        reply = error.message;
      });
      await until('a refusal', () => /NOAUTH|WRONGPASS/.test(reply));
      client.disconnect();
    }
  });

  test('the sensor appends, repeats an append and stores its status with its own user', async () => {
    const redis = await container.connect('sensor');
    const appender = new Appender(redis);
    const reading = { sensor: 's', boot: 'b', uptimeMs: 5, quantities: { co2_ppm: '417' } };
    const first = await appender.append(readingFields(reading), { retry: false, skipped: 0 });
    const again = await appender.append(readingFields(reading), { retry: true, skipped: 0 });
    assert.deepEqual(again, first);
    const next = await appender.append(readingFields({ ...reading, uptimeMs: 6 }), {
      retry: false,
      skipped: 3,
    });
    assert.equal(next.seq, first.seq + 4);
    await redis.hset(KEYS.sensorStatus.key, 'state', 'measuring');
    await redis.del(KEYS.sensorStatus.key);
  });

  test('the sensor puts back what a killed Redis has lost with its own user', async () => {
    const recent = new RecentReadings();
    const fields = readingFields({ sensor: 's', boot: 'b', uptimeMs: 7, quantities: {} });
    recent.add({ epoch: 'lost', seq: 1, skipped: 0, fields }, 0);
    const redis = await container.connect('sensor');
    assert.equal(await recent.restore(redis, 'sensor_memory_full', systemClock), 1);
    const [newest] = await redis.xrevrange(KEYS.values.key, '+', '-', 'COUNT', 1);
    assert.equal(newest?.[1][1], 'lost');
  });

  test('the services write events and watch keys with their own users', async () => {
    for (const service of SERVICES) {
      await writeEvent(await container.connect(service), { service, event: 'tested' });
    }
    const stop = new AbortController();
    const seen: (string | null)[] = [];
    watchKeys({
      redis: await container.connect('sensor'),
      subscriber: await container.connect('sensor'),
      db: 0,
      keys: [KEYS.enabled.key, KEYS.interval.key],
      onValues: ([enabled]) => seen.push(enabled ?? null),
      signal: stop.signal,
    });
    const button = await container.connect('startstopbutton');
    await until('the first look', () => seen.length === 1);
    await toggleMeasuring(button, {
      service: 'startstopbutton',
      source: 'button',
      id: 'press-1',
      statusKey: KEYS.buttonStatus.key,
    });
    await until('the change', () => seen.at(-1) === '0');
    stop.abort();
  });

  test('the mqtthandler forwards, trims and answers with its own user', async () => {
    const redis = await container.connect('mqtthandler');
    await admin.xadd(KEYS.values.key, '*', 'co2_ppm', '400');
    const read = await redis.xread('COUNT', 10, 'BLOCK', 10, 'STREAMS', KEYS.values.key, '0');
    assert.ok(read !== null);
    const id = read[0]?.[1].at(-1)?.[0] ?? '';
    await redis.multi().set(KEYS.mqttLastId.key, id).xtrim(KEYS.values.key, 'MINID', id).exec();
    assert.equal(await redis.get(KEYS.mqttLastId.key), id);
    assert.equal(await redis.xlen(KEYS.values.key), 1);
    await redis.call('MEMORY', 'USAGE', KEYS.values.key);
    await redis.xadd(KEYS.mqttGaps.key, '*', '_gap', '{}');
    const script = `return redis.call('XDEL', KEYS[1], ARGV[1])`;
    assert.equal(await redis.eval(script, 1, KEYS.values.key, id), 1);
  });

  test('a script cannot do what its user may not', async () => {
    const redis = await container.connect('sensor');
    const attempt = `return redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)`;
    await assert.rejects(redis.eval(attempt, 1, KEYS.values.key), /can't run this command/);
  });
});
