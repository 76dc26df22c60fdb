/** Giving out: what the mqtthandler gets, and what a new assignment changes. */
import type { Random } from '@holdfast/kit';
import type { Registration } from './outcome.ts';
import type { Rules } from './rules.ts';
import { NO_HUB, deadline } from './state.ts';
import type { Assignment, HubPart, Now, State, Step } from './state.ts';

/** Assignment and credentials are written, the token signed anew. */
export function publish(rules: Rules, state: State, now: Now): Step {
  if (state.assignment === undefined) return { state, effects: [] };
  const renewAtMs =
    rules.kind === 'sas' ? now.monotonicMs + rules.tokenMs - rules.tokenMarginMs : undefined;
  return { state: { ...state, renewAtMs }, effects: [{ name: 'publish' }] };
}

export function withRegistration(rules: Rules, registration: Registration, now: Now): Assignment {
  const { source, kind, idScope, registrationId } = rules;
  return { ...registration, source, kind, idScope, registrationId, assignedWallMs: now.wallMs };
}

/** DPS has answered with an assignment: give it out; one that is new begins with a clean slate. */
export function adopt(
  rules: Rules,
  state: State,
  assignment: Assignment,
  looked: boolean,
  now: Now,
  random: Random,
): Step {
  const same = isSame(state.assignment, assignment);
  const hub: HubPart = same
    ? sameHub(rules, state.hub, looked, now, random)
    : { ...NO_HUB, name: 'untried' };
  const given = publish(
    rules,
    {
      ...state,
      dps: { name: 'idle' },
      assignment,
      generation: same ? state.generation : state.generation + 1,
      hub,
      hubNotBeforeMs: same && hub.name === 'failing' ? state.hubNotBeforeMs : now.monotonicMs,
      failures: 0,
      lastError: '',
      told: '',
    },
    now,
  );
  const { host, deviceId, substatus } = assignment;
  const fields = {
    host,
    device_id: deviceId,
    substatus,
    by: looked ? 'lookup' : 'registration',
    changed: same ? 0 : 1,
  };
  return { ...given, effects: [...given.effects, { name: 'tell', event: 'provisioned', fields }] };
}

/** What a new generation counts. */
export function isSame(a: Assignment | undefined, b: Assignment): boolean {
  return a?.host === b.host && a.deviceId === b.deviceId && a.kind === b.kind;
}

/** DPS says: stay where you are. */
function sameHub(rules: Rules, hub: HubPart, looked: boolean, now: Now, random: Random): HubPart {
  switch (hub.name) {
    case 'failing':
      return { ...hub, window: hubWindow(rules, now, random), looked };
    case 'refused':
      return { ...hub, name: 'untried', refusals: 0, looked };
    case 'none':
      return { ...hub, name: 'untried' };
    case 'untried':
    case 'connected':
      return hub;
  }
}

/** How long the same hub is tried: the configured time to twice as long (15 to 30 minutes). */
export function hubWindow(rules: Rules, now: Now, random: Random) {
  return deadline(now, rules.hubRetryMs * (1 + random.next()));
}
