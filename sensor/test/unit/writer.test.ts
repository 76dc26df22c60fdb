import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ManualClock, constantRandom } from '@holdfast/kit/testing';
import type { AppendOutcome } from '../../src/ports.ts';
import { PendingReadings } from '../../src/core/pending.ts';
import { Writer } from '../../src/writer.ts';
import { MemoryStore } from '../fakes/memory-store.ts';

function setUp(maxReadings = 1_000) {
  const clock = new ManualClock();
  const store = new MemoryStore();
  const pending = new PendingReadings(maxReadings);
  const outcomes: AppendOutcome[] = [];
  const skips: number[] = [];
  const writer = new Writer({
    pending,
    store,
    clock,
    random: constantRandom(0),
    onOutcome: (outcome, skipped) => {
      outcomes.push(outcome);
      if (skipped > 0) skips.push(skipped);
    },
  });
  let uptimeMs = 0;
  const add = (count: number) => {
    for (let n = 0; n < count; n += 1) {
      uptimeMs += 1;
      writer.add({ sensor: 's', boot: 'b', uptimeMs, quantities: {} });
    }
  };
  return { clock, store, pending, writer, outcomes, skips, add };
}

const ascending = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('the writer', () => {
  it('stores readings as they come', async () => {
    const { clock, store, writer, add } = setUp();
    const stop = new AbortController();
    const running = writer.run(stop.signal);
    add(2);
    await clock.advance(1);
    assert.equal(store.stored.length, 2);
    add(1);
    await clock.advance(1);
    assert.equal(store.stored.length, 3);
    stop.abort();
    await running;
  });

  it('waits longer from failure to failure and goes on at once after a success', async () => {
    const { clock, store, writer, add } = setUp();
    store.script.push('full', 'full', 'full', 'full');
    const stop = new AbortController();
    const running = writer.run(stop.signal);
    add(5);
    for (const [passMs, attempts] of [
      [0, 1],
      [49, 1],
      [1, 2],
      [99, 2],
      [1, 3],
      [200, 4],
      [400, 9],
    ] as const) {
      await clock.advance(passMs);
      assert.equal(store.attempts, attempts);
    }
    assert.equal(store.stored.length, 5);
    stop.abort();
    await running;
  });

  it('never waits longer than 3 s between attempts, however long Redis is full', async () => {
    const { clock, store, writer, add } = setUp();
    store.script.push(...Array.from({ length: 100 }, () => 'full' as const));
    const stop = new AbortController();
    const running = writer.run(stop.signal);
    add(1);
    await clock.advance(100 * 3_000);
    assert.equal(store.stored.length, 1);
    stop.abort();
    await running;
  });

  it('keeps order and count through any sequence of failures', async () => {
    const trouble = fc.constantFrom('full', 'refused', 'lost_request', 'lost_answer');
    await fc.assert(
      fc.asyncProperty(
        fc.array(trouble, { maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 10 }),
        async (script, batches) => {
          const { clock, store, writer, add } = setUp();
          store.script.push(...script);
          const stop = new AbortController();
          const running = writer.run(stop.signal);
          for (const count of batches) {
            add(count);
            await clock.advance(20);
          }
          await clock.advance(200_000);
          stop.abort();
          await running;
          const total = batches.reduce((sum, count) => sum + count, 0);
          assert.deepEqual(
            store.stored.map(({ uptimeMs }) => uptimeMs),
            ascending(total),
          );
          assert.deepEqual(
            store.stored.map(({ seq }) => seq),
            ascending(total),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  it('tells what was dropped when the gap is recorded, not before', async () => {
    const { clock, store, writer, skips, add } = setUp(3);
    store.script.push('lost_request', 'lost_request');
    const stop = new AbortController();
    const running = writer.run(stop.signal);
    add(1);
    await clock.advance(0);
    add(10);
    assert.deepEqual(skips, []);
    await clock.advance(10_000);
    assert.deepEqual(skips, [8]);
    assert.deepEqual(store.gaps, [{ from: 2, to: 9 }]);
    stop.abort();
    await running;
  });

  it('at the end hands over what is left, unless the store fails', async () => {
    const { clock, store, pending, writer, add } = setUp();
    add(5);
    await writer.flush(clock.monotonicMs() + 100);
    assert.equal(store.stored.length, 5);
    add(5);
    store.script.push('refused');
    await writer.flush(clock.monotonicMs() + 100);
    assert.equal(pending.size, 5);
    store.ready = false;
    await writer.flush(clock.monotonicMs() + 100);
    assert.equal(pending.size, 5);
    assert.equal(store.attempts, 6);
  });
});
