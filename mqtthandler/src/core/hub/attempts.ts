/**
 * When the next attempt to connect to the hub may be made.
 *
 * States
 * - free: nothing stands against an attempt.
 * - trying: an attempt is under way, or its session lasts. Leaves for `held` with its failure or end.
 * - held: not before `untilMs`, unless another target is published.
 *
 * Rules
 * - After a failed attempt: at least a minute and up to half as much again by chance, counted from
 *   the attempt (seed rule: a minute at least between attempts at one hub; all devices of a fleet
 *   lose their hub at once).
 * - After a session that lasted: a few seconds by chance. The last attempt is long ago.
 * - After sessions that the hub ends soon, again and again: quota used up, throttled, or another
 *   device with our id. It never says which over MQTT, so the wait doubles each time.
 * - After a session that we ended ourselves (new token, moved): at once.
 * - Never before the time the provisioner names: its back-off.
 * All times are milliseconds of the monotonic clock.
 */

export interface AttemptRules {
  /** Between two attempts at the same hub, at least. */
  readonly gapMs: number;
}

export type AttemptState =
  | { readonly kind: 'free'; readonly shortSessions: number }
  | {
      readonly kind: 'trying';
      readonly target: string;
      readonly sinceMs: number;
      /** Sessions in a row that the hub ended soon, before this one. */
      readonly shortSessions: number;
    }
  | {
      readonly kind: 'held';
      readonly target: string;
      readonly untilMs: number;
      readonly shortSessions: number;
    };

export type AttemptEvent =
  | { readonly kind: 'attempt'; readonly target: string; readonly nowMs: number }
  /** No session came of it. */
  | { readonly kind: 'failed'; readonly nowMs: number; readonly random: number }
  /** The session ended; `planned` = by ourselves. */
  | {
      readonly kind: 'ended';
      readonly nowMs: number;
      readonly planned: boolean;
      readonly random: number;
    };

export const FREE: AttemptState = { kind: 'free', shortSessions: 0 };

/** A session shorter than so many gaps was ended soon: bursts are shaped for 1 to 2 minutes first. */
const SHORT_GAPS = 3;
/** The wait doubles up to this many gaps. */
const MAX_GAPS = 16;
/** After a session that lasted; a hub that fails over drops its whole fleet at once. */
const SOON_MS = { floor: 1_000, spread: 4_000 };
/** A send rate halved so often is low enough. */
const MAX_HALVINGS = 6;

export function attemptStep(
  state: AttemptState,
  event: AttemptEvent,
  rules: AttemptRules,
): AttemptState {
  switch (event.kind) {
    case 'attempt': {
      const moved = state.kind !== 'free' && state.target !== event.target;
      const shortSessions = moved ? 0 : state.shortSessions;
      return { kind: 'trying', target: event.target, sinceMs: event.nowMs, shortSessions };
    }
    case 'failed':
      if (state.kind !== 'trying') return state;
      return held(state, state.sinceMs + spread(rules.gapMs, event.random), state.shortSessions);
    case 'ended':
      return state.kind === 'trying' ? ended(state, event, rules) : state;
  }
}

/** When the next attempt at `target` may be made; `notBeforeMs` as the provisioner names it. */
export function dueMs(state: AttemptState, target: string, notBeforeMs: number): number {
  if (state.kind !== 'held' || state.target !== target) return notBeforeMs;
  return Math.max(state.untilMs, notBeforeMs);
}

/**
 * The share of the configured send rate to use: halved for each session that was ended soon, doubled
 * again with each gap that the present one lasts.
 */
export function rateShare(state: AttemptState, nowMs: number, rules: AttemptRules): number {
  const halvings = Math.min(state.shortSessions, MAX_HALVINGS);
  if (state.kind !== 'trying') return 2 ** -halvings;
  const doublings = Math.floor((nowMs - state.sinceMs) / rules.gapMs);
  return 2 ** Math.min(0, doublings - halvings);
}

/** What an earlier life of this process has left: its last attempt failed `agoMs` ago. */
export function heldSince(
  target: string,
  agoMs: number,
  nowMs: number,
  random: number,
  rules: AttemptRules,
): AttemptState {
  const leftMs = Math.max(0, spread(rules.gapMs, random) - Math.max(0, agoMs));
  return { kind: 'held', target, untilMs: nowMs + leftMs, shortSessions: 0 };
}

type Trying = Extract<AttemptState, { kind: 'trying' }>;

function ended(
  state: Trying,
  event: Extract<AttemptEvent, { kind: 'ended' }>,
  rules: AttemptRules,
): AttemptState {
  const { nowMs, random } = event;
  if (event.planned) return held(state, nowMs, state.shortSessions);
  if (nowMs - state.sinceMs >= SHORT_GAPS * rules.gapMs) {
    const soonMs = SOON_MS.floor + SOON_MS.spread * random;
    return held(state, nowMs + Math.min(soonMs, rules.gapMs), 0);
  }
  const shortSessions = state.shortSessions + 1;
  const gaps = Math.min(MAX_GAPS, 2 ** (shortSessions - 1));
  return held(state, state.sinceMs + spread(gaps * rules.gapMs, random), shortSessions);
}

function held({ target }: Trying, untilMs: number, shortSessions: number): AttemptState {
  return { kind: 'held', target, untilMs, shortSessions };
}

/** Upwards only: the floor holds. */
function spread(gapMs: number, random: number): number {
  return gapMs * (1 + 0.5 * random);
}
