/**
 * One contact on a GPIO line: which edges are a person's doing and which are bounce.
 *
 * States
 * - `still`: the line has been quiet for `bounceMs`. The level says whether the contact is at rest
 *   or held. Exit: any edge -> `moving`.
 * - `moving`: edges have come within the last `bounceMs`. Further edges only renew the time and the
 *   level. Exit: `bounceMs` after the last edge -> `still` at the level reported last.
 * Timer: `wake` asks for a `tick` at the time given; a tick that comes late or early does no harm.
 *
 * When it acts
 * - `press`: at once with the first edge away from rest. A press of 10 ms counts, a bouncing one
 *   counts once; a release, bouncing or not, begins in `still` off rest and counts nothing.
 * - `release`: when the line has become quiet at rest again.
 * - `change`: at once with the first edge, in both directions; for a switch that stays.
 *
 * Neither the number nor the values of edges are relied on: the kernel and onoff join edges and read
 * the level only when the program runs, so a short press may arrive as one edge with the level of
 * rest, or as several equal ones (hardware facts, sections 2.3 and 4.4). Only the level of the last
 * edge is final: an edge after it would have been reported.
 */
export type Level = 0 | 1;
export type ActOn = 'press' | 'release' | 'change';
export type Pull = 'UP' | 'DOWN' | 'NONE';
export type Edge = 'FALLING' | 'RISING' | 'BOTH';

export interface Contact {
  /** Level of the line while nobody touches it. */
  readonly restLevel: Level;
  readonly actOn: ActOn;
  readonly bounceMs: number;
}

export type ContactState =
  | { readonly name: 'still'; readonly level: Level }
  | { readonly name: 'moving'; readonly level: Level; readonly lastEdgeMs: number };

/** Times are monotonic milliseconds. */
export type ContactEvent =
  | { readonly name: 'edge'; readonly level: Level; readonly atMs: number }
  | { readonly name: 'tick'; readonly atMs: number };

export type ContactEffect =
  /** The button has done what it is there for, at that time. */
  | { readonly name: 'act'; readonly atMs: number }
  | { readonly name: 'wake'; readonly atMs: number };

export interface ContactStep {
  readonly state: ContactState;
  readonly effects: readonly ContactEffect[];
}

/** Pins whose pull-up is a resistor on the board, which no configuration can win against. */
const BOARD_PULL_UPS: readonly number[] = [2, 3];

/**
 * What the configured edge means for a line with this pull: an edge away from rest is a press, one
 * towards it a release. Without a pull the edge itself tells what rest is.
 */
export function contactFor(pin: number, pull: Pull, edge: Edge, bounceMs: number): Contact {
  const effective = BOARD_PULL_UPS.includes(pin) ? 'UP' : pull;
  const restLevel: Level =
    effective === 'UP' || (effective === 'NONE' && edge !== 'RISING') ? 1 : 0;
  if (edge === 'BOTH') return { restLevel, actOn: 'change', bounceMs };
  const towards: Level = edge === 'RISING' ? 1 : 0;
  return { restLevel, actOn: towards === restLevel ? 'release' : 'press', bounceMs };
}

/** The state when a line has just been opened; a button held at that moment has not been pressed. */
export function opened(level: Level): ContactState {
  return { name: 'still', level };
}

export function step(contact: Contact, state: ContactState, event: ContactEvent): ContactStep {
  const settled = settle(contact, state, event.atMs);
  switch (event.name) {
    case 'edge': {
      const moved = move(contact, settled.state, event);
      return { state: moved.state, effects: [...settled.effects, ...moved.effects] };
    }
    case 'tick':
      return settled.state.name === 'moving'
        ? { state: settled.state, effects: [wakeAfter(contact, settled.state.lastEdgeMs)] }
        : settled;
  }
}

/** Becomes still when the line has been quiet for long enough by now. */
function settle(contact: Contact, state: ContactState, nowMs: number): ContactStep {
  if (state.name === 'still' || nowMs - state.lastEdgeMs < contact.bounceMs) {
    return { state, effects: [] };
  }
  const acts = contact.actOn === 'release' && state.level === contact.restLevel;
  return {
    state: { name: 'still', level: state.level },
    effects: acts ? [{ name: 'act', atMs: state.lastEdgeMs }] : [],
  };
}

function move(
  contact: Contact,
  state: ContactState,
  edge: { readonly level: Level; readonly atMs: number },
): ContactStep {
  const moving: ContactState = { name: 'moving', level: edge.level, lastEdgeMs: edge.atMs };
  if (state.name === 'moving') return { state: moving, effects: [] };
  const wake = wakeAfter(contact, edge.atMs);
  const acts =
    contact.actOn === 'change' || (contact.actOn === 'press' && state.level === contact.restLevel);
  return {
    state: moving,
    effects: acts ? [{ name: 'act', atMs: edge.atMs }, wake] : [wake],
  };
}

function wakeAfter(contact: Contact, edgeMs: number): ContactEffect {
  return { name: 'wake', atMs: edgeMs + contact.bounceMs };
}
