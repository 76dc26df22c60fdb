import { after, before, describe } from 'node:test';
import { openRedis } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import { startRedis, until } from '@holdfast/lab/servers';
import type { RedisServer } from '@holdfast/lab/servers';
import { RedisStore } from '../../src/adapters/redis-store.ts';
import { FakeStore } from '../fakes/fake-store.ts';
import { storeSuite } from './store-suite.ts';

describe('the fake', () => {
  storeSuite('fake', async () => {
    const store = new FakeStore();
    return {
      store,
      request: async (text) => void (store.request = text),
      requested: async () => store.request,
      report: async (report) => void (store.report = report),
      wipe: async () => store.wipe(),
    };
  });
});

describe('Redis', () => {
  let server: RedisServer;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = openRedis({ host: '127.0.0.1', port: server.port, db: 0 }, 'test', () => {});
    await until('the connection', () => redis.status === 'ready');
  });
  after(async () => {
    redis.disconnect();
    await server[Symbol.asyncDispose]();
  });
  storeSuite('redis', async () => {
    const { client } = server;
    await client.flushall();
    return {
      store: new RedisStore(redis),
      request: async (text) => void (await client.set('provisioning:request', text)),
      requested: async () => (await client.get('provisioning:request')) ?? undefined,
      report: async ({ state, generation, attempt, outcome, detail, atMs, heldMs }) => {
        const connected_ms = atMs - heldMs;
        const link = { state, generation, attempt, outcome, detail, at_ms: atMs, connected_ms };
        await client.hset('hub_sender:link', link);
      },
      wipe: async () => void (await client.flushall()),
    };
  });
});
