/** The routes of the service. `/` is the page, `/openapi.json` this table, `/healthz` for the container. */
import type { Column } from './columns.ts';
import {
  EVENT,
  LIMITS,
  POINTS,
  QUANTITY,
  RANGE,
  SENSOR,
  SERVICE,
  SUBJECT,
  limit,
} from './parameters.ts';
import type { Parameter } from './parameters.ts';
import {
  EVENTS,
  GAPS,
  HISTORY,
  LATEST,
  LINKS,
  PROVISIONING,
  QUANTITIES,
  READINGS,
  SENSORS,
  SERIES,
  SERVICES,
  STATES,
  STATUS,
} from './tables.ts';

export interface TableRoute {
  readonly path: string;
  readonly help: string;
  readonly parameters: readonly Parameter[];
  readonly columns: readonly Column[];
}

const filters = [SENSOR, QUANTITY];

export const TABLE_ROUTES = {
  latest: {
    path: '/api/latest',
    help: 'the newest value of each quantity of each sensor',
    parameters: filters,
    columns: LATEST,
  },
  sensors: {
    path: '/api/sensors',
    help: 'each sensor: whether it answers, how good its readings are',
    parameters: [SENSOR],
    columns: SENSORS,
  },
  quantities: {
    path: '/api/quantities',
    help: 'what is measured: for variables of dashboards',
    parameters: [SENSOR],
    columns: QUANTITIES,
  },
  series: {
    path: '/api/series',
    help: 'values over time, a series per sensor and quantity, each ordered by time',
    parameters: [...filters, ...RANGE, POINTS],
    columns: SERIES,
  },
  readings: {
    path: '/api/readings',
    help: 'the newest readings, newest first',
    parameters: [SENSOR, limit(LIMITS.defaultReadings, LIMITS.maxReadings)],
    columns: READINGS,
  },
  states: {
    path: '/api/states',
    help: 'states over time, ordered by subject and time',
    parameters: [SUBJECT, ...RANGE],
    columns: STATES,
  },
  events: {
    path: '/api/events',
    help: 'what has happened, oldest first: annotations',
    parameters: [SERVICE, EVENT, ...RANGE, limit(LIMITS.defaultEvents, LIMITS.maxEvents)],
    columns: EVENTS,
  },
  gaps: {
    path: '/api/gaps',
    help: 'readings that were lost and recorded as lost, oldest first',
    parameters: RANGE,
    columns: GAPS,
  },
  services: {
    path: '/api/services',
    help: 'each service and what it says about itself',
    parameters: [],
    columns: SERVICES,
  },
  links: {
    path: '/api/links',
    help: 'each destination: its link and what has gone there',
    parameters: [],
    columns: LINKS,
  },
  provisioning: {
    path: '/api/provisioning',
    help: 'one row: the state of provisioning and the hub that is assigned',
    parameters: [],
    columns: PROVISIONING,
  },
  status: {
    path: '/api/status',
    help: 'one row: the whole device at a glance, with backlog and forecast',
    parameters: [],
    columns: STATUS,
  },
  history: {
    path: '/api/history',
    help: 'throughput, backlog and memory over time, since this service started, a day at most',
    parameters: [...RANGE, POINTS],
    columns: HISTORY,
  },
} as const satisfies Record<string, TableRoute>;

export type TableName = keyof typeof TABLE_ROUTES;
