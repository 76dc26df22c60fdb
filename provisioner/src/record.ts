/** From the state to what stands in Redis: the token is signed here and nowhere else. */
import { encodeAssignment, encodeState } from './core/codec.ts';
import { nextAttempt, publicReason, publicState, signingMs } from './core/state.ts';
import type { Now, State } from './core/state.ts';
import type { Given, HubSigner, StatusFields } from './ports.ts';
import type { Settings } from './settings.ts';

/** `provisioning:state` */
export function stateFields(state: State, settings: Settings, now: Now, bootId: string) {
  return encodeState(state, settings.rules.settings, now, bootId);
}

/**
 * `hub:assignment` and `hub:credentials`. Times in them are by the device's clock; only the end
 * inside the token is by the server's, where the two are known to differ.
 */
export function give(
  state: State,
  settings: Settings,
  signer: HubSigner | undefined,
  now: Now,
): Given | undefined {
  const { assignment, generation, hubNotBeforeMs } = state;
  if (assignment === undefined) return undefined;
  const { host, deviceId, kind } = assignment;
  const { tokenMs, tokenMarginMs } = settings.rules;
  const notBeforeMs = now.wallMs + Math.max(0, hubNotBeforeMs - now.monotonicMs);
  const token =
    signer === undefined
      ? {}
      : {
          sas_token: signer.token(host, deviceId, signingMs(state, now) + tokenMs),
          expires_ms: String(Math.round(now.wallMs + tokenMs)),
          renew_ms: String(Math.round(now.wallMs + tokenMs - tokenMarginMs)),
        };
  const { certfile, keyfile } = settings;
  const files = {
    ...(kind === 'x509' && certfile !== undefined ? { certfile } : {}),
    ...(kind === 'x509' && keyfile !== undefined ? { keyfile } : {}),
  };
  return {
    assignment: encodeAssignment(assignment, generation),
    credentials: {
      generation: String(generation),
      host,
      device_id: deviceId,
      kind,
      ...token,
      ...files,
      not_before_ms: String(Math.round(notBeforeMs)),
    },
  };
}

/** `provisioner:status`, what the state says of it. */
export function statusFields(state: State, now: Now): StatusFields {
  const next = nextAttempt(state);
  const { serverOffsetMs, wallOffsetMs } = state.clock;
  const offsetMs = serverOffsetMs === undefined ? '' : Math.round(wallOffsetMs - serverOffsetMs);
  return {
    state: publicState(state),
    reason: publicReason(state),
    hub: state.hub.name,
    host: state.assignment?.host ?? '',
    device_id: state.assignment?.deviceId ?? '',
    generation: state.generation,
    attempt: state.failures,
    next_attempt_ms: next === undefined ? '' : Math.round(next.atMs - now.monotonicMs + now.wallMs),
    clock_ahead_ms: offsetMs,
    last_error: state.lastError,
  };
}
