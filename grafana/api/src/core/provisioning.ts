/** Provisioning and the hub that is assigned, as the provisioner tells it. */
import type { Level, Row } from './contract/index.ts';
import type { Knowledge } from './facts.ts';
import { linkOf } from './links.ts';
import { firstOf, short, timeOf, whole } from './values.ts';
import { sentence } from './words.ts';

export interface Provisioning {
  readonly configured: boolean;
  readonly state: string;
  readonly level: Level;
  readonly reason: string;
  readonly nextAttemptMs: number | null;
}

/** States of the provisioner (`provisioning:state`). */
const LEVELS: Readonly<Record<string, Level>> = {
  off: 'idle',
  assigned: 'good',
  connected: 'good',
  registering: 'warning',
  looking_up: 'warning',
  assigning: 'warning',
  waiting: 'warning',
  hub_failing: 'warning',
  hub_refused: 'bad',
  blocked: 'bad',
  clock_wrong: 'bad',
  refused: 'bad',
};

export function provisioningLevel(state: string): Level {
  return Object.hasOwn(LEVELS, state) ? (LEVELS[state] ?? 'unknown') : 'unknown';
}

export function provisioningOf({ facts }: Knowledge): Provisioning {
  const { provisioning, assignment, provisioner } = facts.hashes;
  const told = firstOf(provisioning, 'state') ?? firstOf(provisioner, 'state');
  const configured = told !== null || firstOf(assignment, 'host') !== null;
  const state = told ?? (configured ? 'assigned' : 'off');
  return {
    configured: configured && state !== 'off',
    state,
    level: provisioningLevel(state),
    reason: short(firstOf(provisioning, 'reason') ?? ''),
    nextAttemptMs: timeOf(provisioning['next_attempt_ms']),
  };
}

/** The one row of `provisioning`. */
export function provisioningRow(known: Knowledge): Row {
  const { provisioning, assignment, hubLink, provisioner } = known.facts.hashes;
  const { configured, state, level, reason, nextAttemptMs } = provisioningOf(known);
  const [requestMs, ...by] = (known.facts.strings.request ?? '').trim().split(/\s+/);
  return {
    configured,
    state,
    level,
    reason: sentence(reason),
    attempt: whole(provisioning['attempt']),
    next_attempt: nextAttemptMs,
    next_attempt_in_ms:
      nextAttemptMs === null ? null : Math.max(0, nextAttemptMs - known.now.wallMs),
    last_error: short(firstOf(provisioning, 'last_error') ?? provisioner['last_error'] ?? ''),
    since: timeOf(provisioning['since_ms']),
    hub_host: firstOf(assignment, 'host'),
    device_id: firstOf(assignment, 'device_id'),
    registration_id: firstOf(assignment, 'registration_id'),
    id_scope: firstOf(assignment, 'id_scope'),
    source: firstOf(assignment, 'source'),
    assigned: timeOf(assignment['assigned_ms']),
    substatus: firstOf(assignment, 'substatus'),
    generation: whole(assignment['generation']),
    link_state: linkOf(known, 'hub').state,
    failing_since: timeOf(hubLink['failing_since_ms']),
    requested: timeOf(requestMs),
    requested_by: by.length === 0 ? null : short(by.join(' '), 40),
  };
}
