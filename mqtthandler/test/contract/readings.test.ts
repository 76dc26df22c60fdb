import { ManualClock } from '@holdfast/kit/testing';
import { startRedis } from '@holdfast/lab/servers';
import { openRedis } from '@holdfast/redis';
import { RedisReadings } from '../../src/adapters/redis-readings.ts';
import { FakeReadings } from '../fakes/index.ts';
import { readingsSuite } from './readings-suite.ts';

readingsSuite('the stream in memory', () => {
  const readings = new FakeReadings(new ManualClock());
  return Promise.resolve({
    readings,
    append: (id, fields) => Promise.resolve(void readings.append(fields, id)),
    remove: (id) => Promise.resolve(readings.remove(([other]) => other !== id)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

readingsSuite('the stream in Redis', async () => {
  const server = await startRedis();
  const settings = { host: '127.0.0.1', port: server.port, db: 0 };
  const blocking = openRedis(settings, 'blocking', () => {});
  await new Promise((resolve) => blocking.once('ready', resolve));
  return {
    readings: new RedisReadings(server.client, blocking),
    append: async (id, fields) => {
      await server.client.xadd('measurement:values', id, ...fields);
    },
    remove: async (id) => {
      await server.client.xdel('measurement:values', id);
    },
    [Symbol.asyncDispose]: async () => {
      blocking.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
});
