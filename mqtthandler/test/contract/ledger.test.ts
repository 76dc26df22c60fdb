import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRedis } from '@holdfast/lab/servers';
import { RedisLedger } from '../../src/adapters/redis-ledger.ts';
import { FakeLedger } from '../fakes/index.ts';
import { ledgerSuite } from './ledger-suite.ts';

const KEYS = {
  lastId: 'x:last_id',
  pending: 'x:pending',
  mark: 'x:mark',
  gaps: 'x:gaps',
  rejected: 'x:rejected',
};

ledgerSuite('the ledger in memory', () => {
  const ledger = new FakeLedger();
  return Promise.resolve({
    ledger,
    setLastId: (value) => Promise.resolve(void (ledger.lastId = value)),
    rejectedCount: () => Promise.resolve(ledger.rejected.length),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

async function inRedis() {
  const server = await startRedis();
  const { client } = server;
  return {
    client,
    ledger: new RedisLedger(client, KEYS),
    setLastId: async (value: string | null) => {
      await (value === null ? client.del(KEYS.lastId) : client.set(KEYS.lastId, value));
    },
    rejectedCount: () => client.xlen(KEYS.rejected),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

ledgerSuite('the ledger in Redis', inRedis);

test('the ledger in Redis: with no memory left nothing is put aside by halves', async () => {
  await using subject = await inRedis();
  const { client, ledger } = subject;
  await client.config('SET', 'maxmemory', '1');
  const gap = { epoch: 'e', gap: { from_seq: 1, to_seq: 1, count: 1, reason: 'refused' } } as const;
  await assert.rejects(ledger.putAside(['1-0', ['a', 'b']], gap), /OOM|EXECABORT/);
  assert.equal(await client.exists(KEYS.rejected, KEYS.gaps), 0);
});
