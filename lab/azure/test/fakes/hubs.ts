/** Hubs that only keep a registry: what DPS needs of them, without MQTT. */
import { HubError } from '../../src/ports.ts';
import type { DeviceIdentity, HubDirectory, HubRef, Twin, TwinContent } from '../../src/ports.ts';
import type { JsonObject } from '../../src/json.ts';

interface Kept {
  identity: DeviceIdentity;
  twin: Twin;
}

export function fakeHubs(...names: readonly string[]): HubDirectory {
  const all = names.map(fakeHub);
  const find = (wanted: string) =>
    all.find(({ name, host }) => [name, host].includes(wanted.toLowerCase()));
  return { all, find };
}

function fakeHub(name: string): HubRef {
  const kept = new Map<string, Kept>();
  const known = (deviceId: string): Kept => {
    const device = kept.get(deviceId);
    if (device === undefined) throw new HubError(404001, 'DeviceNotFound');
    return device;
  };
  const patchDesired = (deviceId: string, patch: JsonObject): number => {
    const device = known(deviceId);
    const desired = { ...device.twin.desired, ...patch };
    device.twin = { ...device.twin, desired, desiredVersion: device.twin.desiredVersion + 1 };
    return device.twin.desiredVersion;
  };
  return {
    name,
    host: `${name}.example`,
    dropConnections: () => {},
    registry: {
      get size() {
        return kept.size;
      },
      create(identity, twin) {
        if (kept.has(identity.deviceId)) throw new HubError(409001, 'DeviceAlreadyExists');
        kept.set(identity.deviceId, { identity, twin: twinOf(twin) });
      },
      get: (deviceId) => kept.get(deviceId)?.identity,
      list: () => [...kept.values()].map(({ identity }) => identity),
      update(deviceId, change) {
        const device = known(deviceId);
        device.identity = { ...device.identity, ...change };
      },
      delete(deviceId) {
        kept.delete(deviceId);
        return false;
      },
      readTwin: (deviceId) => known(deviceId).twin,
      replaceTwin(deviceId, twin) {
        known(deviceId).twin = twinOf(twin);
      },
      patchDesired,
      isConnected: () => false,
    },
  };
}

function twinOf(twin: Partial<TwinContent> = {}): Twin {
  const empty = { tags: {}, desired: {}, reported: {} };
  return { ...empty, ...twin, desiredVersion: 1, reportedVersion: 1 };
}
