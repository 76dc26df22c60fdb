/**
 * The state machine of provisioning: step(rules, state, event, now, random) -> { state, effects }.
 *
 * With DPS (`state.dps`):
 * | state       | meaning                                   | left when                                |
 * | idle        | nothing is wanted from DPS                | the hub's table, a request, the window   |
 * | waiting     | DPS is asked at `due`                     | `due` -> registering, looking_up         |
 * | blocked     | a terminal answer; asked again slowly     | `due`, a request, changed settings       |
 * | clock_wrong | the clock must be set first               | `due`, or the clock jumps                |
 * | registering | the registration is under way             | any answer                               |
 * | assigning   | accepted; polled at `due`                 | assigned, ended, refused, too long       |
 * | looking_up  | the status lookup is under way            | any answer                               |
 *
 * The hub (`state.hub`):
 * | none        | no assignment (or nothing configured)     | an assignment                            |
 * | untried     | handed out, no attempt reported           | a report                                 |
 * | connected   | the mqtthandler is connected              | a report                                 |
 * | failing     | no connection; `window` until DPS is asked| connected, another assignment            |
 * | refused     | CONNACK 2, 4 or 5                         | connected, another assignment            |
 *
 * Promises, held by property tests over weeks of simulated time:
 * - every request to DPS is in the stored state before it is sent, with the time a process that is
 *   killed meanwhile comes back to; a restart never shortens a stored wait;
 * - nothing shortens a wait that DPS has named;
 * - registrations that are not a retry are `intervalMs` apart; retries wait as the table says.
 */
import type { Random } from '@holdfast/kit';
import { askIfDue, onAnswer } from './asking.ts';
import { GOOD_CONNECTION_MS } from './verdicts.ts';
import { publish } from './giving.ts';
import { onHub, onWindowEnd } from './hub.ts';
import type { DpsOutcome, HubReport, KernelClock } from './outcome.ts';
import { onRequest } from './request.ts';
import type { Rules } from './rules.ts';
import { start } from './start.ts';
import type { Stored } from './start.ts';
import { deadline, gapMs } from './state.ts';
import type { DpsPart, Effect, Now, State, Step } from './state.ts';
import { withTimeline } from './timeline.ts';

export type Event =
  | { readonly name: 'start'; readonly stored: Stored | undefined }
  /** Time has passed: see `wakeAtMs`. */
  | { readonly name: 'tick' }
  | { readonly name: 'answer'; readonly outcome: DpsOutcome }
  | { readonly name: 'hub'; readonly report: HubReport; readonly kernelClock: KernelClock }
  /** Somebody wants the device provisioned anew; `request` is the value of the key. */
  | { readonly name: 'request'; readonly request: string };

/** A clock that was set, not one that is being adjusted. */
const CLOCK_JUMP_MS = 30_000;
export function step(rules: Rules, state: State, event: Event, now: Now, random: Random): Step {
  const seen = noticeClock(rules, state, now);
  const next = react(rules, seen.state, event, now, random);
  return withTimeline(state, { ...next, effects: [...seen.effects, ...next.effects] }, now);
}

/** When the next `tick` is due, monotonic; Infinity = only an event can change anything. */
export function wakeAtMs(state: State): number {
  const { dps, hub, renewAtMs } = state;
  const good =
    hub.name === 'connected' && (state.fruitless > 0 || hub.drops > 0)
      ? hub.connectedMs + GOOD_CONNECTION_MS
      : Infinity;
  return Math.min(
    'due' in dps && !('asking' in dps && dps.asking) ? dps.due.atMs : Infinity,
    dps.name === 'idle' ? (hub.window?.atMs ?? Infinity) : Infinity,
    renewAtMs ?? Infinity,
    good,
  );
}

function react(rules: Rules, state: State, event: Event, now: Now, random: Random): Step {
  switch (event.name) {
    case 'start':
      return start(rules, event.stored, now, random);
    case 'tick':
      return onTick(rules, state, now, random);
    case 'answer':
      return onAnswer(rules, state, event.outcome, now, random);
    case 'hub':
      return onHub(rules, state, event.report, event.kernelClock, now, random);
    case 'request':
      return onRequest(rules, state, event.request, now);
  }
}

/**
 * The wall clock was set: the times given out are wrong, with a certificate too, and a wrong clock
 * may be right now.
 */
function noticeClock(rules: Rules, state: State, now: Now): Step {
  const wallOffsetMs = now.wallMs - now.monotonicMs;
  if (Math.abs(wallOffsetMs - state.clock.wallOffsetMs) <= CLOCK_JUMP_MS) {
    return { state, effects: [] };
  }
  const clock = { ...state.clock, wallOffsetMs };
  const { dps } = state;
  const woken: DpsPart =
    dps.name === 'clock_wrong'
      ? {
          ...dps,
          due: deadline(now, Math.min(dps.due.atMs - now.monotonicMs, gapMs(rules, state, now))),
        }
      : dps;
  return publish(rules, { ...state, clock, dps: woken }, now);
}

function onTick(rules: Rules, before: State, now: Now, random: Random): Step {
  let state = settled(before, now);
  const effects: Effect[] = [];
  if (state.renewAtMs !== undefined && state.renewAtMs <= now.monotonicMs) {
    const renewed = publish(rules, state, now);
    state = renewed.state;
    effects.push(...renewed.effects);
  }
  state = onWindowEnd(rules, state, now, random);
  const asked = askIfDue(rules, state, now, random);
  return { state: asked.state, effects: [...effects, ...asked.effects] };
}

/** A connection that has held for a while ends the memory of those that did not. */
function settled(state: State, now: Now): State {
  const { hub } = state;
  // The same sum as in `wakeAtMs`: a difference may round to less, and then nothing would happen there.
  const goodAtMs = hub.connectedMs + GOOD_CONNECTION_MS;
  const good = hub.name === 'connected' && now.monotonicMs >= goodAtMs;
  if (!good || (state.fruitless === 0 && hub.drops === 0)) return state;
  return { ...state, fruitless: 0, hub: { ...hub, drops: 0, failures: 0 } };
}
