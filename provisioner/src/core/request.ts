/** Provisioning anew because a person wants it. */
import { publish } from './giving.ts';
import type { Rules } from './rules.ts';
import { deadline, gapMs } from './state.ts';
import type { Deadline, DpsPart, Effect, Now, State, Step } from './state.ts';

/** After so long without a request the next one counts as the first. */
const REQUEST_MEMORY_MS = 3_600_000;

/**
 * A person wants it: as soon as the interval between registrations allows, slower when asked again
 * and again; never before a time DPS has named. Not taken during a lookup: it stays where it is.
 */
export function onRequest(rules: Rules, state: State, request: string, now: Now): Step {
  const { dps } = state;
  if (dps.name === 'looking_up') return { state, effects: [] };
  const take: Effect = { name: 'take_request', request };
  const source = /^\d+ (\S+)$/.exec(request)?.[1] ?? 'unknown';
  if (rules.source !== 'dps') {
    const fresh = rules.source === 'none' ? { state, effects: [] } : publish(rules, state, now);
    const tell: Effect = { name: 'tell', event: 'reprovision_without_dps', fields: { source } };
    return { state: fresh.state, effects: [take, tell, ...fresh.effects] };
  }
  const tell: Effect = { name: 'tell', event: 'reprovision_taken', fields: { source } };
  if (dps.name === 'registering' || dps.name === 'assigning') {
    return { state, effects: [take, tell] };
  }
  const last = state.requests;
  const recent = last !== undefined && now.monotonicMs - last.lastMs < REQUEST_MEMORY_MS;
  const count = recent ? Math.min(last.count + 1, 20) : 1;
  const spacingMs = recent
    ? last.lastMs +
      Math.min(rules.intervalMs * 2 ** (count - 2), REQUEST_MEMORY_MS / 2) -
      now.monotonicMs
    : 0;
  const due = deadline(now, Math.max(0, spacingMs, gapMs(rules, state, now)));
  const requested: DpsPart = {
    name: 'waiting',
    question: 'register',
    due: merged(dps, due),
    cause: 'requested',
    reason: 'requested',
  };
  const requests = { count, lastMs: now.monotonicMs };
  return { state: { ...state, requests, dps: requested }, effects: [take, tell] };
}

/** A registration that was planned earlier is not put off. */
function merged(dps: DpsPart, due: Deadline): Deadline {
  if (!('question' in dps)) return due;
  return dps.question === 'register' && dps.due.atMs < due.atMs ? dps.due : due;
}
