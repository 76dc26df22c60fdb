/**
 * Finding the one reading a destination chokes on, so that it does not stop the rest.
 *
 * Some brokers answer a message they will not take by closing the connection (MQTT 3.1.1 has no
 * other way). Sent again after each reconnect, it would block the stream for ever; but a connection
 * that breaks proves nothing against the message that happened to be under way, so a reading is
 * given up only when it fails again and again *while others pass in between*.
 *
 * States
 * - watching: the normal state. Leaves for `testing` after BARREN_SESSIONS sessions in a row that
 *   ended with messages under way and without a single acknowledgement, or when the destination
 *   refuses a message of several readings outright.
 * - testing: the suspects are sent one message at a time. A message that fails is halved, down to a
 *   single reading; a single reading goes to the end of the queue, so that others are tried. A single
 *   reading that has failed several times, with another message acknowledged between any two
 *   failures, is condemned: so often that a link which breaks by chance, as often as it was seen to,
 *   is no likely reason. Leaves for `watching` when no suspect is left.
 * No timers of its own.
 */
import { compareIds } from '@holdfast/redis';

/** A stretch `(after, upTo]` of the stream under suspicion. */
export interface Suspect {
  readonly after: string;
  readonly upTo: string;
  readonly count: number;
  /** Readings to send in one message. */
  readonly limit: number;
  /** A message of so many has failed; Infinity before the first. */
  readonly ceiling: number;
  /** Times it failed alone, with a pass in between. */
  readonly failures: number;
  /** `passes` at the last counted failure. */
  readonly failedAtPass: number;
  /** Was under no suspicion before it was sent as a probe. */
  readonly isProbe: boolean;
}

export type QuarantineState =
  | { readonly kind: 'watching'; readonly barrenSessions: number }
  | {
      readonly kind: 'testing';
      readonly suspects: readonly Suspect[];
      /** Messages acknowledged since testing began. */
      readonly passes: number;
      /** Failures of readings that passed later: the link's own. */
      readonly linkFailures: number;
    };

interface Sent {
  readonly after: string;
  readonly upTo: string;
  readonly count: number;
}

export type QuarantineEvent =
  | {
      readonly kind: 'session_ended';
      /** Messages that were unacknowledged. */
      readonly underway: readonly Sent[];
      /** Acknowledgements in that session. */
      readonly acknowledged: number;
    }
  /** A suspect, or the first part of it, was acknowledged. */
  | { readonly kind: 'passed'; readonly sent: Sent }
  /** It is no longer in the stream, or no longer to be sent. */
  | { readonly kind: 'gone'; readonly sent: Sent }
  /** The destination refused it outright. */
  | { readonly kind: 'refused'; readonly sent: Sent }
  /** A reading that is under no suspicion, to be sent as proof that others pass. */
  | { readonly kind: 'probe'; readonly sent: Sent };

export interface QuarantineStep {
  readonly state: QuarantineState;
  /** A single reading to be recorded as lost. */
  readonly condemned?: Sent;
}

export const WATCHING: QuarantineState = { kind: 'watching', barrenSessions: 0 };

/**
 * Probes that may be suspects at a time. A destination that takes nothing at all fails them one after
 * the other: with each further one the oldest is let go. It is still to be sent like any reading.
 */
export const MAX_PROBES = 8;
const BARREN_SESSIONS = 2;
/** At least so many failures. */
const MIN_FAILURES = 3;
/** A good reading may fail so often by chance with this probability at most. */
const CHANCE = 1e-6;

export function quarantineStep(state: QuarantineState, event: QuarantineEvent): QuarantineStep {
  switch (event.kind) {
    case 'session_ended':
      return state.kind === 'watching'
        ? sessionEndedWatching(state.barrenSessions, event)
        : sessionEndedTesting(state, event.underway);
    case 'refused':
      return refused(state, event.sent);
    case 'passed':
      return { state: state.kind === 'testing' ? passed(state, event.sent) : state };
    case 'gone':
      return { state: state.kind === 'testing' ? passed(state, event.sent, 0) : state };
    case 'probe':
      return { state: state.kind === 'testing' ? withProbe(state, event.sent) : state };
  }
}

/** The suspect to send next; undefined when watching. */
export function nextSuspect(state: QuarantineState): Suspect | undefined {
  return state.kind === 'testing' ? state.suspects[0] : undefined;
}

/** Whether the next suspect proves nothing before something else has passed. */
export function wantsProbe(state: QuarantineState): boolean {
  const next = nextSuspect(state);
  return state.kind === 'testing' && next !== undefined && next.failedAtPass === state.passes;
}

type Testing = Extract<QuarantineState, { kind: 'testing' }>;

function sessionEndedWatching(
  barrenSessions: number,
  event: Extract<QuarantineEvent, { kind: 'session_ended' }>,
): QuarantineStep {
  const barren = event.underway.length > 0 && event.acknowledged === 0 ? barrenSessions + 1 : 0;
  if (barren < BARREN_SESSIONS) return { state: { kind: 'watching', barrenSessions: barren } };
  const inOrder = event.underway.toSorted((a, b) => compareIds(a.after, b.after));
  const suspects = inOrder.map((sent) => suspect(sent));
  return { state: { kind: 'testing', suspects, passes: 0, linkFailures: 0 } };
}

function suspect({ after, upTo, count }: Sent, isProbe = false): Suspect {
  const untried = { limit: count, ceiling: Infinity, failures: 0, failedAtPass: -1 };
  return { after, upTo, count, ...untried, isProbe };
}

function sessionEndedTesting(state: Testing, underway: readonly Sent[]): QuarantineStep {
  const sent = underway[0];
  return sent === undefined ? { state } : failed(state, sent);
}

function refused(state: QuarantineState, sent: Sent): QuarantineStep {
  if (sent.count === 1) {
    const left = state.kind === 'testing' ? passed(state, sent, 0) : state;
    return { state: left, condemned: sent };
  }
  const testing: Testing =
    state.kind === 'testing' && state.suspects.some((other) => covers(other, sent))
      ? state
      : {
          kind: 'testing',
          suspects: [suspect(sent), ...(state.kind === 'testing' ? state.suspects : [])],
          passes: state.kind === 'testing' ? state.passes : 0,
          linkFailures: state.kind === 'testing' ? state.linkFailures : 0,
        };
  return failed(testing, sent);
}

/** `sent` is the first part of a suspect and did not get through. */
function failed(state: Testing, sent: Sent): QuarantineStep {
  const index = state.suspects.findIndex((other) => covers(other, sent));
  const found = state.suspects[index];
  if (found === undefined) return { state };
  const others = state.suspects.toSpliced(index, 1);
  if (sent.count > 1) {
    const halved = { ...found, limit: Math.ceil(sent.count / 2), ceiling: sent.count };
    return { state: { ...state, suspects: [halved, ...others] } };
  }
  const proves = found.failedAtPass < state.passes || found.failures === 0;
  const single: Suspect = {
    ...suspect(sent, found.isProbe),
    failures: found.count === 1 ? found.failures + (proves ? 1 : 0) : 1,
    failedAtPass: state.passes,
  };
  const rest = remainder(found, sent, { limit: 1, ceiling: Infinity });
  if (single.failures >= failuresThatProve(state, single)) {
    return { state: settled({ ...state, suspects: [...rest, ...others] }), condemned: sent };
  }
  return { state: { ...state, suspects: [...rest, ...others, single] } };
}

/** How often one reading must fail: the more, the more often the link fails without a reason. */
function failuresThatProve({ passes, linkFailures, suspects }: Testing, single: Suspect): number {
  // Those not yet cleared may be innocent too; one bad reading must not hide behind another for ever.
  const open = suspects
    .filter(({ upTo }) => upTo !== single.upTo)
    .reduce((sum, { failures }) => sum + Math.min(failures, MIN_FAILURES), 0);
  const breaks = (linkFailures + open + 1) / (linkFailures + open + passes + 2);
  return Math.max(MIN_FAILURES, Math.ceil(Math.log(CHANCE) / Math.log(breaks)));
}

function passed(state: Testing, sent: Sent, passes = 1): QuarantineState {
  const suspects = state.suspects.flatMap((other) =>
    covers(other, sent) ? remainder(other, sent, grown(other, sent)) : [other],
  );
  const cleared = passes === 0 ? undefined : state.suspects.find((other) => covers(other, sent));
  const linkFailures = state.linkFailures + (cleared?.failures ?? 0);
  return settled({ ...state, suspects, passes: state.passes + passes, linkFailures });
}

/** Larger messages again after a pass, but none as large as one that has failed: each costs a session. */
function grown(whole: Suspect, sent: Sent): Pick<Suspect, 'limit' | 'ceiling'> {
  const { limit, ceiling } = whole;
  return { limit: sent.count * 2 < ceiling ? Math.max(limit, sent.count * 2) : limit, ceiling };
}

function withProbe(state: Testing, sent: Sent): QuarantineState {
  const probes = state.suspects.filter(({ isProbe }) => isProbe);
  const oldest = probes.length < MAX_PROBES ? undefined : probes[0];
  const kept = state.suspects.filter((other) => other !== oldest);
  return { ...state, suspects: [suspect(sent, true), ...kept] };
}

/** What is left of a suspect behind the part that was sent. */
function remainder(
  whole: Suspect,
  sent: Sent,
  { limit, ceiling }: Pick<Suspect, 'limit' | 'ceiling'>,
): Suspect[] {
  const count = whole.count - sent.count;
  if (count <= 0 || compareIds(sent.upTo, whole.upTo) >= 0) return [];
  return [
    {
      ...suspect({ after: sent.upTo, upTo: whole.upTo, count }),
      limit: Math.min(limit, count),
      ceiling,
    },
  ];
}

function settled(state: Testing): QuarantineState {
  return state.suspects.length === 0 ? WATCHING : state;
}

function covers(whole: Sent, part: Sent): boolean {
  return compareIds(whole.after, part.after) <= 0 && compareIds(part.upTo, whole.upTo) <= 0;
}
