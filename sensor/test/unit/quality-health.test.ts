import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { RETRY_HUNG_MS, RETRY_MS, healthText, mayMeasure, step } from '../../src/core/health.ts';
import type { Health } from '../../src/core/health.ts';
import { judge } from '../../src/core/quality.ts';

const failed = (code: string, nowMs: number) =>
  ({ type: 'failed', code, message: 'm', nowMs }) as const;

const RANGES = {
  temperature_celsius: { min: -40, max: 85, decimals: 2 },
  memory_free_bytes: { min: 0, max: 2 ** 53, decimals: 0 },
};

describe('a measured value', () => {
  const kept: readonly [number, string][] = [
    [25.0824, '25.08'],
    [21.5, '21.5'],
    [20, '20'],
    [-0.001, '0'],
    [-40, '-40'],
    [85, '85'],
    [0, '0'],
    [-12.345, '-12.35'],
  ];
  for (const [value, text] of kept) {
    it(`${value} is stored as ${text}`, () => {
      const judged = judge({ temperature_celsius: value }, RANGES);
      assert.deepEqual(judged.quantities, { temperature_celsius: text });
      assert.equal(judged.quality, undefined);
    });
  }

  for (const value of [Number.NaN, Infinity, -Infinity, 85.01, -40.01, 1e300]) {
    it(`${value} is left out and the reading marked`, () => {
      const judged = judge({ temperature_celsius: value, memory_free_bytes: 7 }, RANGES);
      assert.deepEqual(judged.quantities, { memory_free_bytes: '7' });
      assert.equal(judged.quality, 'out_of_range');
      assert.deepEqual(judged.outOfRange, ['temperature_celsius']);
    });
  }

  it('without a range is left out', () => {
    const judged = judge({ constructor: 1, toString: 2, shade: 3 }, RANGES);
    assert.deepEqual(judged.quantities, {});
    assert.equal(judged.outOfRange.length, 3);
  });

  it('is always a plain decimal number within the range', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const text = judge({ temperature_celsius: value }, RANGES).quantities[
          'temperature_celsius'
        ];
        if (text === undefined) return;
        assert.match(text, /^-?\d+(\.\d+)?$/);
        assert.ok(Number(text) >= -40 && Number(text) <= 85);
      }),
    );
  });

  it('of many bytes keeps every digit', () => {
    const judged = judge({ memory_free_bytes: 9_007_199_254_740_991 }, RANGES);
    assert.equal(judged.quantities['memory_free_bytes'], '9007199254740991');
  });
});

describe('the health of a sensor', () => {
  const fresh: Health = { kind: 'new' };

  it('is found with the first measurement, once', () => {
    const first = step(fresh, { type: 'measured' });
    assert.equal(first.change, 'found');
    assert.equal(step(first.state, { type: 'measured' }).change, undefined);
  });

  it('is lost with the first failure, once', () => {
    const first = step({ kind: 'ok' }, failed('ENXIO', 0));
    assert.equal(first.change, 'lost');
    assert.equal(step(first.state, failed('EIO', 1)).change, undefined);
    assert.equal(step(fresh, failed('ENXIO', 0)).change, 'lost');
  });

  it('is found again after a loss', () => {
    const { state } = step({ kind: 'ok' }, failed('ENXIO', 0));
    assert.deepEqual(step(state, { type: 'measured' }), { state: { kind: 'ok' }, change: 'found' });
  });

  it('lets a sensor that is not there be asked again soon', () => {
    const { state } = step(fresh, failed('ENXIO', 1000));
    assert.equal(mayMeasure(state, 1000 + RETRY_MS - 1), false);
    assert.equal(mayMeasure(state, 1000 + RETRY_MS), true);
  });

  it('asks a sensor that hung once again soon: that costs one reading', () => {
    const first = step({ kind: 'ok' }, failed('ETIMEDOUT', 1000));
    assert.equal(first.change, 'lost');
    assert.equal(mayMeasure(first.state, 1000 + RETRY_MS), true);
    const second = step(first.state, failed('ETIMEDOUT', 2000));
    assert.equal(mayMeasure(second.state, 2000 + RETRY_MS), false);
  });

  it('is unsure after one or two broken answers, and lost with the third', () => {
    let health: Health = { kind: 'ok' };
    const kinds: string[] = [];
    for (const code of ['BAD_CRC', 'EIO', 'NOT_READY']) {
      const { state, change } = step(health, failed(code, 0));
      kinds.push(state.kind, String(change));
      health = state;
    }
    assert.deepEqual(kinds, ['unsure', 'undefined', 'unsure', 'undefined', 'lost', 'lost']);
    const { state } = step({ kind: 'ok' }, failed('BAD_CRC', 0));
    assert.deepEqual(step(state, { type: 'measured' }), {
      state: { kind: 'ok' },
      change: undefined,
    });
  });

  it('is lost at once when the first answer ever is broken', () => {
    assert.equal(step(fresh, failed('BAD_CRC', 0)).state.kind, 'lost');
  });

  it('leaves a sensor that hung alone for longer', () => {
    const { state } = step(fresh, failed('ETIMEDOUT', 1000));
    assert.equal(mayMeasure(state, 1000 + RETRY_HUNG_MS - 1), false);
    assert.equal(mayMeasure(state, 1000 + RETRY_HUNG_MS), true);
  });

  it('reads as a word, with the reason when lost', () => {
    assert.equal(healthText({ kind: 'ok' }), 'ok');
    assert.equal(healthText(step(fresh, failed('ENXIO', 0)).state), 'lost: ENXIO m');
  });
});
