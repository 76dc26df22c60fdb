/**
 * The state of provisioning. Three parts that move side by side: what is going on with DPS, what the
 * hub is like, and what was given out. Times are monotonic milliseconds of this boot; the codec turns
 * those that must survive into something that does.
 */
import type { Question, Registration } from './outcome.ts';
import type { Pause } from './verdicts.ts';
import type { Rules, Source } from './rules.ts';

export interface Now {
  /** Unix ms by the device's clock. */
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** A point in time to wait for, with the length the wait had when it began. */
export interface Deadline {
  readonly atMs: number;
  readonly waitMs: number;
}

/** Why DPS is asked at all; what the hub caused is dropped when the hub comes back. */
export type Cause = 'first_start' | 'cache_off' | 'settings_changed' | 'hub' | 'requested';

export type DpsPart =
  | { readonly name: 'idle' }
  /** DPS will be asked at `due`, or when `heldUntilMs` has passed. */
  | {
      readonly name: Pause;
      readonly question: 'register' | 'lookup';
      readonly due: Deadline;
      readonly cause: Cause;
      /** The row of the decision table that led here, or the cause. */
      readonly reason: string;
    }
  /** Asked, not answered. `retry` is what a process that is killed now comes back to. */
  | {
      readonly name: 'registering' | 'looking_up';
      readonly retry: Deadline;
      readonly cause: Cause;
      readonly reason: string;
    }
  | {
      readonly name: 'assigning';
      readonly operationId: string;
      readonly due: Deadline;
      /** A poll is under way. */
      readonly asking: boolean;
      readonly sinceMs: number;
      readonly cause: Cause;
      readonly reason: string;
    };

export interface HubPart {
  /** `untried` = handed out, nothing heard; `refused` = CONNACK 2, 4, 5; `failing` = all else. */
  readonly name: 'none' | 'untried' | 'connected' | 'failing' | 'refused';
  /** Row of the decision table behind `failing` and `refused`. */
  readonly reason: string;
  readonly connectedMs: number;
  /** In a row: refusals, failures that ask for a longer wait, connections under a minute. */
  readonly refusals: number;
  readonly failures: number;
  readonly drops: number;
  /** When DPS is asked unless the hub comes back; and what it was asked last in this outage. */
  readonly window: Deadline | undefined;
  readonly looked: boolean;
  /** The newest report that counted. */
  readonly seen: string;
  /** The report for which it is left alone: read again after a restart it does not count again. */
  readonly heldFor: string;
}

export interface Assignment extends Registration {
  readonly source: Source;
  readonly kind: 'sas' | 'x509';
  readonly idScope: string;
  readonly registrationId: string;
  readonly assignedWallMs: number;
}

export interface State {
  readonly dps: DpsPart;
  readonly hub: HubPart;
  readonly assignment: Assignment | undefined;
  /** Counts every change of host, device or kind of credential; never goes back. */
  readonly generation: number;
  /** When the token given out must be replaced; undefined without one. */
  readonly renewAtMs: number | undefined;
  /** No attempt at the hub before this. */
  readonly hubNotBeforeMs: number;
  /** DPS requests in a row that brought nothing. */
  readonly failures: number;
  /** DPS has named this time: it is not asked anything before, whoever wants it. */
  readonly heldUntilMs: number | undefined;
  /** Registrations in a row after which no hub connection held. */
  readonly fruitless: number;
  /** When a registration or a lookup was last begun. */
  readonly askedAtMs: number | undefined;
  /** Requests of people close together. */
  readonly requests: { readonly count: number; readonly lastMs: number } | undefined;
  readonly lastError: string;
  readonly clock: {
    /** Wall clock and the server's clock less the monotonic one. */
    readonly wallOffsetMs: number;
    readonly serverOffsetMs: number | undefined;
  };
  /** Unix ms since when the state shown is what it is. */
  readonly sinceWallMs: number;
  /** What the time line has been told last. */
  readonly told: string;
}

export type Effect =
  | { readonly name: 'ask'; readonly question: Question; readonly operationId: string }
  /** Write assignment and credentials, the token signed anew. */
  | { readonly name: 'publish' }
  /** Take assignment and credentials away. */
  | { readonly name: 'withdraw' }
  /** The request is taken over: take it out of Redis. */
  | { readonly name: 'take_request'; readonly request: string }
  | {
      readonly name: 'tell';
      readonly event: string;
      readonly fields: Readonly<Record<string, string | number>>;
    };

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** The word for the dashboard. */
export type PublicState =
  | 'off'
  | 'registering'
  | 'assigning'
  | 'looking_up'
  | Pause
  | 'assigned'
  | 'connected'
  | 'hub_failing'
  | 'hub_refused';

const HUB_STATES = {
  none: 'off',
  untried: 'assigned',
  connected: 'connected',
  failing: 'hub_failing',
  refused: 'hub_refused',
} as const;

export function publicState(state: State): PublicState {
  return state.dps.name === 'idle' ? HUB_STATES[state.hub.name] : state.dps.name;
}

export function publicReason(state: State): string {
  return state.dps.name === 'idle' ? state.hub.reason : state.dps.reason;
}

/** When DPS is asked next, if that is planned. */
export function nextAttempt(state: State): Deadline | undefined {
  const { dps, hub } = state;
  if ('due' in dps) return dps.due;
  if ('retry' in dps) return dps.retry;
  return hub.window;
}

/** The clock to sign with: the server's, where it is known to differ by more than a minute. */
export function signingMs(state: State, now: Now): number {
  const { serverOffsetMs, wallOffsetMs } = state.clock;
  if (serverOffsetMs === undefined) return now.wallMs;
  return Math.abs(serverOffsetMs - wallOffsetMs) > 60_000
    ? now.monotonicMs + serverOffsetMs
    : now.wallMs;
}

export const NO_HUB: HubPart = {
  name: 'none',
  reason: '',
  connectedMs: 0,
  refusals: 0,
  failures: 0,
  drops: 0,
  window: undefined,
  looked: false,
  seen: '',
  heldFor: '',
};

export function emptyState(now: Now): State {
  return {
    dps: { name: 'idle' },
    hub: NO_HUB,
    assignment: undefined,
    generation: 0,
    renewAtMs: undefined,
    hubNotBeforeMs: now.monotonicMs,
    failures: 0,
    heldUntilMs: undefined,
    fruitless: 0,
    askedAtMs: undefined,
    requests: undefined,
    lastError: '',
    clock: { wallOffsetMs: now.wallMs - now.monotonicMs, serverOffsetMs: undefined },
    sinceWallMs: now.wallMs,
    told: '',
  };
}

export function deadline(now: Now, waitMs: number): Deadline {
  return { atMs: now.monotonicMs + waitMs, waitMs };
}

/** Until a registration or lookup that is not a retry may begin, milliseconds. */
export function gapMs(rules: Rules, state: State, now: Now): number {
  const nextMs = (state.askedAtMs ?? -Infinity) + rules.intervalMs;
  return Math.max(0, Math.max(nextMs, state.heldUntilMs ?? 0) - now.monotonicMs);
}

/** Whether a stored assignment belongs to what is configured now. */
export function belongs(assignment: Assignment, rules: Rules): boolean {
  return (
    assignment.source === rules.source &&
    assignment.kind === rules.kind &&
    assignment.idScope === rules.idScope &&
    assignment.registrationId.toLowerCase() === rules.registrationId.toLowerCase()
  );
}
