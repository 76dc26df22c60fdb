/** The program does not run for a while, and what happened meanwhile arrives when it runs again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Random } from '@holdfast/kit';
import { seededRandom } from '@holdfast/kit/testing';
import { opened, step } from '../../src/core/contact.ts';
import type { Contact, ContactEvent, ContactState, Level } from '../../src/core/contact.ts';
import { LONG, PRESS } from './feed.ts';
import type { Timed } from './feed.ts';

/** Feeds events and returns what it did; ticks are those of the test, not those asked for. */
function fed(contact: Contact, events: readonly ContactEvent[]): string[] {
  let state: ContactState = opened(contact.restLevel);
  return events.flatMap((event) => {
    const next = step(contact, state, event);
    state = next.state;
    return next.effects.flatMap(({ name, atMs }) => (name === 'wake' ? [] : [`${name} ${atMs}`]));
  });
}

test('a press counts once although the program stood still in the middle of its bounce', () => {
  // It sees the first edge and the line back at rest, stands still for 100 ms, and then sees the rest.
  const seen: ContactEvent[] = [
    { name: 'edge', level: 0, atMs: 0 },
    { name: 'edge', level: 1, atMs: 1 },
    { name: 'tick', atMs: 101 },
    { name: 'edge', level: 0, atMs: 101.2 },
  ];
  assert.deepEqual(fed(PRESS, seen), ['act 0']);
  assert.deepEqual(fed(LONG, seen), []);
});

test('what an absence has hidden is waited for: a tick proves nothing about it, the next one does', () => {
  const held: ContactEvent[] = [
    { name: 'edge', level: 0, atMs: 0 },
    { name: 'edge', level: 1, atMs: 1 },
    { name: 'tick', atMs: 101 },
  ];
  assert.deepEqual(fed(LONG, held), []);
  assert.deepEqual(fed(LONG, [...held, { name: 'tick', atMs: 501 }]), ['act 1']);
});

test('a press that ended while nobody looked is not taken for a long one', () => {
  const press: ContactEvent[] = [
    { name: 'edge', level: 0, atMs: 0 },
    ...[5, 10, 15, 20, 25].map((atMs) => ({ name: 'tick', atMs }) as const),
  ];
  const quiet = [1, 6, 11, 16, 21, 26].map((ms) => ({ name: 'tick', atMs: 6_001 + ms }) as const);
  // Let go at 400 ms, while the program stood still from 30 ms to 6 s.
  const released: ContactEvent = { name: 'edge', level: 1, atMs: 6_001 };
  assert.deepEqual(fed(LONG, [...press, released, ...quiet]), ['act 6001']);
  const afterTick: ContactEvent[] = [{ name: 'tick', atMs: 6_000 }, released];
  assert.deepEqual(fed(LONG, [...press, ...afterTick, ...quiet]), ['act 6001']);
  // Held all the time: seen so by the tick after the one that came late.
  const twice: ContactEvent[] = [6_000, 6_020].map((atMs) => ({ name: 'tick', atMs }));
  assert.deepEqual(fed(LONG, [...press, ...twice]), ['act_long 5000']);
});

interface Stall {
  readonly fromMs: number;
  readonly endMs: number;
}

/** Presses half a second apart, each bouncing at both ends for up to 15 ms. */
function presses(count: number, random: Random): Timed[] {
  const edges: Timed[] = [];
  for (let press = 0; press < count; press += 1) {
    const startMs = 50 + press * 500;
    const endMs = startMs + 20 + random.next() * 150;
    const settled: readonly Timed[] = [
      [startMs, 0],
      [endMs, 1],
    ];
    for (const [atMs, level] of settled) {
      const other: Level = level === 0 ? 1 : 0;
      const times = Array.from({ length: 2 * Math.floor(random.next() * 6) }, () => random.next());
      const bounce = times
        .toSorted((a, b) => a - b)
        .map((t, i): Timed => {
          return [atMs + t * 15, i % 2 === 0 ? other : level];
        });
      edges.push([atMs, level], ...bounce);
    }
  }
  return edges;
}

/** Runs a contact in a program that stands still at random; returns how often it acted. */
function actsOf(contact: Contact, edges: readonly Timed[], stalls: readonly Stall[]): number {
  const awakeMs = (atMs: number) =>
    stalls.find(({ fromMs, endMs }) => atMs >= fromMs && atMs < endMs)?.endMs ?? atMs;
  const levelAt = (atMs: number): Level => edges.findLast(([ms]) => ms <= atMs)?.[1] ?? 1;
  // Edges come a little after the ticks that are due, and with the level the line has by then.
  const arrivals = edges.map(([atMs]) => awakeMs(atMs) + 0.3);
  let state: ContactState = opened(1);
  let dueMs: number[] = [];
  let acts = 0;
  const feed = (event: ContactEvent) => {
    const next = step(contact, state, event);
    state = next.state;
    for (const effect of next.effects) {
      if (effect.name === 'wake') dueMs.push(awakeMs(effect.atMs));
      else acts += 1;
    }
  };
  const ticksUntil = (atMs: number) => {
    for (let ms = Math.min(...dueMs); ms <= atMs && ms < 60_000; ms = Math.min(...dueMs)) {
      dueMs = dueMs.filter((other) => other !== ms);
      feed({ name: 'tick', atMs: ms });
    }
  };
  for (const atMs of arrivals) {
    ticksUntil(atMs);
    feed({ name: 'edge', level: levelAt(atMs), atMs });
  }
  ticksUntil(50_000);
  return acts;
}

test('every press counts exactly once in a program that stands still again and again', () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = seededRandom(seed);
    const edges = presses(10, random);
    const stalls: Stall[] = [];
    for (let fromMs = random.next() * 60; fromMs < 5_200;) {
      const endMs = fromMs + random.next() ** 2 * 120;
      stalls.push({ fromMs, endMs });
      fromMs = endMs + random.next() * 150;
    }
    for (const contact of [PRESS, LONG]) {
      assert.equal(actsOf(contact, edges, stalls), 10, `seed ${seed}`);
    }
  }
});
