import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@holdfast/kit/testing';
import { SendGate } from '../../src/send-gate.ts';
import { Slots } from '../../src/slots.ts';

const never = new AbortController().signal;

/** Senders that pass again and again; returns what passed in so many milliseconds. */
async function run(gate: SendGate, clock: ManualClock, senders: readonly boolean[], ms: number) {
  const stop = new AbortController();
  const passed = senders.map(() => 0);
  const running = senders.map(async (live, i) => {
    while (!stop.signal.aborted) {
      await gate.pass(live, stop.signal);
      if (!stop.signal.aborted) passed[i] = (passed[i] ?? 0) + 1;
    }
  });
  await clock.advance(ms);
  stop.abort();
  await Promise.all(running);
  return passed;
}

test('all together keep to the rate, with one second of it at the start', async () => {
  const clock = new ManualClock();
  const gate = new SendGate(clock, () => 10);
  const passed = await run(gate, clock, [false, false, false], 60_000);
  const sum = passed.reduce((a, b) => a + b, 0);
  assert.ok(sum >= 595 && sum <= 612, `${sum}`);
});

test('the live lane goes first', async () => {
  const clock = new ManualClock();
  const gate = new SendGate(clock, () => 10);
  const [live = 0, backlog = 0] = await run(gate, clock, [true, false], 60_000);
  assert.ok(live > 10 * backlog, `${live} live, ${backlog} of the backlog`);
});

test('a rate that changes counts from the next message on', async () => {
  const clock = new ManualClock();
  let rate = 10;
  const gate = new SendGate(clock, () => rate);
  await run(gate, clock, [false], 5_000);
  rate = 1;
  const [slow = 0] = await run(gate, clock, [false], 20_000);
  assert.ok(slow >= 18 && slow <= 22, `${slow}`);
});

test('an abort while waiting gives the slot back', async () => {
  const clock = new ManualClock();
  const slots = new Slots(1, new SendGate(clock, () => 0.1));
  assert.ok(await slots.take(true, never));
  slots.give(true);
  const stop = new AbortController();
  const waiting = slots.take(true, stop.signal);
  await clock.advance(100);
  stop.abort();
  assert.equal(await waiting, false);
  assert.equal(slots.used, 0);
});
