import { startRedis, until } from '@holdfast/lab/servers';
import { KEYS, openRedis, untilReady } from '@holdfast/redis';
import { RedisStore } from '../../src/adapters/redis-store.ts';
import { facts } from '../fakes/knowledge.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { storeSuite } from './store.suite.ts';
import type { StoreBed } from './store.suite.ts';

storeSuite('the store in memory', () => {
  const store = new MemoryStore();
  const bed: StoreBed = {
    store,
    put({ values = [], events = [], mqttGaps = [], sensor = {}, enabled }) {
      store.values = [...values];
      store.told = [...events];
      store.records = { mqtt: [...mqttGaps] };
      store.known = facts({ sensor }, enabled === undefined ? {} : { enabled });
      return Promise.resolve();
    },
    leave() {
      store.away = true;
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return Promise.resolve(bed);
});

storeSuite('the store in Redis', async () => {
  const server = await startRedis();
  const redis = openRedis({ host: '127.0.0.1', port: server.port, db: 0 }, 'test', () => {});
  await untilReady(redis, AbortSignal.timeout(10_000));
  return {
    store: new RedisStore(redis),
    async put({ values = [], events = [], mqttGaps = [], sensor = {}, enabled }) {
      const { client } = server;
      await client.flushall();
      for (const [id, fields] of values) await client.xadd(KEYS.values.key, id, ...fields);
      for (const [id, fields] of events) await client.xadd(KEYS.events.key, id, ...fields);
      for (const [id, fields] of mqttGaps) await client.xadd(KEYS.mqttGaps.key, id, ...fields);
      if (Object.keys(sensor).length > 0) await client.hset(KEYS.sensorStatus.key, sensor);
      if (enabled !== undefined) await client.set(KEYS.enabled.key, enabled);
    },
    async leave() {
      await server.process.kill();
      await until('the connection is lost', () => redis.status !== 'ready');
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
});
