import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { names, questions, refused, unreachable, waits, world } from '../fakes/machine-world.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../fakes/rules.ts';
import { toA } from '../fakes/world.ts';

describe('a request', () => {
  test('registers at once, also while all is well, and keeps the connection', () => {
    const w = world(() => toA);
    w.start();
    w.run(HOUR_MS);
    w.request('command');
    w.run(1_000);
    assert.deepEqual(questions(w), ['register', 'register']);
    assert.equal(w.connected, true);
    assert.equal(w.state.generation, 1);
    assert.deepEqual(w.told.find(({ event }) => event === 'reprovision_taken')?.fields, {
      source: 'command',
    });
  });
  test('right after a registration waits for the interval', () => {
    const w = world(() => toA);
    w.start();
    w.run(10_000);
    w.request();
    w.run(5 * MINUTE_MS);
    assert.equal(w.asked.length, 2);
    const [wait = 0] = waits(w);
    assert.ok(wait >= 59 && wait <= 61, `${wait}`);
  });
  test('does not come before a time DPS has named, also when the hub came back meanwhile', () => {
    const w = world(() => toA);
    w.start();
    w.run(HOUR_MS);
    w.hub = () => 'network';
    w.dps = () => refused(429, 2 * HOUR_MS);
    w.dropConnection();
    w.run(45 * MINUTE_MS);
    assert.deepEqual(questions(w), ['register', 'lookup']);
    w.hub = () => 'ok';
    w.run(3 * MINUTE_MS);
    assert.equal(names(w), 'connected hub_connected');
    w.dps = () => toA;
    w.request();
    w.restart();
    w.run(3 * HOUR_MS);
    assert.deepEqual(questions(w), ['register', 'lookup', 'register']);
    assert.ok((waits(w)[1] ?? 0) >= 7_200);
  });
  test('every second for a day becomes a few registrations an hour', () => {
    const w = world(() => toA);
    w.start();
    w.run(HOUR_MS);
    for (let i = 0; i < 86_400 / 5; i += 1) {
      w.request();
      w.run(5_000);
    }
    assert.ok(w.asked.length <= 60, `${w.asked.length}`);
    for (const wait of waits(w)) assert.ok(wait >= 59);
  });
  test('put off because it was asked again and again, it does not put off what a hub that refuses calls for', () => {
    const w = world(() => toA);
    w.start();
    w.run(HOUR_MS);
    for (let i = 0; i < 10; i += 1) {
      w.request();
      w.run(2 * MINUTE_MS);
    }
    w.request();
    const before = w.asked.length;
    const given = w.published.length;
    w.hub = () => 'connack_5';
    w.dropConnection('dropped');
    w.run(4 * MINUTE_MS);
    assert.ok(w.published.length > given);
    assert.equal(w.asked.length, before + 1);
  });
  test('shortens a back-off of our own and not the interval', () => {
    const w = world(() => unreachable);
    w.start();
    w.run(5 * HOUR_MS);
    assert.equal(names(w), 'waiting dps_unreachable');
    w.run(2 * MINUTE_MS);
    const before = w.asked.length;
    w.dps = () => toA;
    w.request();
    w.run(MINUTE_MS);
    assert.equal(w.asked.length, before + 1);
  });
  test('refused while the hub works: the answer is told, the hub kept, nobody asked again', () => {
    const w = world(() => toA);
    w.start();
    w.run(HOUR_MS);
    w.dps = () => ({ kind: 'ended', status: 'disabled', message: 'disabled' });
    w.request();
    w.run(DAY_MS);
    assert.deepEqual(questions(w), ['register', 'register']);
    assert.equal(names(w), 'connected hub_connected');
    assert.equal(w.told.at(-1)?.event, 'provisioning_refused');
  });
});
