/** The OpenAPI 3.1 document of the service, made from the tables of routes and columns. */
import type { Column } from './columns.ts';
import { CURVE_PARAMETERS } from './parameters.ts';
import type { Parameter } from './parameters.ts';
import { TABLE_ROUTES } from './routes.ts';
import type { TableRoute } from './routes.ts';

export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [k: string]: Json };

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const jsonBody = (schema: Json): Json => ({ 'application/json': { schema } });
const answer = (description: string, schema: Json): Json => ({
  description,
  content: jsonBody(schema),
});

const BASE = { time: 'integer', integer: 'integer', number: 'number' } as const;

/** The schema of a cell. */
function cellSchema({ type, nullable, help, words }: Column): Json {
  const base = type === 'string' || type === 'boolean' ? type : BASE[type];
  return {
    type: nullable ? [base, 'null'] : base,
    description: type === 'time' ? `${help} (unix milliseconds)` : help,
    ...(words === undefined ? {} : { enum: nullable ? [...words, null] : words }),
  };
}

export function rowSchema(columns: readonly Column[]): Json {
  return {
    type: 'object',
    properties: Object.fromEntries(columns.map((column) => [column.name, cellSchema(column)])),
    required: columns.map(({ name }) => name),
    additionalProperties: false,
  };
}

function parameterObject({ name, kind, help, fallback, min, max }: Parameter): Json {
  const schema: Json =
    kind === 'list'
      ? { type: 'string' }
      : {
          type: 'integer',
          ...(min === undefined ? {} : { minimum: min }),
          ...(max === undefined ? {} : { maximum: max }),
        };
  return {
    name,
    in: 'query',
    required: false,
    description: `${help}; default: ${fallback}`,
    schema,
  };
}

const REFUSALS: Json = {
  '400': answer('A parameter is unknown or not allowed.', ref('Error')),
  '429': answer('Too many requests; the header Retry-After says when to come back.', ref('Error')),
  '503': answer('Redis cannot be reached or does not answer.', ref('Error')),
};

function tablePath(name: string, { help, parameters, columns }: TableRoute): Json {
  return {
    get: {
      operationId: name,
      summary: help,
      parameters: parameters.map(parameterObject),
      responses: {
        '200': answer(help, { type: 'array', items: rowSchema(columns) }),
        ...(REFUSALS as Record<string, Json>),
      },
    },
  };
}

const SCHEMAS: Json = {
  Error: {
    type: 'object',
    properties: {
      error: {
        type: 'object',
        properties: {
          code: { type: 'string', description: 'for programs, lower snake case' },
          message: { type: 'string', description: 'for people' },
        },
        required: ['code', 'message'],
        additionalProperties: false,
      },
    },
    required: ['error'],
    additionalProperties: false,
  },
  Health: {
    type: 'object',
    properties: {
      status: { type: 'string', enum: ['ok'] },
      redis: { type: 'string', enum: ['ready', 'unreachable'] },
    },
    required: ['status', 'redis'],
    additionalProperties: false,
  },
  Measuring: {
    type: 'object',
    properties: { measuring: { type: 'boolean' } },
    required: ['measuring'],
    additionalProperties: false,
  },
};

/** The tables that `/api/overview` puts together for the page. */
export const OVERVIEW = [
  'status',
  'latest',
  'sensors',
  'links',
  'provisioning',
  'services',
  'gaps',
  'events',
] as const satisfies readonly (keyof typeof TABLE_ROUTES)[];

function overviewPath(): Json {
  const schema: Json = {
    type: 'object',
    properties: Object.fromEntries(
      OVERVIEW.map((name) => [
        name,
        { type: 'array', items: rowSchema(TABLE_ROUTES[name].columns) },
      ]),
    ),
    required: OVERVIEW,
    additionalProperties: false,
  };
  const help =
    'what the page shows beside its curves; gaps and events of the last day, the newest 50';
  const responses = { '200': answer(help, schema), ...(REFUSALS as Record<string, Json>) };
  return { get: { operationId: 'overview', summary: help, parameters: [], responses } };
}

const numbers = (nullable: boolean): Json => ({
  type: 'array',
  items: { type: nullable ? ['number', 'null'] : 'number' },
});

/** An object with these members and no others. */
function closed(properties: Readonly<Record<string, Json>>): Json {
  const required = Object.keys(properties);
  return { type: 'object', properties, required, additionalProperties: false };
}

function curvesPath(): Json {
  const string: Json = { type: 'string' };
  const names = { sensor: string, quantity: string, label: string, unit: string };
  const values = { value: numbers(true), min: numbers(true), max: numbers(true) };
  const schema = closed({
    mode: { type: 'string', enum: ['bucket', 'sample'] },
    from: { type: 'integer' },
    to: { type: 'integer' },
    step_ms: { type: 'integer' },
    time: numbers(false),
    curves: { type: 'array', items: closed({ ...names, ...values, breaks: numbers(false) }) },
  });
  const help = 'the same as `series` in columns over one axis of time, for the page';
  const parameters = CURVE_PARAMETERS.map(parameterObject);
  const responses = { '200': answer(help, schema), ...(REFUSALS as Record<string, Json>) };
  return { get: { operationId: 'curves', summary: help, parameters, responses } };
}

function measuringPath(): Json {
  const help = 'starts or stops measuring; only there with DASHBOARD_CONTROL=true';
  const header: Json = {
    name: 'X-Holdfast-Control',
    in: 'header',
    required: true,
    description: 'proves that a script of this very page asks',
    schema: { type: 'string', enum: ['1'] },
  };
  return {
    post: {
      operationId: 'measuring',
      summary: help,
      parameters: [header],
      requestBody: { required: true, content: jsonBody(ref('Measuring')) },
      responses: {
        '200': answer('Done, or so already.', ref('Measuring')),
        '403': answer('Not from the page itself.', ref('Error')),
        ...(REFUSALS as Record<string, Json>),
      },
    },
  };
}

/** @param control whether measuring can be switched */
export function openApi(version: string, control: boolean): Json {
  const health = answer('The service runs.', ref('Health'));
  const tables = Object.entries<TableRoute>(TABLE_ROUTES);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast dashboard service',
      version,
      description: 'What the gateway measures and how it is doing, read from its Redis. Read-only.',
    },
    paths: {
      ...Object.fromEntries(tables.map(([name, route]) => [route.path, tablePath(name, route)])),
      '/api/overview': overviewPath(),
      '/api/curves': curvesPath(),
      ...(control ? { '/api/measuring': measuringPath() } : {}),
      '/healthz': { get: { operationId: 'health', responses: { '200': health } } },
    },
    components: { schemas: SCHEMAS },
  };
}
