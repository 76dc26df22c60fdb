/** A cloud with one device, and that device as a client whose every packet the test decides. */
import assert from 'node:assert/strict';
import type { Clock } from '@holdfast/kit';
import { ManualClock } from '@holdfast/kit/testing';
import {
  ConnackError,
  connectMqtt,
  hubConnect,
  startCloud,
  symmetricKeyDevice,
} from '../../src/index.ts';
import type { Cloud, Hub, HubOptions, MqttDevice, MqttDeviceOptions } from '../../src/index.ts';

export const DEVICE = 'dev-1';
export const KEY = Buffer.from('the key of the device of these tests').toString('base64');
export const EVENTS = `devices/${DEVICE}/messages/events/`;
export const TWIN_ANSWERS = '$iothub/twin/res/#';

export interface Bed extends AsyncDisposable {
  readonly cloud: Cloud;
  readonly hub: Hub;
  /** Of the cloud; moves only by hand. */
  readonly clock: ManualClock;
  /** Connects as the device, with these members of CONNECT changed. */
  connect(
    changes?: Partial<MqttDeviceOptions['connect']>,
    options?: Partial<MqttDeviceOptions>,
  ): Promise<MqttDevice>;
  /** The return code a connection is refused with; 0 = closed without one. */
  refusal(changes?: Partial<MqttDeviceOptions['connect']>): Promise<number>;
}

export async function startBed(hub: Partial<HubOptions> = {}): Promise<Bed> {
  const clock = new ManualClock();
  const cloud = await startCloud({ clock, hubs: [{ name: 'hub-a', ...hub }, 'hub-b'] });
  const bed: Bed = {
    cloud,
    clock,
    hub: cloud.hub('hub-a'),
    async connect(changes = {}, options = {}) {
      return connectMqtt({
        port: portOf(bed.hub),
        ca: cloud.ca,
        timeoutMs: 5000,
        connect: { ...login(bed, 3600), ...changes },
        ...options,
      });
    },
    async refusal(changes = {}) {
      try {
        const device = await bed.connect(changes);
        device.destroy();
      } catch (error) {
        return error instanceof ConnackError ? error.code : 0;
      }
      return assert.fail('the hub let the device in');
    },
    async [Symbol.asyncDispose]() {
      await cloud.close();
    },
  };
  bed.hub.registry.create(symmetricKeyDevice(DEVICE, KEY));
  return bed;
}

/** What the device signs in with; the token lives so long by the clock of the cloud. */
export function login(
  bed: { readonly hub: Hub; readonly clock: Clock },
  lifeSeconds: number,
  change: { readonly key?: string; readonly deviceId?: string; readonly host?: string } = {},
): MqttDeviceOptions['connect'] {
  return hubConnect({
    host: bed.hub.host,
    deviceId: DEVICE,
    key: KEY,
    expiresSeconds: bed.clock.nowMs() / 1000 + lifeSeconds,
    ...change,
  });
}

export function portOf(hub: Hub): number {
  return Number(hub.host.split(':')[1]);
}
