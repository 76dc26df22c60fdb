/** Asking DPS, and what follows from its answers. */
import { backoffMs } from '@holdfast/kit';
import type { Random } from '@holdfast/kit';
import { decideDps } from './decisions.ts';
import type { DpsVerdict, Wait } from './verdicts.ts';
import { adopt, withRegistration } from './giving.ts';
import type { Answer, DpsOutcome, Registration } from './outcome.ts';
import { fleetWaitMs, fruitlessWaitMs, pollWaitMs, spread, throttledWaitMs } from './rules.ts';
import type { Rules } from './rules.ts';
import { deadline, signingMs } from './state.ts';
import type { DpsPart, Effect, Now, State, Step } from './state.ts';

/** No clock of a running device is earlier; signing or checking a certificate would be pointless. */
const EARLIEST_WALL_MS = 1_767_225_600_000;
const RECHECK_CLOCK_MS = 60_000;

export function askIfDue(rules: Rules, state: State, now: Now, random: Random): Step {
  const { dps } = state;
  if (!('due' in dps) || dps.due.atMs > now.monotonicMs) return { state, effects: [] };
  const heldMs = (state.heldUntilMs ?? 0) - now.monotonicMs;
  if (heldMs > 0)
    return { state: { ...state, dps: { ...dps, due: deadline(now, heldMs) } }, effects: [] };
  if (dps.name === 'assigning') {
    if (dps.asking) return { state, effects: [] };
    const effect: Effect = { name: 'ask', question: 'poll', operationId: dps.operationId };
    return { state: { ...state, dps: { ...dps, asking: true } }, effects: [effect] };
  }
  if (now.wallMs < EARLIEST_WALL_MS) {
    const due = deadline(now, RECHECK_CLOCK_MS);
    const part: DpsPart = { ...dps, name: 'clock_wrong', due, reason: 'clock_not_set' };
    return { state: { ...state, dps: part }, effects: [] };
  }
  const { question, cause, reason } = dps;
  const retry = deadline(now, backoffMs(rules.busy, state.failures + 1, random));
  const name = question === 'register' ? 'registering' : 'looking_up';
  return {
    state: { ...state, dps: { name, retry, cause, reason }, askedAtMs: now.monotonicMs },
    effects: [{ name: 'ask', question, operationId: '' }],
  };
}

const STATE_OF = { register: 'registering', lookup: 'looking_up', poll: 'assigning' } as const;

/** An answer to a question of an earlier life changes nothing. */
export function onAnswer(
  rules: Rules,
  before: State,
  outcome: DpsOutcome,
  now: Now,
  random: Random,
): Step {
  const { dps } = before;
  if (dps.name !== STATE_OF[outcome.question]) return { state: before, effects: [] };
  const { serverMs, answer } = outcome;
  const skewMs = serverMs === undefined ? undefined : serverMs - signingMs(before, now);
  const assigningMs = dps.name === 'assigning' ? now.monotonicMs - dps.sinceMs : 0;
  const { id, verdict } = decideDps({
    ...outcome,
    skewMs,
    assigningMs,
    assigningLimitMs: rules.assigningLimitMs,
  });
  const serverOffsetMs =
    serverMs === undefined ? before.clock.serverOffsetMs : serverMs - now.monotonicMs;
  const state = { ...before, clock: { ...before.clock, serverOffsetMs } };
  if (answer.kind === 'assigned') {
    return adopted(rules, state, answer.registration, outcome, now, random);
  }
  if (answer.kind === 'assigning' && verdict.do === 'poll') {
    return { state: accepted(state, answer, assigningMs, id, now), effects: [] };
  }
  const lastError = 'message' in answer ? answer.message : '';
  const failed = { ...state, lastError, failures: state.failures + 1 };
  const paused = afterFailure(rules, failed, outcome, verdict, id, now, random);
  const held = { ...failed, heldUntilMs: heldUntil(failed, paused, outcome) };
  if (state.hub.name === 'connected') {
    if (paused.name === 'blocked') return refusedInVain(held, id, lastError);
    // It came back while DPS was asked: as when that was only planned, see hub.ts.
    if (dps.cause === 'hub') return { state: { ...dropped(held), lastError: '' }, effects: [] };
  }
  return { state: { ...held, dps: paused }, effects: [] };
}

/** The failures before stay counted until there is an assignment: acceptance alone is not success. */
function accepted(
  state: State,
  answer: Extract<Answer, { kind: 'assigning' }>,
  assigningMs: number,
  reason: string,
  now: Now,
): State {
  if (state.dps.name === 'idle') return state;
  const part: DpsPart = {
    name: 'assigning',
    operationId: answer.operationId,
    due: deadline(now, pollWaitMs(answer.retryAfterMs)),
    asking: false,
    sinceMs: now.monotonicMs - assigningMs,
    cause: state.dps.cause,
    reason,
  };
  return { ...state, dps: part };
}

/** A device whose hub works has no need of what a person asked for: the refusal is the answer. */
function refusedInVain(state: State, reason: string, error: string): Step {
  const tell: Effect = { name: 'tell', event: 'provisioning_refused', fields: { reason, error } };
  return { state: dropped(state), effects: [tell] };
}

/** Nothing is wanted from DPS any more; a time it has named stays. */
function dropped(state: State): State {
  return { ...state, dps: { name: 'idle' }, failures: 0, told: '' };
}

function adopted(
  rules: Rules,
  state: State,
  registration: Registration,
  { question }: DpsOutcome,
  now: Now,
  random: Random,
): Step {
  const assignment = withRegistration(rules, registration, now);
  const looked = question === 'lookup';
  const fruitless = looked ? state.fruitless : state.fruitless + 1;
  return adopt(rules, { ...state, fruitless }, assignment, looked, now, random);
}

function afterFailure(
  rules: Rules,
  state: State,
  outcome: DpsOutcome,
  verdict: DpsVerdict,
  reason: string,
  now: Now,
  random: Random,
): DpsPart {
  const { dps } = state;
  if (verdict.do !== 'ask' || dps.name === 'idle') return { name: 'idle' };
  const { answer, question } = outcome;
  const retryAfterMs = answer.kind === 'refused' ? answer.retryAfterMs : undefined;
  const due = deadline(now, waitMs(rules, state, verdict.wait, retryAfterMs, random));
  if (verdict.question === 'same' && dps.name === 'assigning') {
    return { ...dps, due, asking: false, reason };
  }
  const wanted = verdict.question === 'same' ? question : verdict.question;
  return {
    name: verdict.pause,
    question: wanted === 'lookup' ? 'lookup' : 'register',
    due,
    cause: dps.cause,
    reason,
  };
}

/** Retry-After binds whatever comes next, and so does the fleet formula that stands in for it. */
function heldUntil(state: State, dps: DpsPart, { answer }: DpsOutcome): number | undefined {
  if (answer.kind !== 'refused' || !('due' in dps)) return state.heldUntilMs;
  const named = answer.status === 429 || answer.retryAfterMs !== undefined;
  return named ? dps.due.atMs : state.heldUntilMs;
}

function waitMs(
  rules: Rules,
  { failures, fruitless }: State,
  wait: Wait,
  retryAfterMs: number | undefined,
  random: Random,
): number {
  switch (wait) {
    case 'none':
      return 0;
    case 'retry_after':
      return throttledWaitMs(rules, retryAfterMs ?? 0, failures, random);
    case 'fleet':
      return fleetWaitMs(rules, failures, random);
    case 'busy':
      return Math.max(backoffMs(rules.busy, failures, random), retryAfterMs ?? 0);
    case 'refused':
      return Math.max(spread(rules.refusedMs, random), retryAfterMs ?? 0);
    case 'fruitless':
      return fruitlessWaitMs(rules, fruitless, random);
    case 'interval':
      return backoffMs({ floorMs: rules.intervalMs, capMs: rules.refusedMs }, failures, random);
    case 'poll':
      return pollWaitMs(retryAfterMs);
  }
}
