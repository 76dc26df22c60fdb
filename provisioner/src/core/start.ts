/** Coming up: what was stored is gone on with; nothing that was waited for gets shorter. */
import type { Random } from '@holdfast/kit';
import { isSame, publish, withRegistration } from './giving.ts';
import { fruitlessWaitMs, hubHoldMs } from './rules.ts';
import type { Rules } from './rules.ts';
import { NO_HUB, belongs, deadline, emptyState, gapMs } from './state.ts';
import type { Assignment, Cause, Deadline, DpsPart, Effect, Now, State, Step } from './state.ts';

/** What the codec has read, its times in milliseconds of this boot. */
export interface Stored {
  /** The newest generation that was given out. */
  readonly generation: number;
  readonly assignment: Assignment | undefined;
  readonly memory: Memory | undefined;
}

/** The part of the state that survives. */
export interface Memory {
  readonly generation: number;
  readonly settings: string;
  readonly dps: DpsPart;
  readonly window: Deadline | undefined;
  readonly looked: boolean;
  /**
   * The hub is left alone: until when, after how many failures, because of which report. A memory of
   * an earlier version has none.
   */
  readonly hold:
    | {
        readonly untilMs: number;
        readonly failures: number;
        readonly report: string;
      }
    | undefined;
  readonly failures: number;
  readonly heldUntilMs: number | undefined;
  readonly fruitless: number;
  readonly askedAtMs: number | undefined;
  readonly requests: State['requests'];
  readonly lastError: string;
  readonly sinceWallMs: number;
  readonly told: string;
}

export function start(rules: Rules, stored: Stored | undefined, now: Now, random: Random): Step {
  const memory = stored?.memory;
  const remembered: State = {
    ...emptyState(now),
    ...(memory === undefined ? {} : survivors(memory)),
    generation: Math.max(stored?.generation ?? 0, memory?.generation ?? 0),
  };
  switch (rules.source) {
    case 'none':
      return withdrawn(remembered, stored);
    case 'dps':
      return withDps(rules, remembered, stored, now, random);
    case 'connection_string':
    case 'x509_variables':
      return fixed(rules, remembered, stored, now);
  }
}

function survivors(memory: Memory): Partial<State> {
  const { failures, heldUntilMs, fruitless, askedAtMs, requests, lastError, told } = memory;
  const { sinceWallMs } = memory;
  return { failures, heldUntilMs, fruitless, askedAtMs, requests, lastError, told, sinceWallMs };
}

function withdrawn(state: State, stored: Stored | undefined): Step {
  const effects: Effect[] = stored?.assignment === undefined ? [] : [{ name: 'withdraw' }];
  return { state, effects };
}

/** The assignment stands in a variable. */
function fixed(rules: Rules, state: State, stored: Stored | undefined, now: Now): Step {
  const place = rules.fixed ?? { host: '', deviceId: '' };
  const registration = { ...place, substatus: '', etag: '', payload: '' };
  const assignment = withRegistration(rules, registration, now);
  return given(rules, state, stored, assignment, now);
}

function given(
  rules: Rules,
  state: State,
  stored: Stored | undefined,
  assignment: Assignment,
  now: Now,
): Step {
  const same = isSame(stored?.assignment, assignment);
  const generation = same ? Math.max(1, state.generation) : state.generation + 1;
  const hold = same ? stored?.memory?.hold : undefined;
  const { failures, report: heldFor } = hold ?? { failures: 0, report: '' };
  const hub = { ...state.hub, name: 'untried' as const, failures, heldFor };
  const hubNotBeforeMs = Math.max(now.monotonicMs, hold?.untilMs ?? 0);
  return publish(rules, { ...state, assignment, generation, hub, hubNotBeforeMs }, now);
}

function withDps(
  rules: Rules,
  state: State,
  stored: Stored | undefined,
  now: Now,
  random: Random,
): Step {
  const cached = stored?.assignment;
  const kept = cached !== undefined && rules.keepsAssignment && belongs(cached, rules);
  const memory = stored?.memory;
  const resumed = memory === undefined ? undefined : resume(rules, memory, now);
  const killed = memory?.dps.name === 'registering' || memory?.dps.name === 'looking_up';
  const failures = killed ? state.failures + 1 : state.failures;
  const base = { ...state, failures };
  if (kept) {
    const { window, looked } = memory ?? { window: undefined, looked: false };
    const hubFirst = (due: Deadline) => afterTheHub(rules, due, now, random);
    const hub = { ...NO_HUB, looked, window: window && hubFirst(window) };
    const dps = resumed ?? { name: 'idle' };
    const planned =
      'question' in dps && dps.cause === 'hub' ? { ...dps, due: hubFirst(dps.due) } : dps;
    return given(rules, { ...base, hub, dps: planned }, stored, cached, now);
  }
  const dps = resumed ?? firstAsk(rules, base, cached, now, random);
  return withdrawn({ ...base, dps }, stored);
}

/**
 * What became due while nobody was there, because of a hub that was away then: the hub comes first, and
 * a fleet that is switched on together does not ask together. Puts off by no more than it is overdue,
 * so a service that is killed again and again comes to ask all the same.
 */
function afterTheHub(rules: Rules, due: Deadline, now: Now, random: Random): Deadline {
  const overdueMs = now.monotonicMs - due.atMs;
  if (overdueMs <= 0) return due;
  return deadline(now, Math.min(overdueMs, hubHoldMs(rules, 1, random)));
}

/** What was planned or under way; undefined = nothing, or it is void. */
function resume(rules: Rules, memory: Memory, now: Now): DpsPart | undefined {
  const { dps, settings } = memory;
  const changed = settings !== rules.settings;
  switch (dps.name) {
    case 'idle':
      return undefined;
    case 'registering':
    case 'looking_up': {
      const { retry: due, cause, reason } = dps;
      const question = dps.name === 'registering' ? 'register' : 'lookup';
      return { name: 'waiting', question, due, cause, reason };
    }
    case 'assigning':
      return changed ? undefined : { ...dps, asking: false };
    case 'waiting':
    case 'clock_wrong':
      return dps;
    case 'blocked':
      // What DPS refused has changed: worth asking now, unless it named a time itself.
      return changed
        ? {
            ...dps,
            name: 'waiting',
            due: deadline(now, 0),
            cause: 'settings_changed',
            reason: 'settings_changed',
          }
        : dps;
  }
}

function firstAsk(
  rules: Rules,
  state: State,
  cached: Assignment | undefined,
  now: Now,
  random: Random,
): DpsPart {
  const backOffMs = fruitlessWaitMs(rules, state.fruitless, random);
  let cause: Cause = 'first_start';
  if (cached !== undefined) cause = rules.keepsAssignment ? 'settings_changed' : 'cache_off';
  const due = deadline(now, Math.max(gapMs(rules, state, now), backOffMs));
  return { name: 'waiting', question: 'register', due, cause, reason: cause };
}
