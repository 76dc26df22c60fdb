/**
 * What survives, as the fields of `provisioning:state` and `hub:assignment`.
 *
 * Waits are kept by two clocks. In the same boot the monotonic one counts, so that neither a restart
 * nor a clock that is set can shorten them. After a reboot only the wall clock is left: the time it
 * says has passed since the writing is taken off, and one that went backwards takes off nothing.
 */
import { isMemory } from './memory.ts';
import type { Memory, Stored } from './start.ts';
import { nextAttempt, publicReason, publicState } from './state.ts';
import type { Assignment, Deadline, DpsPart, Now, State } from './state.ts';
import type { Source } from './rules.ts';

export type Fields = Readonly<Record<string, string>>;

/** Fields of `provisioning:state`; `memory` is for us, the others are for people. */
export function encodeState(state: State, settings: string, now: Now, bootId: string): Fields {
  const next = nextAttempt(state);
  const nextMs = next === undefined ? '' : Math.round(next.atMs - now.monotonicMs + now.wallMs);
  const { generation, dps, hub, failures, heldUntilMs, fruitless, askedAtMs, requests } = state;
  const { lastError, sinceWallMs, told } = state;
  const memory: Memory = {
    generation,
    settings,
    dps,
    window: hub.window,
    looked: hub.looked,
    hold: { untilMs: state.hubNotBeforeMs, failures: hub.failures, report: hub.heldFor },
    failures,
    heldUntilMs,
    fruitless,
    askedAtMs,
    requests,
    lastError,
    sinceWallMs,
    told,
  };
  return {
    state: publicState(state),
    reason: publicReason(state),
    attempt: String(failures),
    next_attempt_ms: String(nextMs),
    last_error: lastError,
    since_ms: String(Math.round(sinceWallMs)),
    memory: JSON.stringify(memory),
    boot: bootId,
    written_ms: String(Math.round(now.wallMs)),
    written_monotonic_ms: String(now.monotonicMs),
  };
}

/** Fields of `hub:assignment`. */
export function encodeAssignment(assignment: Assignment, generation: number): Fields {
  return {
    generation: String(generation),
    host: assignment.host,
    device_id: assignment.deviceId,
    source: assignment.source,
    kind: assignment.kind,
    id_scope: assignment.idScope,
    registration_id: assignment.registrationId,
    assigned_ms: String(Math.round(assignment.assignedWallMs)),
    substatus: assignment.substatus,
    etag: assignment.etag,
    payload: assignment.payload,
  };
}

/** What Redis holds; damaged fields count as missing. */
export function decode(
  state: Fields,
  assignment: Fields,
  usedGeneration: number,
  now: Now,
  bootId: string,
): Stored {
  return {
    generation: Math.max(usedGeneration, Number(assignment['generation']) || 0),
    assignment: decodeAssignment(assignment),
    memory: decodeMemory(state, now, bootId),
  };
}

const SOURCES: readonly Source[] = ['dps', 'connection_string', 'x509_variables'];

function decodeAssignment(fields: Fields): Assignment | undefined {
  const { host = '', device_id: deviceId = '', kind } = fields;
  const source = SOURCES.find((known) => known === fields['source']);
  if (host === '' || deviceId === '' || source === undefined) return undefined;
  if (kind !== 'sas' && kind !== 'x509') return undefined;
  return {
    host,
    deviceId,
    source,
    kind,
    substatus: fields['substatus'] ?? '',
    etag: fields['etag'] ?? '',
    payload: fields['payload'] ?? '',
    idScope: fields['id_scope'] ?? '',
    registrationId: fields['registration_id'] ?? '',
    assignedWallMs: Number(fields['assigned_ms']) || 0,
  };
}

function decodeMemory(fields: Fields, now: Now, bootId: string): Memory | undefined {
  const writtenMs = Number(fields['written_ms']);
  const writtenMonotonicMs = Number(fields['written_monotonic_ms']);
  const memory = parse(fields['memory']);
  if (memory === undefined || !Number.isFinite(writtenMs + writtenMonotonicMs)) return undefined;
  const sameBoot = fields['boot'] === bootId && writtenMonotonicMs <= now.monotonicMs;
  const passedMs = Math.max(0, now.wallMs - writtenMs);
  const shiftMs = sameBoot ? 0 : now.monotonicMs - writtenMonotonicMs - passedMs;
  return shifted(memory, shiftMs);
}

function parse(text: string | undefined): Memory | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isMemory(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function shifted(memory: Memory, byMs: number): Memory {
  const { window, hold, heldUntilMs, askedAtMs, requests } = memory;
  return {
    ...memory,
    dps: shiftedDps(memory.dps, byMs),
    window: window && later(window, byMs),
    hold: hold && { ...hold, untilMs: hold.untilMs + byMs },
    heldUntilMs: heldUntilMs === undefined ? undefined : heldUntilMs + byMs,
    askedAtMs: askedAtMs === undefined ? undefined : askedAtMs + byMs,
    requests: requests && { ...requests, lastMs: requests.lastMs + byMs },
  };
}

function shiftedDps(dps: DpsPart, byMs: number): DpsPart {
  switch (dps.name) {
    case 'idle':
      return dps;
    case 'registering':
    case 'looking_up':
      return { ...dps, retry: later(dps.retry, byMs) };
    case 'assigning':
      return { ...dps, due: later(dps.due, byMs), sinceMs: dps.sinceMs + byMs };
    case 'waiting':
    case 'blocked':
    case 'clock_wrong':
      return { ...dps, due: later(dps.due, byMs) };
  }
}

function later(deadline: Deadline, byMs: number): Deadline {
  return { ...deadline, atMs: deadline.atMs + byMs };
}
