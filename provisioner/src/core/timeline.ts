/** What of the changes belongs on the time line: each step once, a failure that repeats once. */
import { publicReason, publicState } from './state.ts';
import type { Effect, Now, State, Step } from './state.ts';

export function withTimeline(before: State, { state, effects }: Step, now: Now): Step {
  const name = publicState(state);
  const changed = name !== publicState(before);
  const since = changed ? { ...state, sinceWallMs: now.wallMs } : state;
  const tell = toTell(since);
  if (tell === undefined || tell.text === state.told) return { state: since, effects };
  return { state: { ...since, told: tell.text }, effects: [...effects, tell.effect] };
}

function toTell(state: State): { text: string; effect: Effect } | undefined {
  const { dps, failures, lastError } = state;
  const reason = publicReason(state);
  switch (dps.name) {
    case 'idle':
    case 'assigning':
      return undefined;
    case 'registering':
    case 'looking_up': {
      // A retry was told by the failure before it.
      if (failures > 0) return undefined;
      const event = dps.name === 'registering' ? 'provisioning_started' : 'lookup_started';
      return { text: event, effect: { name: 'tell', event, fields: { reason } } };
    }
    case 'waiting':
    case 'blocked':
    case 'clock_wrong': {
      if (failures === 0) return undefined;
      const event = `provisioning_${dps.name}`;
      const wait_seconds = Math.round(dps.due.waitMs / 1_000);
      const fields = { reason, error: lastError, wait_seconds };
      return { text: `${event} ${reason}`, effect: { name: 'tell', event, fields } };
    }
  }
}
