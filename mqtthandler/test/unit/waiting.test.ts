/** Bell, slots, pacer and flight: what the lanes wait for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@holdfast/kit/testing';
import { Bell } from '../../src/bell.ts';
import { progressFrom } from '../../src/core/progress.ts';
import { Flight, SAVE_EVERY_MS } from '../../src/flight.ts';
import { Pacer } from '../../src/pacer.ts';
import { Slots } from '../../src/slots.ts';
import { FakeLedger } from '../fakes/index.ts';

const never = new AbortController().signal;
/** Lets every promise run that can. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('a bell wakes those who wait and nobody who comes later', async () => {
  const bell = new Bell();
  const woken: string[] = [];
  void bell.wait(never).then(() => woken.push('a'));
  void bell.wait(never).then(() => woken.push('b'));
  bell.ring();
  void bell.wait(never).then(() => woken.push('late'));
  await settle();
  assert.deepEqual(woken, ['a', 'b']);
});

test('an abort ends the wait, before and during', async () => {
  const bell = new Bell();
  await bell.wait(AbortSignal.abort());
  const stop = new AbortController();
  const waiting = bell.wait(stop.signal);
  stop.abort();
  await waiting;
});

test('the backlog leaves one slot to the live lane', async () => {
  const slots = new Slots(3);
  assert.ok(await slots.take(false, never));
  assert.ok(await slots.take(false, never));
  let third = false;
  void slots.take(false, never).then(() => (third = true));
  await settle();
  assert.equal(third, false);
  assert.ok(await slots.take(true, never));
  slots.give(false);
  await settle();
  assert.equal(third, true);
});

test('with one slot both lanes take turns, the live lane first', async () => {
  const slots = new Slots(1);
  assert.ok(await slots.take(false, never));
  const order: string[] = [];
  void slots.take(false, never).then(() => order.push('backlog'));
  void slots.take(true, never).then(() => order.push('live'));
  slots.give(false);
  await settle();
  assert.deepEqual(order, ['live']);
  slots.give(true);
  await settle();
  assert.deepEqual(order, ['live', 'backlog']);
});

test('an abort gives no slot and takes none', async () => {
  const slots = new Slots(1);
  assert.equal(await slots.take(true, AbortSignal.abort()), false);
  assert.ok(await slots.take(true, never));
  const stop = new AbortController();
  const waiting = slots.take(true, stop.signal);
  stop.abort();
  assert.equal(await waiting, false);
  assert.equal(slots.used, 1);
});

test('a pacer lets a second of messages through at once and then keeps to the rate', async () => {
  const clock = new ManualClock();
  const pacer = new Pacer(clock, { messagesPerSecond: 10, bytesPerSecond: Infinity });
  let passed = 0;
  void (async () => {
    for (;;) {
      await pacer.pass(100, never);
      passed += 1;
    }
  })();
  await clock.advance(0);
  assert.equal(passed, 11);
  await clock.advance(1_000);
  assert.equal(passed, 21);
});

function flightOver(ledger: FakeLedger, clock = new ManualClock()) {
  const calls = { failed: 0, foreign: 0 };
  const flight = new Flight(ledger, clock, {
    onStoreFailed: () => (calls.failed += 1),
    onForeignCursor: () => (calls.foreign += 1),
  });
  return { flight, calls };
}

test('what is under way is not available, what is released is again, what is settled is gone', async () => {
  const { flight } = flightOver(new FakeLedger());
  await flight.load();
  const stretch = { after: '0-0', upTo: '5-0', count: 5 };
  flight.claim(stretch);
  assert.deepEqual(flight.available, progressFrom('5-0'));
  flight.release(stretch);
  assert.deepEqual(flight.available, progressFrom('0-0'));
  flight.claim(stretch);
  flight.settle(stretch, undefined);
  assert.deepEqual(flight.progress, progressFrom('5-0'));
});

test('what is about to be given up is no part of a session, and stays taken when it ends', async () => {
  const { flight } = flightOver(new FakeLedger());
  await flight.load();
  const lost = { after: '0-0', upTo: '5-0', count: 0 };
  assert.ok(flight.reserve(lost));
  assert.ok(!flight.claim({ after: '3-0', upTo: '4-0', count: 1 }));
  assert.deepEqual(flight.underway, []);
  flight.landAll();
  assert.deepEqual(flight.available, [{ after: '5-0', upTo: null }]);
  flight.release(lost);
  assert.deepEqual(flight.available, [{ after: '0-0', upTo: null }]);
  const sent = { after: '0-0', upTo: '2-0', count: 2 };
  assert.ok(flight.claim(sent));
  flight.landAll();
  assert.ok(!flight.reserve({ after: '1-0', upTo: '3-0', count: 0 }), 'it may have arrived');
});

test('acknowledged out of order, the cursor waits for the oldest', async () => {
  const ledger = new FakeLedger();
  const { flight } = flightOver(ledger);
  await flight.load();
  flight.settle({ after: '5-0', upTo: '9-0', count: 4 }, undefined);
  await flight.settled();
  assert.deepEqual([ledger.lastId, ledger.pending], ['0-0', '0-0 0-0:5-0 9-0:']);
  flight.settle({ after: '0-0', upTo: '5-0', count: 5 }, undefined);
  await flight.settled();
  assert.deepEqual([ledger.lastId, ledger.pending], ['9-0', null]);
});

test('a cursor set by somebody else is not written over', async () => {
  const ledger = new FakeLedger();
  const { flight, calls } = flightOver(ledger);
  await flight.load();
  ledger.lastId = '3-0';
  assert.equal(await flight.isOurs(), false);
  flight.settle({ after: '0-0', upTo: '9-0', count: 9 }, undefined);
  await flight.settled();
  assert.equal(ledger.lastId, '3-0');
  assert.equal(calls.foreign, 1);
  assert.equal(await flight.load(), 'stored');
  assert.deepEqual(flight.progress, progressFrom('3-0'));
});

test('acknowledgements that come in quick succession share a write of the cursor', async () => {
  const [ledger, clock] = [new FakeLedger(), new ManualClock()];
  const { flight } = flightOver(ledger, clock);
  await flight.load();
  const settle = (seq: number) =>
    flight.settle({ after: `${seq - 1}-0`, upTo: `${seq}-0`, count: 1 }, undefined);
  settle(1);
  await clock.advance(0);
  assert.equal(ledger.lastId, '1-0');
  for (let seq = 2; seq <= 9; seq += 1) {
    settle(seq);
    await clock.advance(10);
    assert.equal(ledger.lastId, '1-0');
  }
  await clock.advance(SAVE_EVERY_MS - 80);
  assert.equal(ledger.lastId, '9-0');
  settle(10);
  await clock.advance(0);
  assert.equal(ledger.lastId, '9-0');
  await flight.settled();
  assert.equal(ledger.lastId, '10-0', 'who stops waits for nothing');
});

test('a write that failed is made up for', async () => {
  const ledger = new FakeLedger();
  const { flight, calls } = flightOver(ledger);
  await flight.load();
  ledger.failure = new Error('OOM');
  flight.settle({ after: '0-0', upTo: '9-0', count: 9 }, undefined);
  await flight.settled();
  assert.deepEqual([calls.failed, ledger.lastId], [1, null]);
  ledger.failure = undefined;
  flight.retryStore();
  await flight.settled();
  assert.equal(ledger.lastId, '9-0');
});
