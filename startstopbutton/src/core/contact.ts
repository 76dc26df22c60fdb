/**
 * One contact on a GPIO line: which edges are a person's doing, which are bounce, and what a person
 * meant: a short press or a long one.
 *
 * States
 * - `still`: the line has been quiet for `bounceMs`. The level says whether the contact is at rest
 *   or held. Exit: any edge -> `moving`.
 * - `moving`: edges have come within the last `bounceMs`. Further edges only renew the time and the
 *   level. Exit: `bounceMs` after the last edge -> `still` at the level reported last.
 * Both carry `press`, the press under way: since when, and whether it has been taken as a long one.
 * It begins with the first edge away from rest and ends when the line is quiet at rest again.
 * Timer: `wake` asks for a `tick` at the time given; a tick that comes late or early does no harm.
 *
 * When it acts
 * - `press` with `longPressMs`: what a press means is known when it ends, so a short one acts when
 *   the line is quiet at rest again, and a long one (`act_long`) as soon as it has been held for so
 *   long; its release means nothing any more. A press of 10 ms counts once.
 * - `press` without: at once with the first edge away from rest. A press of 10 ms counts, a bouncing
 *   one counts once; a release, bouncing or not, begins in `still` off rest and counts nothing.
 * - `release`: when the line has become quiet at rest again; `longPressMs` as above.
 * - `change`: at once with the first edge, in both directions; for a switch that stays, which is
 *   never pressed long.
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
  /** A press held for so long is a long one; undefined = there are no long ones. */
  readonly longPressMs?: number;
}

/** A press under way. */
interface Press {
  readonly sinceMs: number;
  readonly wasLong: boolean;
}

export type ContactState =
  | { readonly name: 'still'; readonly level: Level; readonly press?: Press | undefined }
  | {
      readonly name: 'moving';
      readonly level: Level;
      readonly lastEdgeMs: number;
      readonly press?: Press | undefined;
    };

/** Times are monotonic milliseconds. */
export type ContactEvent =
  | { readonly name: 'edge'; readonly level: Level; readonly atMs: number }
  | { readonly name: 'tick'; readonly atMs: number };

export type ContactEffect =
  /** The button has done what it is there for, at that time. */
  | { readonly name: 'act'; readonly atMs: number }
  /** It has been held for `longPressMs`, at that time. */
  | { readonly name: 'act_long'; readonly atMs: number }
  | { readonly name: 'wake'; readonly atMs: number };

export interface ContactStep {
  readonly state: ContactState;
  readonly effects: readonly ContactEffect[];
}

export interface ContactOptions {
  readonly pin: number;
  readonly pull: Pull;
  readonly edge: Edge;
  readonly bounceMs: number;
  /** 0 = there are no long presses. */
  readonly longPressMs: number;
}

/** Pins whose pull-up is a resistor on the board, which no configuration can win against. */
export const BOARD_PULL_UPS: readonly number[] = [2, 3];

/** The pull a pin has in the end when this one is configured. */
export function effectivePull(pin: number, pull: Pull): Pull {
  return BOARD_PULL_UPS.includes(pin) ? 'UP' : pull;
}

/**
 * What the configured edge means for a line with this pull: an edge away from rest is a press, one
 * towards it a release. Without a pull the edge itself tells what rest is.
 */
export function contactFor(options: ContactOptions): Contact {
  const { pin, pull, edge, bounceMs, longPressMs } = options;
  const effective = effectivePull(pin, pull);
  const restLevel: Level =
    effective === 'UP' || (effective === 'NONE' && edge !== 'RISING') ? 1 : 0;
  if (edge === 'BOTH') return { restLevel, actOn: 'change', bounceMs };
  const towards: Level = edge === 'RISING' ? 1 : 0;
  const contact = {
    restLevel,
    actOn: towards === restLevel ? 'release' : 'press',
    bounceMs,
  } as const;
  return longPressMs > 0 ? { ...contact, longPressMs } : contact;
}

/** The state when a line has just been opened; a button held at that moment has not been pressed. */
export function opened(level: Level): ContactState {
  return { name: 'still', level };
}

export function step(contact: Contact, state: ContactState, event: ContactEvent): ContactStep {
  const settled = settle(contact, state, event.atMs);
  const held = hold(contact, settled.state, event.atMs);
  const before = [...settled.effects, ...held.effects];
  if (event.name === 'tick') {
    return { state: held.state, effects: [...before, ...nextWake(contact, held.state)] };
  }
  const moved = move(contact, held.state, event);
  return { state: moved.state, effects: [...before, ...moved.effects] };
}

/** Becomes still when the line has been quiet for long enough by now. */
function settle(contact: Contact, state: ContactState, nowMs: number): ContactStep {
  if (state.name === 'still' || nowMs - state.lastEdgeMs < contact.bounceMs) {
    return { state, effects: [] };
  }
  const { level, press, lastEdgeMs } = state;
  const isOver = level === contact.restLevel;
  if (!isOver) return { state: { name: 'still', level, press }, effects: [] };
  const { longPressMs = Infinity } = contact;
  const act: ContactEffect[] = [];
  if (press !== undefined && !press.wasLong && lastEdgeMs - press.sinceMs >= longPressMs) {
    // Held for so long, and let go before anybody looked.
    act.push({ name: 'act_long', atMs: press.sinceMs + longPressMs });
  } else if (actsWhenOver(contact) && press?.wasLong !== true) {
    if (press !== undefined || contact.actOn === 'release') {
      act.push({ name: 'act', atMs: lastEdgeMs });
    }
  }
  return { state: { name: 'still', level }, effects: act };
}

/** A press that has lasted long enough by now is a long one. */
function hold(contact: Contact, state: ContactState, nowMs: number): ContactStep {
  const { longPressMs } = contact;
  const { press } = state;
  if (state.name !== 'still' || press === undefined || press.wasLong) return { state, effects: [] };
  if (longPressMs === undefined || nowMs - press.sinceMs < longPressMs) {
    return { state, effects: [] };
  }
  return {
    state: { ...state, press: { ...press, wasLong: true } },
    effects: [{ name: 'act_long', atMs: press.sinceMs + longPressMs }],
  };
}

function move(
  contact: Contact,
  state: ContactState,
  { level, atMs }: { readonly level: Level; readonly atMs: number },
): ContactStep {
  const { press } = state;
  if (state.name === 'moving') {
    return { state: { name: 'moving', level, lastEdgeMs: atMs, press }, effects: [] };
  }
  const begins = press === undefined && state.level === contact.restLevel;
  const next: ContactState = {
    name: 'moving',
    level,
    lastEdgeMs: atMs,
    press: begins ? { sinceMs: atMs, wasLong: false } : press,
  };
  const acts = contact.actOn === 'change' || (begins && !actsWhenOver(contact));
  const wake = nextWake(contact, next);
  return { state: next, effects: acts ? [{ name: 'act', atMs }, ...wake] : wake };
}

/** Whether what was meant is known only when the line is at rest again. */
function actsWhenOver({ actOn, longPressMs }: Contact): boolean {
  return actOn === 'release' || (actOn === 'press' && longPressMs !== undefined);
}

function nextWake({ bounceMs, longPressMs }: Contact, state: ContactState): ContactEffect[] {
  if (state.name === 'moving') return [{ name: 'wake', atMs: state.lastEdgeMs + bounceMs }];
  const { press } = state;
  if (longPressMs === undefined || press === undefined || press.wasLong) return [];
  return [{ name: 'wake', atMs: press.sinceMs + longPressMs }];
}
