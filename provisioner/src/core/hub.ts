/** The hub's side: what the mqtthandler reports about its attempts, and what follows. */
import type { Random } from '@holdfast/kit';
import { decideHub } from './decisions.ts';
import { GOOD_CONNECTION_MS } from './verdicts.ts';
import type { HubRow, HubVerdict } from './verdicts.ts';
import { hubWindow, publish } from './giving.ts';
import type { HubOutcome, HubReport, KernelClock } from './outcome.ts';
import { fruitlessWaitMs, hubHoldMs } from './rules.ts';
import type { Rules } from './rules.ts';
import { deadline, gapMs } from './state.ts';
import type { DpsPart, HubPart, Now, State, Step } from './state.ts';

const NOTHING = new Set<HubReport['state']>(['connecting', 'off']);

/** Reports of another generation, and those already seen, change nothing. */
export function isNews({ hub, generation }: State, report: HubReport): boolean {
  const news = report.generation === generation && seenAs(report) !== hub.seen;
  return news && hub.name !== 'none' && !NOTHING.has(report.state);
}

function seenAs({ attempt, state, atMs }: HubReport): string {
  return `${attempt} ${state} ${atMs}`;
}

export function onHub(
  rules: Rules,
  before: State,
  report: HubReport,
  kernelClock: KernelClock,
  now: Now,
  random: Random,
): Step {
  if (!isNews(before, report)) return { state: before, effects: [] };
  const { hub } = before;
  const outcome = outcomeOf(report);
  const refused = /^connack_[245]$/.test(outcome);
  const short = outcome === 'dropped' && report.heldMs < GOOD_CONNECTION_MS;
  const counted: HubPart = {
    ...hub,
    seen: seenAs(report),
    refusals: refused ? hub.refusals + 1 : hub.refusals,
    drops: short ? hub.drops + 1 : hub.drops,
  };
  const { refusals, drops } = counted;
  const { heldMs } = report;
  const hasDps = rules.source === 'dps';
  const { looked } = hub;
  const row = decideHub({ outcome, refusals, drops, heldMs, kernelClock, looked, hasDps });
  const state = {
    ...before,
    hub: counted,
    lastError: outcome === 'ok' ? '' : `${outcome}: ${report.detail}`,
  };
  return follow(rules, state, row, now, random);
}

function outcomeOf({ state, outcome, heldMs }: HubReport): HubOutcome {
  if (state === 'connected') return 'ok';
  return state === 'lost' && heldMs < GOOD_CONNECTION_MS ? 'dropped' : outcome;
}

function follow(rules: Rules, state: State, row: HubRow, now: Now, random: Random): Step {
  const { verdict, id: reason } = row;
  switch (verdict.do) {
    case 'settle':
      return { state: connected(state, now), effects: [] };
    case 'renew_token':
      return publish(rules, { ...state, hub: { ...state.hub, name: 'refused', reason } }, now);
    case 'same_hub': {
      const failing = failingHub(rules, state, reason, now, random);
      return verdict.hold ? held(rules, failing, now, random) : { state: failing, effects: [] };
    }
    case 'leave_alone': {
      const name = state.hub.refusals > 0 && rules.source !== 'dps' ? 'refused' : 'failing';
      const hub: HubPart = { ...state.hub, name, reason, window: undefined };
      return held(rules, { ...state, hub }, now, random);
    }
    case 'ask': {
      const hub: HubPart = { ...state.hub, name: 'refused', reason, window: undefined };
      const asking = planned(rules, { ...state, hub }, verdict, reason, now, random);
      return held(rules, asking, now, random);
    }
  }
}

/** The hub works: what was planned because it did not is dropped. */
function connected(state: State, now: Now): State {
  const { dps, hub } = state;
  const pointless = 'question' in dps && dps.cause === 'hub';
  return {
    ...state,
    dps: pointless ? { name: 'idle' } : dps,
    hub: {
      ...hub,
      name: 'connected',
      reason: 'hub_connected',
      connectedMs: now.monotonicMs,
      refusals: 0,
      // One that throws us out again and again has let us in each time: see `settled`.
      failures: hub.drops > 0 ? hub.failures : 0,
      window: undefined,
      looked: false,
    },
    hubNotBeforeMs: now.monotonicMs,
    failures: pointless ? 0 : state.failures,
    told: pointless ? '' : state.told,
  };
}

function failingHub(rules: Rules, state: State, reason: string, now: Now, random: Random): State {
  const { hub } = state;
  const opens = rules.source === 'dps' && hub.window === undefined && state.dps.name === 'idle';
  const window = opens ? hubWindow(rules, now, random) : hub.window;
  return { ...state, hub: { ...hub, name: 'failing', reason, window } };
}

/** The next attempt at the hub not before an exponential wait. */
function held(rules: Rules, state: State, now: Now, random: Random): Step {
  const { seen, heldFor } = state.hub;
  if (seen === heldFor) return { state, effects: [] };
  const failures = state.hub.failures + 1;
  const hubNotBeforeMs = now.monotonicMs + hubHoldMs(rules, failures, random);
  const hub = { ...state.hub, failures, heldFor: seen };
  return publish(rules, { ...state, hub, hubNotBeforeMs }, now);
}

function planned(
  rules: Rules,
  state: State,
  { question, wait }: Extract<HubVerdict, { do: 'ask' }>,
  reason: string,
  now: Now,
  random: Random,
): State {
  const { dps } = state;
  // A person's request may have been put off, as one of many: the hub does not wait for that.
  const putOff = dps.name === 'waiting' && dps.cause === 'requested' && question === 'register';
  if (dps.name !== 'idle' && !putOff) return state;
  const ownMs = wait === 'fruitless' ? fruitlessWaitMs(rules, state.fruitless, random) : 0;
  const waitMs = Math.max(ownMs, gapMs(rules, state, now));
  if (!putOff) return { ...state, dps: toAsk(rules, question, reason, now, waitMs) };
  const due = deadline(now, waitMs);
  return due.atMs < dps.due.atMs ? { ...state, dps: { ...dps, due } } : state;
}

function toAsk(
  rules: Rules,
  question: 'register' | 'lookup',
  reason: string,
  now: Now,
  waitMs: number,
): DpsPart {
  return {
    name: 'waiting',
    question: rules.canLookUp ? question : 'register',
    due: deadline(now, waitMs),
    cause: 'hub',
    reason,
  };
}

/**
 * The hub has not come back within the window: look up where the device belongs; when that was done
 * in the last window, register. A hub that is there but busy is never a reason to register.
 */
export function onWindowEnd(rules: Rules, state: State, now: Now, random: Random): State {
  const { hub } = state;
  const over = hub.window !== undefined && hub.window.atMs <= now.monotonicMs;
  if (!over || state.dps.name !== 'idle') return state;
  const busy = hub.reason === 'hub_busy';
  if (busy && !rules.canLookUp) {
    return { ...state, hub: { ...hub, window: hubWindow(rules, now, random) } };
  }
  const question = hub.looked && !busy ? 'register' : 'lookup';
  const dps = toAsk(rules, question, hub.reason, now, gapMs(rules, state, now));
  return { ...state, hub: { ...hub, window: undefined }, dps };
}
