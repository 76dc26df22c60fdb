/** The identity registry and the twins of a hub. */
import { clean, merged, newTwin, patchFault, replacedTwin } from '../core/twin.ts';
import type { JsonObject } from '../json.ts';
import { HubError } from '../ports.ts';
import type { DeviceIdentity, DeviceRegistry, Twin, TwinContent } from '../ports.ts';
import { Device } from './device.ts';

/** What the hub does when the registry changed something a connected device must notice. */
export interface RegistryEffects {
  changed(device: Device, what: 'device_created' | 'device_updated' | 'device_deleted'): void;
  /** `properties` = what a connected device is to be told. */
  desiredChanged(device: Device, properties: JsonObject): void;
}

const DEVICE_ID = /^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$/;

export class HubRegistry implements DeviceRegistry {
  readonly #devices = new Map<string, Device>();
  readonly #effects: RegistryEffects;

  constructor(effects: RegistryEffects) {
    this.#effects = effects;
  }

  get size(): number {
    return this.#devices.size;
  }

  /** With its connection, queue and subscriptions; for the hub itself. */
  device(deviceId: string): Device | undefined {
    return this.#devices.get(deviceId);
  }

  devices(): Iterable<Device> {
    return this.#devices.values();
  }

  create(identity: DeviceIdentity, twin: Partial<TwinContent> = {}): void {
    if (!DEVICE_ID.test(identity.deviceId)) throw new HubError(400004, 'InvalidDeviceId');
    if (this.#devices.has(identity.deviceId)) throw new HubError(409001, 'DeviceAlreadyExists');
    const device = new Device({ ...identity }, newTwin(twin));
    this.#devices.set(identity.deviceId, device);
    this.#effects.changed(device, 'device_created');
  }

  get(deviceId: string): DeviceIdentity | undefined {
    return this.#devices.get(deviceId)?.identity;
  }

  list(): readonly DeviceIdentity[] {
    return [...this.#devices.values()].map((device) => device.identity);
  }

  update(deviceId: string, change: Partial<Omit<DeviceIdentity, 'deviceId'>>): void {
    const device = this.require(deviceId);
    device.identity = { ...device.identity, ...change, deviceId };
    this.#effects.changed(device, 'device_updated');
  }

  delete(deviceId: string): boolean {
    const device = this.#devices.get(deviceId);
    if (device === undefined) return false;
    this.#devices.delete(deviceId);
    this.#effects.changed(device, 'device_deleted');
    return true;
  }

  readTwin(deviceId: string): Twin {
    return this.require(deviceId).twin;
  }

  replaceTwin(deviceId: string, twin: Partial<TwinContent>): void {
    const device = this.require(deviceId);
    device.twin = replacedTwin(device.twin, twin);
    this.#effects.desiredChanged(device, device.twin.desired);
  }

  patchDesired(deviceId: string, patch: JsonObject): number {
    const device = this.require(deviceId);
    const fault = patchFault(device.twin.desired, patch);
    if (fault !== undefined) throw new HubError(400000, `InvalidPatch: ${fault}`);
    const changes = clean(patch);
    device.twin = {
      ...device.twin,
      desired: merged(device.twin.desired, changes),
      desiredVersion: device.twin.desiredVersion + 1,
    };
    this.#effects.desiredChanged(device, changes);
    return device.twin.desiredVersion;
  }

  isConnected(deviceId: string): boolean {
    return this.#devices.get(deviceId)?.session !== undefined;
  }

  /** @throws HubError 404001 */
  require(deviceId: string): Device {
    const device = this.#devices.get(deviceId);
    if (device === undefined) throw new HubError(404001, 'DeviceNotFound');
    return device;
  }
}
