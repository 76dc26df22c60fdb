/**
 * Columns of the answers. Every answer with rows is a JSON list of flat objects that all have the
 * same members, in this order; what is not known is null, never missing. One table of columns makes
 * the OpenAPI document, the README and the tests.
 */

/**
 * `time`: unix milliseconds. `integer`, `number`: finite. `string`, `boolean`: as in JSON.
 * In Grafana's Infinity data source these are `timestamp_epoch`, `number`, `number`, `string` and
 * `boolean`.
 */
export type ColumnType = 'time' | 'integer' | 'number' | 'string' | 'boolean';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Whether the value may be null. */
  readonly nullable: boolean;
  readonly help: string;
  /** Closed set of texts, where there is one. */
  readonly words?: readonly string[];
}

/** A cell as it stands in an answer. */
export type Cell = string | number | boolean | null;
export type Row = Readonly<Record<string, Cell>>;

const column =
  (type: ColumnType, nullable: boolean) =>
  (name: string, help: string, words?: readonly string[]): Column => ({
    name,
    type,
    nullable,
    help,
    ...(words === undefined ? {} : { words }),
  });

export const time = column('time', false);
export const maybeTime = column('time', true);
export const integer = column('integer', false);
export const maybeInteger = column('integer', true);
export const number = column('number', false);
export const maybeNumber = column('number', true);
export const text = column('string', false);
export const maybeText = column('string', true);
export const flag = column('boolean', false);
export const maybeFlag = column('boolean', true);

/** What a state means, so that a colour is never needed to tell: stands beside each state. */
export const LEVELS = ['good', 'idle', 'warning', 'bad', 'unknown'] as const;
export type Level = (typeof LEVELS)[number];

/** A column `<prefix>level`. */
export function level(prefix = ''): Column {
  return text(`${prefix}level`, 'what that means', LEVELS);
}
