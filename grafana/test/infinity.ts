/**
 * What the Infinity plugin makes of an answer, as its backend does it (`parser: backend`, 3.11): a
 * frame with one nullable field per column, sorted by name; texts that are numbers become numbers
 * where a number is wanted; an empty list becomes a frame without fields.
 */
import type { InfinityColumn, InfinityQuery } from '../src/query.ts';

export type Cell = string | number | boolean | null;
export type Row = Readonly<Record<string, Cell>>;

export interface Field {
  readonly name: string;
  readonly type: 'time' | 'number' | 'string' | 'boolean';
  readonly values: readonly Cell[];
}

export interface Frame {
  readonly refId: string;
  readonly name: string;
  readonly fields: readonly Field[];
}

const FIELD_TYPES = {
  timestamp_epoch: 'time',
  number: 'number',
  string: 'string',
  boolean: 'boolean',
} as const;

export function frameOf({ refId, columns }: InfinityQuery, rows: readonly Row[]): Frame {
  if (rows.length === 0) return { refId, name: refId, fields: [] };
  const sorted = columns.toSorted((a, b) => (a.text < b.text ? -1 : 1));
  const fields = sorted.map((column) => ({
    name: column.text,
    type: FIELD_TYPES[column.type],
    values: rows.map((row) => convert(row[column.selector] ?? null, column)),
  }));
  return { refId, name: refId, fields };
}

function convert(value: Cell, { type }: InfinityColumn): Cell {
  if (value === null) return null;
  if (type === 'string') return String(value);
  if (type === 'boolean') return typeof value === 'boolean' ? value : null;
  const number = Number(value);
  return Number.isFinite(number) && value !== '' ? number : null;
}

/** Values of Grafana's variables, as they stand in a query when it is sent. */
export type Variables = Readonly<Record<string, string>>;

/** The path and parameters of the request, with the variables replaced. */
export function requestOf({ url, url_options }: InfinityQuery, variables: Variables): string {
  const params = new URLSearchParams(
    url_options.params.map(({ key, value }): [string, string] => [key, replaced(value, variables)]),
  );
  return `/${url}?${params.toString()}`;
}

function replaced(text: string, variables: Variables): string {
  return text.replaceAll(/\$\{(\w+)(?::\w+)?\}/g, (whole, name: string) => {
    const value = variables[name];
    if (value === undefined) throw new Error(`no value for ${whole}`);
    return value;
  });
}
