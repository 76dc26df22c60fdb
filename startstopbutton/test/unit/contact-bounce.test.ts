import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Random } from '@holdfast/kit';
import { seededRandom } from '@holdfast/kit/testing';
import type { Level } from '../../src/core/contact.ts';
import { PRESS, run, runAll } from './feed.ts';
import type { Timed } from './feed.ts';

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

test('ticks that come late, early or twice change nothing', () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = seededRandom(seed);
    const edges: Timed[] = [];
    const starts: number[] = [];
    let atMs = 10;
    for (let press = 0; press < 20; press += 1) {
      starts.push(atMs);
      const made = gesture(atMs, random);
      edges.push(...made.edges);
      atMs = made.endMs + 150 + random.next() * 100;
    }
    const late = () => random.next() * 30;
    const early = () => (random.next() < 0.3 ? random.next() * 10 : undefined);
    const acts = runAll(PRESS, edges, 1, late, early).map(({ atMs }) => atMs);
    assert.deepEqual(acts, starts, `seed ${seed}`);
  }
});
