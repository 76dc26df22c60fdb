import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Meter, RateLimiter, tierLimits } from '../../src/core/limits.ts';

test('a rate lets one burst of a second pass and spaces the rest', () => {
  const rate = new RateLimiter();
  const delays = Array.from({ length: 14 }, () => rate.take(10, 5000, 60_000));
  assert.deepEqual(
    delays.slice(0, 10),
    Array.from({ length: 10 }, () => 0),
  );
  assert.deepEqual(delays.slice(10), [100, 200, 300, 400]);
  assert.equal(rate.take(10, 5000, 400), undefined, 'longer than the patience');
  assert.equal(rate.take(10, 5000, 500), 500, 'a refusal takes nothing');
  assert.equal(rate.take(undefined, 5000), 0);
});

test('over any time no more passes than the rate and one burst', () => {
  const arrivals = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), arrivals, (perSecond, gapsMs) => {
      const rate = new RateLimiter();
      let nowMs = 0;
      const passes: number[] = [];
      for (const gapMs of gapsMs) {
        nowMs += gapMs;
        const delayMs = rate.take(perSecond, nowMs, 10_000);
        if (delayMs !== undefined) passes.push(nowMs + delayMs);
      }
      for (const [index, fromMs] of passes.entries()) {
        const within = passes.slice(index).filter((atMs) => atMs < fromMs + 1000).length;
        assert.ok(within <= perSecond * 2 + 1, `${within} within a second at ${perSecond}/s`);
      }
    }),
  );
});

test('blocks are counted by the day', () => {
  const meter = new Meter();
  const limits = { dailyBlocks: 4, blockBytes: 4096 };
  const noonMs = 86_400_000 * 100.5;
  assert.equal(meter.charge(limits, 0, noonMs), 1);
  assert.equal(meter.charge(limits, 4096, noonMs), 1);
  assert.equal(meter.charge(limits, 4097, noonMs), 2);
  assert.equal(meter.exhausted(limits, noonMs), true);
  assert.equal(meter.exhausted({}, noonMs), false);
  assert.equal(meter.exhausted(limits, noonMs + 43_200_000), false);
  assert.deepEqual(meter.usage(noonMs + 43_200_000), { blocksToday: 0, blocksTotal: 4 });
});

test('the tiers have the limits of the documentation', () => {
  assert.equal(tierLimits('S1').sendsPerSecond, 100);
  assert.equal(tierLimits('S1', 10).sendsPerSecond, 120);
  assert.equal(tierLimits('S2', 2).sendsPerSecond, 240);
  assert.equal(tierLimits('S3').twinReadsPerSecond, 500);
  assert.equal(tierLimits('S1', 2).dailyBlocks, 800_000);
  assert.equal(tierLimits('F1').blockBytes, 512);
});
