/** Feeds a contact in a test. */
import { opened, step } from '../../src/core/contact.ts';
import type { Contact, ContactEvent, ContactState, Level } from '../../src/core/contact.ts';

export const PRESS: Contact = { restLevel: 1, actOn: 'press', bounceMs: 20 };

export type Timed = readonly [atMs: number, level: Level];

/** Feeds edges, and the ticks asked for when they are due; returns the times it acted. */
export function run(contact: Contact, edges: readonly Timed[], startLevel: Level = 1): number[] {
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
