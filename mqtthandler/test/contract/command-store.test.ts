import { startRedis } from '@holdfast/lab/servers';
import { RedisCommands } from '../../src/adapters/redis-commands.ts';
import { FakeCommands } from '../fakes/fake-commands.ts';
import { commandStoreContract } from './command-store.ts';

commandStoreContract('in memory', async () => {
  const store = new FakeCommands();
  return {
    store,
    addReading: async (id) => void store.readings.push(id),
    [Symbol.asyncDispose]: async () => {},
  };
});

commandStoreContract('in Redis', async () => {
  const server = await startRedis();
  return {
    store: new RedisCommands(server.client),
    addReading: async (id) => void (await server.client.xadd('measurement:values', id, 'n', '1')),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});
