/**
 * Carries out at the hubs what a registration decided. The device is made at its new hub before it
 * is taken from the old one: at no time is there no hub that knows it, and its data exists once more
 * rather than once less.
 */
import type { DeviceAuthentication, HubDirectory, HubRef, TwinContent } from '../ports.ts';
import type { DeviceCredentials } from './core/authentication.ts';
import type { InitialTwin } from './core/enrolment.ts';
import type { Plan } from './core/reprovision.ts';

export interface Move {
  readonly plan: Plan;
  readonly deviceId: string;
  readonly credentials: DeviceCredentials;
}

/** @throws HubError, or Error when a hub of the plan is gone */
export function carryOut(move: Move, hubs: HubDirectory): void {
  const { plan, deviceId } = move;
  const hub = hubOf(hubs, plan.hub);
  switch (plan.kind) {
    case 'create':
      return put(hub, move, startOf(plan.twin));
    case 'migrate': {
      const old = hubOf(hubs, plan.from);
      const { tags, desired, reported } = old.registry.readTwin(deviceId);
      put(hub, move, { tags, desired, reported });
      old.registry.delete(deviceId);
      return;
    }
    case 'replace':
      put(hub, move, startOf(plan.twin));
      hubOf(hubs, plan.from).registry.delete(deviceId);
      return;
    case 'keep':
      return refreshKeys(hub, move);
    case 'reset':
      refreshKeys(hub, move);
      hub.registry.replaceTwin(deviceId, startOf(plan.twin));
  }
}

function put(hub: HubRef, { deviceId, credentials }: Move, twin: TwinContent): void {
  const authentication = authenticationOf(credentials);
  if (hub.registry.get(deviceId) === undefined) {
    hub.registry.create({ deviceId, enabled: true, authentication }, twin);
    return;
  }
  // Made by hand before, or left over: DPS takes it over.
  hub.registry.update(deviceId, { enabled: true, authentication });
  hub.registry.replaceTwin(deviceId, twin);
}

/** The keys of the enrolment may have been rotated since. A device disabled at its hub stays so. */
function refreshKeys(hub: HubRef, { deviceId, credentials }: Move): void {
  const wanted = authenticationOf(credentials);
  const present = hub.registry.get(deviceId)?.authentication;
  if (JSON.stringify(present) === JSON.stringify(wanted)) return;
  hub.registry.update(deviceId, { authentication: wanted });
}

function authenticationOf(credentials: DeviceCredentials): DeviceAuthentication {
  if (credentials.kind === 'symmetric_key') {
    const { primaryKey, secondaryKey } = credentials;
    return { kind: 'sas', primaryKey, secondaryKey };
  }
  const [primary = '', secondary] = credentials.thumbprints;
  return { kind: 'x509_thumbprint', primary, ...(secondary === undefined ? {} : { secondary }) };
}

function startOf(twin: InitialTwin): TwinContent {
  return { tags: twin.tags ?? {}, desired: twin.desired ?? {}, reported: {} };
}

function hubOf(hubs: HubDirectory, name: string): HubRef {
  const hub = hubs.find(name);
  if (hub === undefined) throw new Error(`there is no hub ${name}`);
  return hub;
}
