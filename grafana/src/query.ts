/**
 * Queries of the Infinity data source. The Foundation SDK has no type for them; shapes after the
 * plugin's own TypeScript types and its backend (3.11): `parser: backend` turns the JSON list into a
 * frame with one nullable field per column, sorted by the columns' names.
 *
 * Routes, parameters and columns come from the contract of grafana-api: a column that is not there
 * is an error when the dashboards are made, not an empty panel on the device.
 */
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import { TABLE_ROUTES } from '@holdfast/grafana-api/contract';
import type { ColumnType, TableName } from '@holdfast/grafana-api/contract';

/** The provisioned data source; `provisioning/datasources/holdfast.yaml` has the same. */
export const DATA_SOURCE = {
  type: 'yesoreyeram-infinity-datasource',
  uid: 'holdfast',
} as const;

export type InfinityType = 'timestamp_epoch' | 'number' | 'string' | 'boolean';

export interface InfinityColumn {
  readonly selector: string;
  /** The name of the field in Grafana. */
  readonly text: string;
  readonly type: InfinityType;
}

export interface InfinityQuery {
  readonly refId: string;
  readonly datasource: typeof DATA_SOURCE;
  readonly type: 'json';
  readonly source: 'url';
  readonly parser: 'backend';
  readonly format: 'table';
  readonly root_selector: '';
  /** Relative to the address of the data source, which ends with a slash. */
  readonly url: string;
  readonly url_options: {
    readonly method: 'GET';
    readonly data: '';
    readonly params: readonly { readonly key: string; readonly value: string }[];
  };
  readonly columns: readonly InfinityColumn[];
  readonly filters: readonly [];
}

/** What to ask for. */
export interface Ask {
  /** Default `A`. */
  readonly refId?: string;
  readonly route: TableName;
  /** Columns of the route; an object gives them other names in Grafana. */
  readonly columns: readonly string[] | Readonly<Record<string, string>>;
  /** Parameters of the route: Grafana's variables may stand in them. */
  readonly params?: Readonly<Record<string, string>>;
}

const INFINITY_TYPES: Readonly<Record<ColumnType, InfinityType>> = {
  time: 'timestamp_epoch',
  integer: 'number',
  number: 'number',
  string: 'string',
  boolean: 'boolean',
};

/**
 * The query as it stands in a dashboard.
 * @throws Error when the route has no such column or parameter
 */
export function infinityQuery(ask: Ask): InfinityQuery {
  const route = TABLE_ROUTES[ask.route];
  const params = Object.entries(ask.params ?? {}).map(([key, value]) => ({ key, value }));
  for (const { key } of params) {
    if (!route.parameters.some(({ name }) => name === key)) {
      throw new Error(`${route.path} has no parameter ${key}`);
    }
  }
  return {
    refId: ask.refId ?? 'A',
    datasource: DATA_SOURCE,
    type: 'json',
    source: 'url',
    parser: 'backend',
    format: 'table',
    root_selector: '',
    url: route.path.replace(/^\//, ''),
    url_options: { method: 'GET', data: '', params },
    columns: columnsOf(ask),
    filters: [],
  };
}

function columnsOf({ route, columns }: Ask): InfinityColumn[] {
  const wanted = Array.isArray(columns)
    ? (columns as readonly string[]).map((name): [string, string] => [name, name])
    : Object.entries(columns as Readonly<Record<string, string>>);
  return wanted.map(([selector, text]) => {
    const column = TABLE_ROUTES[route].columns.find(({ name }) => name === selector);
    if (column === undefined) {
      throw new Error(`${TABLE_ROUTES[route].path} has no column ${selector}`);
    }
    return { selector, text, type: INFINITY_TYPES[column.type] };
  });
}

/** The time range of the dashboard, for routes with `from` and `to`; milliseconds. */
export const RANGE = { from: '${__timeFrom}', to: '${__timeTo}' } as const;

/** For the targets of a panel. */
export function target(ask: Ask): cog.Builder<cog.Dataquery> {
  // The SDK marks queries by a method that is not in the JSON.
  return { build: () => ({ ...infinityQuery(ask), _implementsDataqueryVariant() {} }) };
}
