/**
 * The admin API: JSON over plain HTTP, for loopback. It has no access control whatever; whoever
 * reaches it owns the cloud. The README lists the paths; `GET /` does as well.
 */
import type { Cloud } from '../cloud.ts';
import { dpsRoutes } from './dps-routes.ts';
import { eventRoutes } from './event-routes.ts';
import { hubRoutes } from './hub-routes.ts';
import { serveRoutes } from './router.ts';
import type { Admin, Route } from './router.ts';

export interface AdminOptions {
  /** Default 127.0.0.1. */
  readonly listenHost?: string;
  /** Default a free one. */
  readonly port?: number;
}

export async function startAdmin(cloud: Cloud, options: AdminOptions = {}): Promise<Admin> {
  const { listenHost = '127.0.0.1', port = 0 } = options;
  return serveRoutes(adminRoutes(cloud), listenHost, port);
}

export function adminRoutes(cloud: Cloud): readonly Route[] {
  const routes = [...dpsRoutes(cloud), ...hubRoutes(cloud), ...eventRoutes(cloud)];
  const overview = () => ({
    json: {
      dps: {
        idScope: cloud.dps.idScope,
        httpsEndpoint: cloud.dps.endpoint,
        mqttEndpoint: cloud.dps.mqttEndpoint,
        enrolments: cloud.dps.enrolments.all.length,
        registrations: cloud.dps.registrations.size,
      },
      hubs: cloud.hubs.map(({ name, host, connected }) => ({ name, host, connected })),
      caFile: cloud.caFile,
      paths: routes.map(({ method, path }) => `${method} ${path}`),
    },
  });
  return [
    { method: 'GET', path: '/', handle: overview },
    {
      method: 'GET',
      path: '/ca.pem',
      handle: () => ({ text: cloud.ca, contentType: 'application/x-pem-file' }),
    },
    ...routes,
  ];
}

export type { Admin } from './router.ts';
export type { DeviceConnection } from './connection.ts';
