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

function edges(times: readonly Timed[], isExact: boolean): ContactEvent[] {
  return times.map(([atMs, level]) => ({ name: 'edge', level, atMs, isExact }));
}

const TWO_PRESSES: readonly Timed[] = [
  [0, 0],
  [2, 1],
  [3, 0],
  [40, 1],
  [100, 0],
  [130, 1],
];

test('exact edges that come all at once after a while are as many presses as they were', () => {
  const seen = [
    ...edges(TWO_PRESSES, true),
    ...[900, 905, 910].map((atMs) => ({ name: 'tick', atMs }) as const),
  ];
  assert.deepEqual(fed(PRESS, seen), ['act 0', 'act 100']);
  assert.deepEqual(fed(LONG, seen), ['act 40', 'act 130']);
  assert.deepEqual(fed({ ...PRESS, actOn: 'release' }, seen), ['act 40', 'act 130']);
  assert.deepEqual(fed({ ...PRESS, actOn: 'change' }, seen), [
    'act 0',
    'act 40',
    'act 100',
    'act 130',
  ]);
  const long: ContactEvent[] = edges([...TWO_PRESSES, [200, 0], [5_400, 1]], true);
  const ticks = [6_000, 6_005].map((atMs) => ({ name: 'tick', atMs }) as const);
  assert.deepEqual(fed(LONG, [...long, ...ticks]), ['act 40', 'act 130', 'act_long 5200']);
});

test('an exact edge that comes after the line was taken for quiet is still bounce', () => {
  const ticks = [6, 11, 16, 21, 26].map((atMs) => ({ name: 'tick', atMs }) as const);
  const later: ContactEvent[] = edges(
    [
      [1.5, 0],
      [60, 1],
      [200, 0],
      [240, 1],
    ],
    true,
  );
  const quiet = [260, 265, 270].map((atMs) => ({ name: 'tick', atMs }) as const);
  const seen = [
    ...edges(
      [
        [0, 0],
        [1, 1],
      ],
      true,
    ),
    ...ticks,
    ...later,
    ...quiet,
  ];
  assert.deepEqual(fed(PRESS, seen), ['act 0', 'act 200']);
  assert.deepEqual(fed(LONG, seen), ['act 1', 'act 240']);
});

test('levels seen prove two presses when each lasted longer than bounce does', () => {
  const ticks = [900, 905, 910].map((atMs) => ({ name: 'tick', atMs }) as const);
  const seen = (times: Timed[]) => [...edges(times, false), ...ticks];
  const proof: Timed[] = [
    [0, 0],
    [40, 1],
    [100, 0],
    [130, 1],
  ];
  assert.equal(fed(PRESS, seen(proof)).length, 2);
  assert.equal(fed(LONG, seen(proof)).length, 2);
  // Rest seen so early may be bounce of the press, and rest seen again may be bounce of the release.
  assert.equal(
    fed(
      LONG,
      seen([
        [0, 0],
        [15, 1],
        [100, 0],
        [130, 1],
      ]),
    ).length,
    1,
  );
  assert.equal(
    fed(
      LONG,
      seen([
        [0, 0],
        [40, 1],
        [130, 1],
      ]),
    ).length,
    1,
  );
});

interface Pace {
  /** At least so long each. */
  readonly holdMs: number;
  readonly restMs: number;
}

/** Nobody presses faster. */
const PERSON: Pace = { holdMs: 30, restMs: 60 };

interface Stall {
  readonly fromMs: number;
  readonly endMs: number;
}

/** Presses that bounce at both ends for up to 15 ms. */
function presses(count: number, { holdMs, restMs }: Pace, random: Random): Timed[] {
  const edges: Timed[] = [];
  let endMs = 0;
  for (let press = 0; press < count; press += 1) {
    const startMs = endMs + restMs + random.next() * 300;
    endMs = startMs + holdMs + random.next() * 150;
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

/**
 * Runs a contact in a program that stands still at random; returns how often it acted. Edges that are
 * not exact come with the level the line has by then.
 */
function actsOf(
  contact: Contact,
  edges: readonly Timed[],
  stalls: readonly Stall[],
  isExact: boolean,
): number {
  const awakeMs = (atMs: number) =>
    stalls.find(({ fromMs, endMs }) => atMs >= fromMs && atMs < endMs)?.endMs ?? atMs;
  const levelAt = (atMs: number): Level => edges.findLast(([ms]) => ms <= atMs)?.[1] ?? 1;
  // Edges come a little after the ticks that are due.
  const arrivalMs = (atMs: number) => awakeMs(atMs) + 0.3;
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
  for (const [atMs, level] of edges) {
    const seenMs = arrivalMs(atMs);
    ticksUntil(seenMs);
    feed(
      isExact
        ? { name: 'edge', level, atMs, isExact }
        : { name: 'edge', level: levelAt(seenMs), atMs: seenMs },
    );
  }
  ticksUntil(50_000);
  return acts;
}

/** Times in which the program does not run, for up to `longestMs`. */
function stallsOf(longestMs: number, random: Random): Stall[] {
  const stalls: Stall[] = [];
  for (let fromMs = random.next() * 60; fromMs < 8_000;) {
    const endMs = fromMs + random.next() ** 2 * longestMs;
    stalls.push({ fromMs, endMs });
    fromMs = endMs + random.next() * 150;
  }
  return stalls;
}

test('every press counts exactly once in a program that stands still again and again', () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = seededRandom(seed);
    const edges = presses(10, { holdMs: 20, restMs: 330 }, random);
    const stalls = stallsOf(120, random);
    for (const contact of [PRESS, LONG]) {
      assert.equal(actsOf(contact, edges, stalls, false), 10, `seed ${seed}`);
    }
  }
});

test('with exact edges so does every press a person can make, however long it stands still', () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = seededRandom(seed);
    const edges = presses(10, PERSON, random);
    const stalls = stallsOf(1_000, random);
    for (const contact of [PRESS, LONG]) {
      assert.equal(actsOf(contact, edges, stalls, true), 10, `seed ${seed}`);
    }
  }
});

test('levels seen count such presses once if it stands still for 30 ms, and never twice', () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = seededRandom(seed);
    const edges = presses(10, PERSON, random);
    const [short, long] = [stallsOf(30, random), stallsOf(300, random)];
    for (const contact of [PRESS, LONG]) {
      assert.equal(actsOf(contact, edges, short, false), 10, `seed ${seed}`);
      const count = actsOf(contact, edges, long, false);
      assert.ok(count <= 10, `seed ${seed}: ${count}`);
    }
  }
});
