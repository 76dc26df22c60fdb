/**
 * An operator moves a device. The real service has no such call: one changes the enrolment and waits
 * until the device registers again. Here the device is told in the way it understands: its old hub
 * lets it in no longer. Its data stays there until it registers, so that its policy decides.
 */
import type { HubDirectory } from '../ports.ts';
import { effectivePolicy } from './core/reprovision.ts';
import type { Enrolments } from './enrolments.ts';
import type { Registration } from './registrations.ts';
import type { DpsSettings } from './settings.ts';

export interface MoveOptions {
  /** Wait until the device registers again by itself: it is not shut out of its present hub. */
  readonly gently?: boolean;
}

interface MoveParts {
  readonly hubs: HubDirectory;
  readonly enrolments: Enrolments;
  readonly settings: DpsSettings;
  readonly registrations: ReadonlyMap<string, Registration>;
}

interface MoveOrder extends MoveOptions {
  readonly registrationId: string;
  readonly hub: string;
}

export function moveDevice(parts: MoveParts, { registrationId, hub, gently }: MoveOrder): void {
  const { hubs, settings, registrations } = parts;
  const target = hubs.find(hub);
  if (target === undefined) throw new Error(`there is no hub ${hub}`);
  settings.pins = { ...settings.pins, [registrationId]: target.name };
  const registration = registrations.get(registrationId);
  if (registration?.hub === undefined || registration.deviceId === undefined) return;
  const { registry } = hubs.find(registration.hub) ?? {};
  if (registry?.get(registration.deviceId) === undefined) return;
  const isThere = registration.hub === target.name;
  // Moved back before it had registered anew: let in again.
  if (isThere) return registry.update(registration.deviceId, { enabled: true });
  if (gently !== true && mayMove(parts, registration)) {
    registry.update(registration.deviceId, { enabled: false });
  }
}

/** A device whose policy is `never` would be shut out of the only hub it ever gets. */
function mayMove({ enrolments }: MoveParts, { scope, enrolmentId }: Registration): boolean {
  const enrolment = enrolments.get(scope, enrolmentId);
  // By the API version of the current packages where no policy is stored.
  return enrolment === undefined || effectivePolicy(enrolment.policy, '2019-03-31') !== 'never';
}
