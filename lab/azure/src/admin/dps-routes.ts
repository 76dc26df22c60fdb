/** The admin API's part about enrolments, registrations and how DPS behaves. */
import type { Cloud } from '../cloud.ts';
import type { Enrolment } from '../dps/core/enrolment.ts';
import type { DpsSettings } from '../dps/index.ts';
import { renderRegistration } from '../dps/registrations.ts';
import { renderEnrolment } from '../dps/render-enrolment.ts';
import { isJsonObject } from '../json.ts';
import type { Json, JsonObject } from '../json.ts';
import { connectionOf } from './connection.ts';
import { AdminError } from './router.ts';
import type { AdminRequest, Route } from './router.ts';

export function dpsRoutes(cloud: Cloud): readonly Route[] {
  return [...enrolmentRoutes(cloud), ...provisioningRoutes(cloud)];
}

function enrolmentRoutes(cloud: Cloud): readonly Route[] {
  const { dps } = cloud;
  const hostOf = (hub: string) => cloud.directory.find(hub)?.host;
  const shown = (enrolment: Enrolment) => renderEnrolment(enrolment, hostOf, 'shown');
  const find = (request: AdminRequest): Enrolment => {
    const scope = scopeOf(request.param('scope'));
    const enrolment = dps.enrolments.get(scope, request.param('id'));
    if (enrolment === undefined) throw new AdminError(404, 'there is no such enrolment');
    return enrolment;
  };
  return [
    { method: 'GET', path: '/enrolments', handle: () => ({ json: dps.enrolments.all.map(shown) }) },
    {
      method: 'POST',
      path: '/enrolments',
      handle: ({ body }) => ({ status: 201, json: shown(dps.enrol(body ?? null)) }),
    },
    { method: 'GET', path: '/enrolments/:scope/:id', handle: (r) => ({ json: shown(find(r)) }) },
    {
      method: 'PATCH',
      path: '/enrolments/:scope/:id',
      handle: (request) => {
        // The service's own JSON with changes is the service's own JSON.
        const changed = { ...shown(find(request)), ...objectOf(request.body) };
        return { json: shown(dps.enrol(changed)) };
      },
    },
    {
      method: 'DELETE',
      path: '/enrolments/:scope/:id',
      handle: (request) => {
        const { scope, id } = find(request);
        return { json: { deleted: dps.enrolments.delete(scope, id) } };
      },
    },
  ];
}

function provisioningRoutes(cloud: Cloud): readonly Route[] {
  const { dps } = cloud;
  const hostOf = (hub: string) => cloud.directory.find(hub)?.host;
  return [
    {
      method: 'POST',
      path: '/connection',
      handle: async ({ body }) => {
        const { registrationId, group } = objectOf(body);
        const id = textOf(registrationId, 'registrationId');
        const name = typeof group === 'string' ? group : undefined;
        return { json: await connectionOf(cloud, id, name) };
      },
    },
    {
      method: 'GET',
      path: '/registrations',
      handle: () => ({
        json: [...dps.registrations.values()].map((one) => renderRegistration(one, hostOf)),
      }),
    },
    {
      method: 'POST',
      path: '/move',
      handle: ({ body }) => ({ json: move(cloud, objectOf(body)) }),
    },
    { method: 'GET', path: '/dps/settings', handle: () => ({ json: dps.settings }) },
    {
      method: 'PATCH',
      path: '/dps/settings',
      handle: ({ body }) => ({ json: changeSettings(dps.settings, objectOf(body)) }),
    },
  ];
}

function move({ directory, dps }: Cloud, order: JsonObject): JsonObject {
  const { registrationId, group, gently } = order;
  const hub = textOf(order['hub'], 'hub');
  if (directory.find(hub) === undefined) throw new AdminError(404, `there is no hub ${hub}`);
  const options = { gently: gently === true };
  if (typeof group !== 'string') {
    const id = textOf(registrationId, 'registrationId');
    dps.move(id, hub, options);
    return { registrationId: id, hub };
  }
  if (dps.enrolments.get('group', group) === undefined) {
    throw new AdminError(404, `there is no group ${group}`);
  }
  dps.moveGroup(group, hub, options);
  return { group, hub };
}

/** Members must have the type of what they replace; objects are merged. */
function changeSettings(settings: DpsSettings, changes: JsonObject): DpsSettings {
  const known = settings as unknown as Record<string, Json>;
  const next: Record<string, Json> = {};
  for (const [name, value] of Object.entries(changes)) {
    const present = Object.hasOwn(known, name) ? known[name] : undefined;
    if (present === undefined || typeof present !== typeof value) {
      throw new AdminError(400, `${name} is no setting of DPS, or of another type`);
    }
    next[name] = isJsonObject(present) && isJsonObject(value) ? { ...present, ...value } : value;
  }
  return Object.assign(settings, next);
}

function scopeOf(word: string): 'individual' | 'group' {
  if (word === 'individual' || word === 'group') return word;
  throw new AdminError(404, 'enrolments are individual or group');
}

export function objectOf(body: Json | undefined): JsonObject {
  if (isJsonObject(body)) return body;
  throw new AdminError(400, 'a JSON object is needed');
}

export function textOf(value: Json | undefined, name: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new AdminError(400, `${name} must be a text`);
}
