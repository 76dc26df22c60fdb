import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ForwarderBench } from '../fakes/index.ts';

test('a backlog in two adjacent ranges, the first a multiple of the read size, arrives whole', async () => {
  await using bench = new ForwarderBench({ lanes: 2 });
  bench.produce(40);
  const boundary = bench.readings.entries[19]?.[0] ?? '';
  const end = bench.readings.entries[39]?.[0] ?? '';
  bench.ledger.lastId = '0-0';
  bench.ledger.pending = `0-0 0-0:${boundary} ${boundary}:${end} ${end}:`;
  bench.start();

  await bench.until(() => bench.ledger.lastId === end);

  assert.deepEqual(
    bench.takenSeqs.toSorted((a, b) => a - b),
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
});
