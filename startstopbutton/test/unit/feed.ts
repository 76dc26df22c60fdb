/** Feeds a contact in a test. */
import { opened, step } from '../../src/core/contact.ts';
import type { Contact, ContactEvent, ContactState, Level } from '../../src/core/contact.ts';

/** Acts at once: without long presses there is nothing to wait for. */
export const PRESS: Contact = { restLevel: 1, actOn: 'press', bounceMs: 20 };
/** The button as it is by default. */
export const LONG: Contact = { ...PRESS, longPressMs: 5_000 };

export type Timed = readonly [atMs: number, level: Level];

/** Feeds edges, and the ticks asked for when they are due; returns the times it acted. */
export function run(contact: Contact, edges: readonly Timed[], startLevel: Level = 1): number[] {
  return runAll(contact, edges, startLevel).map(({ atMs }) => atMs);
}

/** The same, with what it meant; ticks come `lateMs` late, and some more so much too early. */
export function runAll(
  contact: Contact,
  edges: readonly Timed[],
  startLevel: Level = 1,
  lateMs: () => number = () => 0,
  earlyMs: () => number | undefined = () => undefined,
): { readonly kind: 'act' | 'act_long'; readonly atMs: number }[] {
  let state: ContactState = opened(startLevel);
  let wakesMs: number[] = [];
  const acts: { kind: 'act' | 'act_long'; atMs: number }[] = [];
  const feed = (event: ContactEvent) => {
    const next = step(contact, state, event);
    state = next.state;
    for (const effect of next.effects) {
      if (effect.name === 'wake') {
        const more = earlyMs();
        wakesMs.push(effect.atMs + lateMs());
        if (more !== undefined) wakesMs.push(Math.max(event.atMs, effect.atMs - more));
      } else acts.push({ kind: effect.name, atMs: effect.atMs });
    }
  };
  const ticksUntil = (atMs: number) => {
    for (let dueMs = Math.min(...wakesMs); dueMs <= atMs && dueMs !== Infinity;) {
      wakesMs = wakesMs.filter((ms) => ms !== dueMs);
      feed({ name: 'tick', atMs: dueMs });
      dueMs = Math.min(...wakesMs);
    }
  };
  for (const [atMs, level] of edges) {
    ticksUntil(atMs);
    feed({ name: 'edge', level, atMs });
  }
  ticksUntil(Infinity);
  return acts;
}
