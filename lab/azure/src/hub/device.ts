/** What a hub knows of one device, whether it is connected or not. */
import type { Subscription } from '../core/topics.ts';
import type { DeviceIdentity, Twin } from '../ports.ts';
import type { PendingMessage } from './cloud-to-device.ts';
import type { Session } from './session.ts';

export class Device {
  identity: DeviceIdentity;
  twin: Twin;
  /** The connection there is; at most one. */
  session: Session | undefined;
  /** Survive the connection when it was made with clean = false. */
  readonly subscriptions = new Set<Subscription>();
  /** Cloud-to-device messages not completed yet, oldest first. */
  readonly queue: PendingMessage[] = [];

  constructor(identity: DeviceIdentity, twin: Twin) {
    this.identity = identity;
    this.twin = twin;
  }

  get id(): string {
    return this.identity.deviceId;
  }

  /** Whether something published to this subscription would reach the device now. */
  listens(subscription: Subscription): boolean {
    return this.session !== undefined && this.subscriptions.has(subscription);
  }
}
