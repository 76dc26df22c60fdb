/** What the service answers, as the page reads it. */
import type { Cell, Level, Row } from '../../src/core/contract/columns.ts';

export type { Level, Row } from '../../src/core/contract/columns.ts';

export interface Overview {
  readonly status: readonly Row[];
  readonly latest: readonly Row[];
  readonly sensors: readonly Row[];
  readonly links: readonly Row[];
  readonly provisioning: readonly Row[];
  readonly services: readonly Row[];
  readonly gaps: readonly Row[];
  readonly events: readonly Row[];
}

export interface CurveColumns {
  readonly sensor: string;
  readonly quantity: string;
  readonly label: string;
  readonly unit: string;
  readonly value: readonly (number | null)[];
  readonly min: readonly (number | null)[];
  readonly max: readonly (number | null)[];
  readonly breaks: readonly number[];
}

export interface Curves {
  readonly mode: 'bucket' | 'sample';
  readonly from: number;
  readonly to: number;
  readonly step_ms: number;
  readonly time: readonly number[];
  readonly curves: readonly CurveColumns[];
}

/** A text; empty where there is none. */
export const str = (row: Row | undefined, name: string): string => {
  const cell: Cell | undefined = row?.[name];
  return cell === null || cell === undefined ? '' : String(cell);
};
/** A number; null where there is none. */
export const num = (row: Row | undefined, name: string): number | null => {
  const cell = row?.[name];
  return typeof cell === 'number' ? cell : null;
};
export const yes = (row: Row | undefined, name: string): boolean => row?.[name] === true;

export const levelOf = (row: Row | undefined, name = 'level'): Level => {
  const word = str(row, name);
  return word === 'good' || word === 'idle' || word === 'warning' || word === 'bad'
    ? word
    : 'unknown';
};
