import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { publicState } from '../../src/core/state.ts';
import { names, world } from '../fakes/machine-world.ts';
import { DAY_MS, MINUTE_MS } from '../fakes/rules.ts';
import { toA } from '../fakes/world.ts';

describe('a fixed assignment', () => {
  const FIXED = {
    source: 'connection_string',
    fixed: { host: 'h', deviceId: 'd' },
    idScope: '',
    registrationId: '',
  } as const;
  test('is handed out without DPS, and its token renewed', () => {
    const w = world(() => toA, FIXED);
    w.start();
    w.run(DAY_MS);
    assert.equal(w.asked.length, 0);
    assert.equal(w.published.length, 1 + 32);
    for (let i = 1; i < w.published.length; i += 1) {
      const between = (w.published[i]?.atMs ?? 0) - (w.published[i - 1]?.atMs ?? 0);
      assert.equal(between, 45 * MINUTE_MS);
    }
  });
  test('that is refused is tried again more slowly, for ever', () => {
    const w = world(() => toA, FIXED);
    w.hub = () => 'connack_5';
    w.start();
    w.run(DAY_MS);
    assert.equal(names(w), 'hub_refused hub_refused_fixed');
    assert.equal(w.asked.length, 0);
    w.hub = () => 'ok';
    w.run(20 * MINUTE_MS);
    assert.equal(publicState(w.state), 'connected');
  });
  test('answers a request with a fresh token and says that there is no DPS', () => {
    const w = world(() => toA, FIXED);
    w.start();
    w.run(MINUTE_MS);
    w.request();
    assert.equal(w.published.length, 2);
    assert.equal(w.told.at(-1)?.event, 'reprovision_without_dps');
  });
  test('another one is another generation', () => {
    const w = world(() => toA, FIXED);
    w.start();
    w.restart();
    assert.equal(w.state.generation, 1);
    w.rules = { ...w.rules, fixed: { host: 'h2', deviceId: 'd' } };
    w.restart();
    assert.equal(w.state.generation, 2);
  });
});
