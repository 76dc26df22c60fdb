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
  readonly hub: string;
}

export function moveDevice(parts: MoveParts, order: MoveOrder & { registrationId: string }): void {
  const { settings, registrations } = parts;
  const { registrationId } = order;
  const target = targetOf(parts, order.hub);
  settings.pins = { ...settings.pins, [registrationId]: target };
  const registration = registrations.get(registrationId);
  if (registration !== undefined) shutOut(parts, registration, target, order);
}

/** The group's enrolment is changed, so that devices still to come go there as well. */
export function moveGroup(parts: MoveParts, order: MoveOrder & { group: string }): void {
  const { enrolments, registrations, settings } = parts;
  const { group } = order;
  const target = targetOf(parts, order.hub);
  const change = { hubs: [target], allocation: 'static' } as const;
  if (enrolments.change('group', group, change) === undefined) {
    throw new Error(`there is no group ${group}`);
  }
  for (const registration of registrations.values()) {
    if (registration.scope !== 'group' || registration.enrolmentId !== group) continue;
    const { [registration.registrationId]: _pin, ...pins } = settings.pins;
    settings.pins = pins;
    shutOut(parts, registration, target, order);
  }
}

function targetOf({ hubs }: MoveParts, hub: string): string {
  const target = hubs.find(hub);
  if (target === undefined) throw new Error(`there is no hub ${hub}`);
  return target.name;
}

function shutOut(
  parts: MoveParts,
  registration: Registration,
  target: string,
  { gently }: MoveOptions,
): void {
  const { hub, deviceId } = registration;
  if (hub === undefined || deviceId === undefined) return;
  const { registry } = parts.hubs.find(hub) ?? {};
  if (registry?.get(deviceId) === undefined) return;
  // Moved back before it had registered anew: let in again.
  if (hub === target) return registry.update(deviceId, { enabled: true });
  if (gently !== true && mayMove(parts, registration))
    registry.update(deviceId, { enabled: false });
}

/** A device whose policy is `never` would be shut out of the only hub it ever gets. */
function mayMove({ enrolments }: MoveParts, { scope, enrolmentId }: Registration): boolean {
  const enrolment = enrolments.get(scope, enrolmentId);
  // By the API version of the current packages where no policy is stored.
  return enrolment === undefined || effectivePolicy(enrolment.policy, '2019-03-31') !== 'never';
}
