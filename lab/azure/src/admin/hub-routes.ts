/** The admin API's part about hubs and their devices: what Azure's service API does, in short. */
import type { Cloud } from '../cloud.ts';
import { tierLimits } from '../core/limits.ts';
import type { HubLimits, Tier } from '../core/limits.ts';
import { symmetricKeyDevice } from '../hub/hub.ts';
import type { Hub } from '../hub/hub.ts';
import { isJsonObject } from '../json.ts';
import type { Json, JsonObject } from '../json.ts';
import { objectOf, textOf } from './dps-routes.ts';
import { AdminError } from './router.ts';
import type { AdminRequest, Route } from './router.ts';

const LIMITS = [
  'connectsPerSecond',
  'sendsPerSecond',
  'shapingMs',
  'dailyBlocks',
  'blockBytes',
  'twinReadsPerSecond',
  'twinUpdatesPerSecond',
] as const satisfies readonly (keyof HubLimits)[];
const TIERS: readonly Tier[] = ['F1', 'S1', 'S2', 'S3'];

export function hubRoutes(cloud: Cloud): readonly Route[] {
  return [
    ...hubItself(cloud),
    ...devices(cloud),
    ...device(cloud),
    ...twins(cloud),
    ...conversation(cloud),
  ];
}

/** `-` stands for the hub that knows the device. */
function hubOf(cloud: Cloud, request: AdminRequest): Hub {
  const name = request.param('hub');
  const found =
    name === '-'
      ? cloud.hubs.find(({ registry }) => registry.get(request.param('device')) !== undefined)
      : cloud.hubs.find((hub) => [hub.name, hub.host].includes(name));
  if (found !== undefined) return found;
  throw new AdminError(404, name === '-' ? 'no hub knows this device' : `there is no hub ${name}`);
}

function hubItself(cloud: Cloud): readonly Route[] {
  const show = ({ name, host, registry, connected, usage, limits, messages }: Hub) => ({
    name,
    host,
    devices: registry.size,
    connected,
    messages: messages.total,
    usage,
    limits,
  });
  const act =
    (change: (hub: Hub, request: AdminRequest) => void | Promise<void>) =>
    async (request: AdminRequest) => {
      const hub = hubOf(cloud, request);
      await change(hub, request);
      return { json: show(hub) };
    };
  return [
    { method: 'GET', path: '/hubs', handle: () => ({ json: cloud.hubs.map(show) }) },
    { method: 'POST', path: '/hubs/:hub/down', handle: act((hub) => hub.goDown()) },
    { method: 'POST', path: '/hubs/:hub/up', handle: act((hub) => hub.comeUp()) },
    {
      method: 'POST',
      path: '/hubs/:hub/failover',
      handle: act((hub, { body }) => {
        const { seconds } = objectOf(body);
        if (typeof seconds !== 'number') throw new AdminError(400, 'seconds must be a number');
        hub.failOver(seconds * 1_000);
      }),
    },
    {
      method: 'PUT',
      path: '/hubs/:hub/limits',
      handle: act((hub, { body }) => {
        hub.limits = parseLimits(objectOf(body));
      }),
    },
  ];
}

/** `{tier, units?}` or single limits; what is not named is not limited. */
function parseLimits(json: JsonObject): HubLimits {
  const tier = TIERS.find((known) => known === json['tier']);
  const { units } = json;
  const limits: Record<string, number> = {
    ...(tier === undefined ? {} : tierLimits(tier, typeof units === 'number' ? units : 1)),
  };
  for (const name of LIMITS) {
    const value = json[name];
    if (typeof value === 'number') limits[name] = value;
  }
  return limits;
}

function showDevice(hub: Hub, deviceId: string) {
  const identity = hub.registry.get(deviceId);
  if (identity === undefined) throw new AdminError(404, `${hub.name} knows no ${deviceId}`);
  return {
    hub: hub.name,
    deviceId,
    enabled: identity.enabled,
    authentication: identity.authentication.kind,
    connected: hub.registry.isConnected(deviceId),
    connectionString: hub.connectionString(deviceId),
  };
}

/** All devices of a hub. */
function devices(cloud: Cloud): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/hubs/:hub/devices',
      handle: (request) => {
        const hub = hubOf(cloud, request);
        return { json: hub.registry.list().map(({ deviceId }) => showDevice(hub, deviceId)) };
      },
    },
    {
      method: 'POST',
      path: '/hubs/:hub/devices',
      handle: (request) => {
        const { deviceId, primaryKey } = objectOf(request.body);
        const id = textOf(deviceId, 'deviceId');
        const hub = hubOf(cloud, request);
        const key = typeof primaryKey === 'string' ? primaryKey : undefined;
        hub.registry.create(symmetricKeyDevice(id, key));
        return { status: 201, json: showDevice(hub, id) };
      },
    },
  ];
}

/** One device. */
function device(cloud: Cloud): readonly Route[] {
  const act = (change: (hub: Hub, deviceId: string, body: Json | undefined) => void) => {
    return (request: AdminRequest) => {
      const hub = hubOf(cloud, request);
      const deviceId = request.param('device');
      const before = showDevice(hub, deviceId);
      change(hub, deviceId, request.body);
      return {
        json: hub.registry.get(deviceId) === undefined ? before : showDevice(hub, deviceId),
      };
    };
  };
  return [
    { method: 'GET', path: '/hubs/:hub/devices/:device', handle: act(() => {}) },
    {
      method: 'PATCH',
      path: '/hubs/:hub/devices/:device',
      handle: act((hub, deviceId, body) => {
        const { enabled } = objectOf(body);
        if (typeof enabled !== 'boolean') throw new AdminError(400, 'enabled must be a boolean');
        hub.registry.update(deviceId, { enabled });
      }),
    },
    {
      method: 'DELETE',
      path: '/hubs/:hub/devices/:device',
      handle: act((hub, deviceId) => void hub.registry.delete(deviceId)),
    },
    {
      method: 'POST',
      path: '/hubs/:hub/devices/:device/drop',
      handle: act((hub, deviceId) => hub.dropConnections(deviceId)),
    },
  ];
}

function twins(cloud: Cloud): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/hubs/:hub/devices/:device/twin',
      handle: (request) => ({
        json: hubOf(cloud, request).registry.readTwin(request.param('device')),
      }),
    },
    {
      method: 'PATCH',
      path: '/hubs/:hub/devices/:device/twin/desired',
      handle: (request) => {
        const { registry } = hubOf(cloud, request);
        registry.patchDesired(request.param('device'), objectOf(request.body));
        return { json: registry.readTwin(request.param('device')) };
      },
    },
  ];
}

function conversation(cloud: Cloud): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/hubs/:hub/devices/:device/methods/:method',
      handle: async (request) => {
        const device = request.param('device');
        const seconds = Number(request.query.get('timeoutSeconds') ?? 30);
        const options = { responseTimeoutSeconds: seconds };
        const hub = hubOf(cloud, request);
        return {
          json: await hub.invokeMethod(device, request.param('method'), request.body, options),
        };
      },
    },
    {
      method: 'POST',
      path: '/hubs/:hub/devices/:device/messages',
      handle: (request) => {
        const { body, properties, contentType } = objectOf(request.body);
        const message = {
          body: typeof body === 'string' ? body : JSON.stringify(body ?? null),
          ...(typeof contentType === 'string' ? { contentType } : {}),
          ...(isJsonObject(properties) ? { properties: texts(properties) } : {}),
        };
        const hub = hubOf(cloud, request);
        const messageId = hub.sendToDevice(request.param('device'), message);
        return { status: 202, json: { messageId } };
      },
    },
  ];
}

function texts(json: JsonObject): Record<string, string> {
  const entries = Object.entries(json).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}
