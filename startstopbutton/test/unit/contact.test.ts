import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contactFor } from '../../src/core/contact.ts';
import type { Contact, Edge, Level, Pull } from '../../src/core/contact.ts';
import { PRESS, run } from './feed.ts';
import type { Timed } from './feed.ts';

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

function meaning(pin: number, pull: Pull, edge: Edge): string {
  const { restLevel, actOn } = contactFor({ pin, pull, edge, bounceMs: 20, longPressMs: 0 });
  return `${restLevel} ${actOn}`;
}

test('an edge away from rest is a press, one towards it a release', () => {
  assert.equal(meaning(17, 'UP', 'FALLING'), '1 press');
  assert.equal(meaning(17, 'UP', 'RISING'), '1 release');
  assert.equal(meaning(17, 'DOWN', 'RISING'), '0 press');
  assert.equal(meaning(17, 'DOWN', 'FALLING'), '0 release');
  assert.equal(meaning(17, 'NONE', 'FALLING'), '1 press');
  assert.equal(meaning(17, 'NONE', 'RISING'), '0 press');
  assert.equal(meaning(17, 'UP', 'BOTH'), '1 change');
});

test('GPIO 2 and 3 rest high whatever pull is configured, as their resistor on the board says', () => {
  for (const pin of [2, 3]) {
    for (const pull of ['UP', 'DOWN', 'NONE'] as const) {
      const options = { pin, pull, edge: 'FALLING', bounceMs: 20, longPressMs: 0 } as const;
      assert.deepEqual(contactFor(options), PRESS);
    }
  }
});
