import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Random } from '@holdfast/kit';
import { seededRandom } from '@holdfast/kit/testing';
import { contactFor, opened, step } from '../../src/core/contact.ts';
import type { Contact, ContactEvent, ContactState, Level } from '../../src/core/contact.ts';

const PRESS: Contact = { restLevel: 1, actOn: 'press', bounceMs: 20 };

type Timed = readonly [atMs: number, level: Level];

/** Feeds edges, and the ticks asked for when they are due; returns the times it acted. */
function run(contact: Contact, edges: readonly Timed[], startLevel: Level = 1): number[] {
  let state: ContactState = opened(startLevel);
  let wakeAtMs = Infinity;
  const acts: number[] = [];
  const feed = (event: ContactEvent) => {
    const next = step(contact, state, event);
    state = next.state;
    for (const effect of next.effects) {
      if (effect.name === 'act') acts.push(effect.atMs);
      else wakeAtMs = effect.atMs;
    }
  };
  const ticksUntil = (atMs: number) => {
    while (wakeAtMs !== Infinity && wakeAtMs <= atMs) {
      const dueMs = wakeAtMs;
      wakeAtMs = Infinity;
      feed({ name: 'tick', atMs: dueMs });
    }
  };
  for (const [atMs, level] of edges) {
    ticksUntil(atMs);
    feed({ name: 'edge', level, atMs });
  }
  ticksUntil(Infinity);
  return acts;
}

const TABLE: [name: string, contact: Contact, edges: Timed[], acts: number[], start?: Level][] = [
  [
    'a long press counts once, at its first edge',
    PRESS,
    [
      [5, 0],
      [505, 1],
    ],
    [5],
  ],
  [
    'a 10 ms press counts once',
    PRESS,
    [
      [5, 0],
      [15, 1],
    ],
    [5],
  ],
  ['a press seen as one edge back at rest counts once', PRESS, [[5, 1]], [5]],
  [
    'repeated edges of the same level count once',
    PRESS,
    [
      [5, 0],
      [6, 0],
      [7, 0],
      [300, 1],
    ],
    [5],
  ],
  [
    'a bouncing press counts once',
    PRESS,
    [
      [5, 0],
      [6, 1],
      [7, 0],
      [9, 1],
      [10, 0],
      [300, 1],
    ],
    [5],
  ],
  [
    'a bouncing release counts nothing',
    PRESS,
    [
      [5, 0],
      [200, 1],
      [201, 0],
      [202, 1],
    ],
    [5],
  ],
  [
    'two presses count twice',
    PRESS,
    [
      [5, 0],
      [15, 1],
      [60, 0],
      [70, 1],
    ],
    [5, 60],
  ],
  [
    'a second press before the line was quiet is bounce',
    PRESS,
    [
      [5, 0],
      [15, 1],
      [30, 0],
      [40, 1],
    ],
    [5],
  ],
  [
    'edges within the bounce time renew it',
    PRESS,
    [
      [0, 0],
      [15, 1],
      [30, 0],
      [45, 1],
      [60, 0],
    ],
    [0],
  ],
  [
    'a button held at the start counts nothing when released',
    PRESS,
    [
      [5, 1],
      [6, 0],
      [7, 1],
    ],
    [],
    0,
  ],
  [
    'and counts when pressed after that',
    PRESS,
    [
      [5, 1],
      [100, 0],
    ],
    [100],
    0,
  ],
  [
    'acting on release waits until the line is quiet at rest',
    { ...PRESS, actOn: 'release' },
    [
      [5, 0],
      [300, 1],
      [301, 0],
      [303, 1],
    ],
    [303],
  ],
  [
    'acting on release counts a 10 ms press once',
    { ...PRESS, actOn: 'release' },
    [
      [5, 0],
      [15, 1],
    ],
    [15],
  ],
  [
    'a switch that stays counts each change once',
    { ...PRESS, actOn: 'change' },
    [
      [5, 0],
      [6, 1],
      [8, 0],
      [500, 1],
      [501, 0],
      [502, 1],
    ],
    [5, 500],
  ],
  [
    'with a pull-down a rising edge is the press',
    { ...PRESS, restLevel: 0 },
    [
      [5, 1],
      [300, 0],
    ],
    [5],
    0,
  ],
];

for (const [name, contact, edges, acts, start] of TABLE) {
  test(name, () => assert.deepEqual(run(contact, edges, start), acts));
}

function meaning(...args: Parameters<typeof contactFor>): string {
  const { restLevel, actOn } = contactFor(...args);
  return `${restLevel} ${actOn}`;
}

test('an edge away from rest is a press, one towards it a release', () => {
  assert.equal(meaning(17, 'UP', 'FALLING', 20), '1 press');
  assert.equal(meaning(17, 'UP', 'RISING', 20), '1 release');
  assert.equal(meaning(17, 'DOWN', 'RISING', 20), '0 press');
  assert.equal(meaning(17, 'DOWN', 'FALLING', 20), '0 release');
  assert.equal(meaning(17, 'NONE', 'FALLING', 20), '1 press');
  assert.equal(meaning(17, 'NONE', 'RISING', 20), '0 press');
  assert.equal(meaning(17, 'UP', 'BOTH', 20), '1 change');
});

test('GPIO 2 and 3 rest high whatever pull is configured, as their resistor on the board says', () => {
  for (const pin of [2, 3]) {
    for (const pull of ['UP', 'DOWN', 'NONE'] as const) {
      assert.deepEqual(contactFor(pin, pull, 'FALLING', 20), PRESS);
    }
  }
});

/** A gesture: chatter, a hold, chatter; ends at rest. Gaps within chatter stay below 20 ms. */
function gesture(startMs: number, random: Random): { edges: Timed[]; endMs: number } {
  const edges: Timed[] = [];
  let atMs = startMs;
  const chatter = (settled: Level) => {
    for (let i = Math.floor(random.next() * 12); i > 0; i -= 1) {
      edges.push([atMs, settled], [atMs + random.next() * 3, settled === 0 ? 1 : 0]);
      atMs += 3 + random.next() * 16;
    }
    edges.push([atMs, settled]);
  };
  chatter(0);
  atMs += random.next() < 0.5 ? random.next() * 19 : 25 + random.next() * 2_000;
  chatter(1);
  return { edges, endMs: atMs };
}

/** What a busy kernel and onoff make of it: edges joined, values read late, but the last is true. */
function blur(edges: readonly Timed[], random: Random): Timed[] {
  const kept = edges.filter((_, i) => i === 0 || i === edges.length - 1 || random.next() < 0.6);
  return kept.map(([atMs, level], i) => {
    const guess: Level = random.next() < 0.5 ? 0 : 1;
    return [atMs, i === kept.length - 1 ? level : guess];
  });
}

test('random bounce of any number of presses counts each press exactly once', () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = seededRandom(seed);
    const starts: number[] = [];
    const edges: Timed[] = [];
    let atMs = 10;
    for (let press = 0; press < 10; press += 1) {
      starts.push(atMs);
      const made = gesture(atMs, random);
      edges.push(...made.edges);
      atMs = made.endMs + 21 + random.next() * 500;
    }
    assert.deepEqual(run(PRESS, edges), starts, `seed ${seed}`);
  }
});

test('short presses count exactly once however edges are joined and their values blurred', () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = seededRandom(seed);
    const starts: number[] = [];
    const edges: Timed[] = [];
    let atMs = 10;
    for (let press = 0; press < 10; press += 1) {
      starts.push(atMs);
      const short = gestureWithin(atMs, random);
      edges.push(...blur(short, random));
      atMs += 60 + random.next() * 300;
    }
    assert.deepEqual(run(PRESS, edges), starts, `seed ${seed}`);
  }
});

/** A press that is over within 19 ms: any of its edges may be the only one seen. */
function gestureWithin(startMs: number, random: Random): Timed[] {
  const times = Array.from({ length: 2 * Math.ceil(random.next() * 6) }, () => random.next() * 19);
  return [startMs, ...times.map((ms) => startMs + ms).toSorted((a, b) => a - b)]
    .slice(0, times.length)
    .map((atMs, i) => [atMs, i % 2 === 0 ? 0 : 1]);
}

test('ticks that come late, early or not at all change nothing', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = seededRandom(seed);
    let state: ContactState = opened(1);
    const acts: number[] = [];
    const starts: number[] = [];
    let atMs = 10;
    const feed = (event: ContactEvent) => {
      const next = step(PRESS, state, event);
      state = next.state;
      for (const effect of next.effects) if (effect.name === 'act') acts.push(effect.atMs);
    };
    for (let press = 0; press < 20; press += 1) {
      starts.push(atMs);
      const { edges, endMs } = gesture(atMs, random);
      for (const [edgeMs, level] of edges) {
        feed({ name: 'edge', level, atMs: edgeMs });
        if (random.next() < 0.3) feed({ name: 'tick', atMs: edgeMs });
      }
      atMs = endMs + 21 + random.next() * 100;
    }
    assert.deepEqual(acts, starts, `seed ${seed}`);
  }
});
