import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Reading } from '@holdfast/redis';
import { PendingReadings } from '../../src/core/pending.ts';

function reading(n: number): Reading {
  return { sensor: 's', boot: 'b', uptimeMs: n, quantities: {} };
}

function filled(maxReadings: number, count: number): PendingReadings {
  const pending = new PendingReadings(maxReadings);
  for (let n = 1; n <= count; n += 1) pending.push(reading(n));
  return pending;
}

/** Takes everything out: [uptimeMs, skipped] of each. */
function drain(pending: PendingReadings): [number, number][] {
  const out: [number, number][] = [];
  for (let claim = pending.claim(); claim !== undefined; claim = pending.claim()) {
    out.push([claim.reading.uptimeMs, claim.skipped]);
    pending.markStored();
  }
  return out;
}

describe('pending readings', () => {
  it('leave in the order they came', () => {
    assert.deepEqual(drain(filled(10, 3)), [
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
  });

  it('are none at the start', () => {
    assert.equal(filled(10, 0).claim(), undefined);
  });

  it('are dropped oldest first and counted with the next one', () => {
    const pending = filled(3, 5);
    assert.equal(pending.dropped, 2);
    assert.deepEqual(drain(pending), [
      [3, 2],
      [4, 0],
      [5, 0],
    ]);
  });

  it('keep a head that was tried: what it says may already stand in Redis', () => {
    const pending = filled(3, 4);
    assert.equal(pending.claim()?.skipped, 1);
    pending.push(reading(5));
    pending.push(reading(6));
    assert.deepEqual(drain(pending), [
      [2, 1],
      [5, 2],
      [6, 0],
    ]);
  });

  it('ask for a retry only after an attempt without an answer, until it is stored', () => {
    const pending = filled(3, 2);
    assert.equal(pending.claim()?.retry, false);
    assert.equal(pending.claim()?.retry, false);
    pending.markUncertain();
    assert.equal(pending.claim()?.retry, true);
    assert.equal(pending.claim()?.retry, true);
    pending.markStored();
    assert.equal(pending.claim()?.retry, false);
  });

  it('count what is dropped while only a tried head is left', () => {
    const pending = filled(2, 1);
    pending.claim();
    for (const n of [2, 3, 4]) pending.push(reading(n));
    pending.markStored();
    assert.deepEqual(drain(pending), [[4, 2]]);
  });

  it('never lose a reading without counting it, whatever happens', () => {
    const action = fc.constantFrom('push', 'claim', 'stored', 'uncertain');
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5 }), fc.array(action), (max, actions) => {
        const pending = new PendingReadings(max);
        let [pushed, accounted, last, claimed] = [0, 0, 0, false];
        const take = () => {
          const claim = pending.claim();
          if (claim === undefined) return false;
          assert.ok(claim.reading.uptimeMs > last);
          assert.equal(claim.reading.uptimeMs, accounted + claim.skipped + 1);
          return true;
        };
        const store = () => {
          const claim = pending.claim();
          last = claim?.reading.uptimeMs ?? last;
          accounted += (claim?.skipped ?? 0) + 1;
          pending.markStored();
          claimed = false;
        };
        for (const name of actions) {
          if (name === 'push') pending.push(reading((pushed += 1)));
          if (name === 'claim') claimed = take();
          if (name === 'uncertain' && claimed) pending.markUncertain();
          if (name === 'stored' && claimed) store();
          assert.ok(pending.size <= max);
          // Nothing is left to be written down at the end: no loss waits for a reading to come.
          if (pending.size === 0) assert.deepEqual(pending.snapshot(), []);
        }
        while (pending.size > 0) store();
        pending.push(reading((pushed += 1)));
        store();
        assert.equal(accounted, pushed);
      }),
      { numRuns: 500 },
    );
  });
});
