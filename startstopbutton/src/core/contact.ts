/**
 * One contact on a GPIO line: which edges are a person's doing, which are bounce, and what a person
 * meant: a short press or a long one.
 *
 * States
 * - `still`: the line has been quiet for `bounceMs`. The level says whether the contact is at rest
 *   or held. Exit: any edge -> `moving`.
 * - `moving`: edges have come within the last `bounceMs`. Further edges only renew the time and the
 *   level. Exit: a silence of `bounceMs` that was watched, or that the next edge proves -> `still` at
 *   the level reported last.
 * Both carry `press`, the press under way: since when, and whether it has been taken as a long one.
 * It begins with the first edge away from rest and ends when the line is quiet at rest again.
 * Timer: `wake` asks for a `tick` at the time given, several times within `bounceMs`. A tick that
 * comes early does no harm.
 *
 * When the program does not run for a while
 * The edges of that while arrive late, and perhaps after the next tick. Time in which nobody watched
 * (a tick came later than `toleranceMs`) is therefore silence only when the tick after that one comes
 * without an edge in between; a press is known to be held still in the same way. What the edges then
 * say depends on where they come from:
 * - Exact ones carry the kernel's time (character device): the time between two of them was silent,
 *   however late they arrive. One that turns out to belong to a movement already settled is bounce.
 * - Others (sysfs) are joined to one, which tells the level at the time it is looked at and nothing of
 *   the time before. Still, once `bounceMs` have passed since a press began, rest is no bounce of it,
 *   and so long after that, a level away from rest is no bounce of the release: a press has ended and
 *   another begun. Less proves nothing, and counts once. A press that ended while nobody watched may
 *   have been long: it is short.
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
  /** It has acted: as a long one, or it had been settled before all of its edges came. */
  readonly hasActed: boolean;
  /** Nobody watched when it may have ended. */
  readonly isUnsure: boolean;
  /** When to look whether it is a long one; looked at again after having been late. */
  readonly lookMs: number;
  readonly isSecondLook: boolean;
}

export type ContactState =
  | {
      readonly name: 'still';
      readonly level: Level;
      /** Time of the last edge, undefined when there was none. */
      readonly quietSinceMs?: number;
      readonly press?: Press | undefined;
    }
  | {
      readonly name: 'moving';
      readonly level: Level;
      readonly lastEdgeMs: number;
      readonly seenMs: number;
      /** Silence since the last edge, as known when last seen, and what the next tick may add to it. */
      readonly quietMs: number;
      readonly unwatchedMs: number;
      readonly press?: Press | undefined;
    };

/** Times are monotonic milliseconds. */
export type ContactEvent =
  | {
      readonly name: 'edge';
      readonly level: Level;
      readonly atMs: number;
      /** The line changed to `level` at `atMs`; else it had that level then, and changed before. */
      readonly isExact?: boolean;
    }
  | { readonly name: 'tick'; readonly atMs: number };

type Still = Extract<ContactState, { readonly name: 'still' }>;
type Moving = Extract<ContactState, { readonly name: 'moving' }>;
type EdgeEvent = Extract<ContactEvent, { readonly name: 'edge' }>;

export type ContactEffect =
  /** The button has done what it is there for, at that time. */
  | { readonly name: 'act'; readonly atMs: number }
  /** It has been held for `longPressMs`, at that time. */
  | { readonly name: 'act_long'; readonly atMs: number }
  | { readonly name: 'wake'; readonly atMs: number };

export interface ContactStep<State extends ContactState = ContactState> {
  readonly state: State;
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
  if (event.name === 'edge') return move(contact, state, event);
  return state.name === 'moving'
    ? settle(contact, state, event.atMs)
    : hold(contact, state, event.atMs);
}

/** How far apart two events may be that the time between was watched, or how late a tick. */
function toleranceMs({ bounceMs }: Contact): number {
  // Below that, the ordinary lateness of a timer would look like absence.
  return Math.max(5, bounceMs / 2);
}

/** Becomes still when the silence was long enough and watched. */
function settle(contact: Contact, state: Moving, nowMs: number): ContactStep {
  const passedMs = nowMs - state.seenMs;
  const watchedMs = passedMs <= toleranceMs(contact) ? passedMs : 0;
  const quietMs = state.quietMs + state.unwatchedMs + watchedMs;
  if (quietMs < contact.bounceMs) {
    const next = { ...state, seenMs: nowMs, quietMs, unwatchedMs: passedMs - watchedMs };
    return { state: next, effects: nextWake(contact, next) };
  }
  const settled = becomeStill(contact, state);
  return state.level === contact.restLevel ? settled : hold(contact, settled.state, nowMs);
}

/** The line has been quiet for long enough: at rest, the press under way is over. */
function becomeStill(contact: Contact, { level, press, lastEdgeMs }: Moving): ContactStep<Still> {
  const still = { name: 'still', level, quietSinceMs: lastEdgeMs } as const;
  if (level !== contact.restLevel) return { state: { ...still, press }, effects: [] };
  const { longPressMs = Infinity } = contact;
  const act: ContactEffect[] = [];
  if (press !== undefined && isLong(press, lastEdgeMs, longPressMs)) {
    // Held for so long, and let go just before the tick.
    act.push({ name: 'act_long', atMs: press.sinceMs + longPressMs });
  } else if (actsWhenOver(contact) && press?.hasActed !== true) {
    if (press !== undefined || contact.actOn === 'release') {
      act.push({ name: 'act', atMs: lastEdgeMs });
    }
  }
  return { state: still, effects: act };
}

function isLong(press: Press, endMs: number, longPressMs: number): boolean {
  return !press.hasActed && !press.isUnsure && endMs - press.sinceMs >= longPressMs;
}

/** A press that is held for long enough by now is a long one. */
function hold(contact: Contact, state: Still, nowMs: number): ContactStep {
  const { longPressMs } = contact;
  const { press } = state;
  if (longPressMs === undefined || press === undefined || press.hasActed || press.isUnsure) {
    return { state, effects: [] };
  }
  const lateMs = nowMs - press.lookMs;
  if (lateMs < 0) return { state, effects: nextWake(contact, state) };
  if (lateMs > toleranceMs(contact) && !press.isSecondLook) {
    // An edge of the time in which nobody watched may be on its way.
    const lookMs = nowMs + contact.bounceMs;
    const next = { ...state, press: { ...press, lookMs, isSecondLook: true } };
    return { state: next, effects: nextWake(contact, next) };
  }
  return {
    state: { ...state, press: { ...press, hasActed: true } },
    effects: [{ name: 'act_long', atMs: press.sinceMs + longPressMs }],
  };
}

function move(contact: Contact, state: ContactState, edge: EdgeEvent): ContactStep {
  if (state.name === 'still') {
    const moved = beginMoving(contact, state, edge);
    return { ...moved, effects: [...moved.effects, ...nextWake(contact, moved.state)] };
  }
  if (provesSilence(contact, state, edge)) {
    const settled = becomeStill(contact, state);
    const moved = beginMoving(contact, settled.state, edge);
    // The ticks of the movement before go on.
    return { state: moved.state, effects: [...settled.effects, ...moved.effects] };
  }
  const press = state.press && pressAfter(contact, state, state.press, edge);
  return { state: { ...moving(edge), press }, effects: [] };
}

function beginMoving(contact: Contact, state: Still, edge: EdgeEvent): ContactStep {
  const { atMs, isExact } = edge;
  const { longPressMs = Infinity, bounceMs } = contact;
  const begun = { sinceMs: atMs, isUnsure: false, lookMs: atMs + longPressMs, isSecondLook: false };
  const { quietSinceMs = -Infinity, press } = state;
  if (isExact === true && atMs - quietSinceMs < bounceMs) {
    // It was quiet only because this edge was late.
    return {
      state: { ...moving(edge), press: press ?? { ...begun, hasActed: true } },
      effects: [],
    };
  }
  const begins = press === undefined && state.level === contact.restLevel;
  const next: Moving = {
    ...moving(edge),
    press: begins
      ? { ...begun, hasActed: false }
      : press && pressAfter(contact, state, press, edge),
  };
  const acts = contact.actOn === 'change' || (begins && !actsWhenOver(contact));
  return { state: next, effects: acts ? [{ name: 'act', atMs }] : [] };
}

function moving({ level, atMs }: EdgeEvent): Moving {
  return { name: 'moving', level, lastEdgeMs: atMs, seenMs: atMs, quietMs: 0, unwatchedMs: 0 };
}

/** Whether an edge tells that the line had been quiet before it for long enough. */
function provesSilence(contact: Contact, state: Moving, edge: EdgeEvent): boolean {
  const { restLevel, bounceMs } = contact;
  const { level, lastEdgeMs, press } = state;
  if (edge.atMs - lastEdgeMs < bounceMs) return false;
  if (edge.isExact === true) return true;
  const isReleased = press !== undefined && lastEdgeMs - press.sinceMs >= bounceMs;
  return isReleased && level === restLevel && edge.level !== restLevel;
}

/** What an edge says about the press under way: it may have ended earlier if nobody watched. */
function pressAfter(contact: Contact, state: ContactState, press: Press, edge: EdgeEvent): Press {
  const longAtMs = press.sinceMs + (contact.longPressMs ?? Infinity);
  if (press.hasActed || edge.isExact === true || edge.atMs < longAtMs) return press;
  // While it is still the next look is at `longAtMs`, and would have made it a long one.
  const expectedMs = state.name === 'moving' ? state.seenMs : longAtMs;
  return edge.atMs - expectedMs > toleranceMs(contact) ? { ...press, isUnsure: true } : press;
}

/** Whether what was meant is known only when the line is at rest again. */
function actsWhenOver({ actOn, longPressMs }: Contact): boolean {
  return actOn === 'release' || (actOn === 'press' && longPressMs !== undefined);
}

function nextWake({ bounceMs }: Contact, state: ContactState): ContactEffect[] {
  if (state.name === 'still') {
    return state.press === undefined ? [] : [{ name: 'wake', atMs: state.press.lookMs }];
  }
  const waitMs = Math.max(1, Math.min(bounceMs / 4, bounceMs - state.quietMs));
  return [{ name: 'wake', atMs: state.seenMs + waitMs }];
}
