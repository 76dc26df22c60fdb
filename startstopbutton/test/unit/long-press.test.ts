import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import { LONG, runAll } from './feed.ts';
import type { Timed } from './feed.ts';

const TABLE: [name: string, edges: Timed[], acts: string[], start?: 0 | 1][] = [
  [
    'a 10 ms press acts once, when the line is quiet again',
    [
      [5, 0],
      [15, 1],
    ],
    ['act 15'],
  ],
  ['a press seen as one edge back at rest acts once', [[5, 1]], ['act 5']],
  [
    'a press of 4.9 s is short',
    [
      [0, 0],
      [4_900, 1],
    ],
    ['act 4900'],
  ],
  [
    'a press of 5 s is long, and its release means nothing',
    [
      [0, 0],
      [5_000, 1],
    ],
    ['act_long 5000'],
  ],
  ['a button that stays held acts once', [[0, 0]], ['act_long 5000']],
  [
    'bounce at both ends of a long press means nothing',
    [
      [0, 0],
      [3, 1],
      [4, 0],
      [6_000, 1],
      [6_002, 0],
      [6_004, 1],
    ],
    ['act_long 5000'],
  ],
  [
    'a glitch while held does not begin the time anew',
    [
      [0, 0],
      [2_000, 1],
      [2_003, 0],
      [7_000, 1],
    ],
    ['act_long 5000'],
  ],
  [
    'a short press after a long one is short',
    [
      [0, 0],
      [6_000, 1],
      [7_000, 0],
      [7_100, 1],
    ],
    ['act_long 5000', 'act 7100'],
  ],
  [
    'a button held at the start is no press, however long',
    [
      [20_000, 1],
      [30_000, 0],
      [30_050, 1],
    ],
    ['act 30050'],
    0,
  ],
];

for (const [name, edges, acts, start] of TABLE) {
  test(name, () => {
    for (const lateMs of [0, 400]) {
      const done = runAll(LONG, edges, start, () => lateMs).map(
        ({ kind, atMs }) => `${kind} ${atMs}`,
      );
      assert.deepEqual(done, acts, `ticks ${lateMs} ms late`);
    }
  });
}

test('acting on release knows long presses too, a switch that stays does not', () => {
  const held: Timed[] = [
    [0, 0],
    [6_000, 1],
  ];
  const kinds = (actOn: 'release' | 'change') =>
    runAll({ ...LONG, actOn }, held).map(({ kind }) => kind);
  assert.deepEqual(kinds('release'), ['act_long']);
  const { longPressMs: _, ...without } = LONG;
  const changes = runAll({ ...without, actOn: 'change' }, held).map(({ kind }) => kind);
  assert.deepEqual(changes, ['act', 'act']);
});

test('any mix of short and long presses with bounce is counted as what it was', () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = seededRandom(seed);
    const edges: Timed[] = [];
    const expected: string[] = [];
    let atMs = 10;
    const chatter = (settled: 0 | 1) => {
      for (let i = Math.floor(random.next() * 6); i > 0; i -= 1) {
        edges.push([atMs, settled], [atMs + random.next() * 2, settled === 0 ? 1 : 0]);
        atMs += 3 + random.next() * 10;
      }
      edges.push([atMs, settled]);
    };
    for (let press = 0; press < 10; press += 1) {
      const isLong = random.next() < 0.5;
      const beganMs = atMs;
      chatter(0);
      atMs = isLong ? beganMs + 5_060 + random.next() * 9_000 : atMs + 25 + random.next() * 4_000;
      chatter(1);
      expected.push(isLong ? 'act_long' : 'act');
      atMs += 150 + random.next() * 1_000;
    }
    const kinds = runAll(LONG, edges, 1, () => random.next() * 30).map(({ kind }) => kind);
    assert.deepEqual(kinds, expected, `seed ${seed}`);
  }
});
