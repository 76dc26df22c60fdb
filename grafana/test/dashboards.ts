/** The dashboards as they stand in the files, with the parts that tests look at. */
import { readFileSync, readdirSync } from 'node:fs';
import type { InfinityQuery } from '../src/query.ts';

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Property {
  readonly id: string;
  readonly value?: unknown;
}

export interface FieldConfig {
  readonly defaults: {
    readonly unit?: string;
    readonly noValue?: string;
    readonly mappings?: readonly Mapping[];
    readonly thresholds?: {
      readonly mode: string;
      readonly steps: readonly { readonly value: number | null }[];
    };
    readonly custom?: Readonly<Record<string, unknown>>;
  };
  readonly overrides: readonly {
    readonly matcher: { readonly id: string; readonly options?: unknown };
    readonly properties: readonly Property[];
  }[];
}

export interface Mapping {
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: Rect;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly InfinityQuery[];
  readonly fieldConfig?: FieldConfig;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly transformations?: readonly { readonly id: string; readonly options: unknown }[];
  readonly repeat?: string;
  readonly collapsed?: boolean;
  readonly panels?: readonly Panel[];
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly query: { readonly queryType: string; readonly infinityQuery: InfinityQuery };
}

export interface Annotation {
  readonly name: string;
  readonly target: InfinityQuery;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly editable: boolean;
  readonly refresh: string;
  readonly schemaVersion: number;
  readonly timepicker: { readonly refresh_intervals: readonly string[] };
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly Annotation[] };
}

const FOLDER = new URL('../dashboards/', import.meta.url);

export const dashboardText = (file: string) => readFileSync(new URL(file, FOLDER), 'utf8');

export const DASHBOARD_FILES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .sort();

export const DASHBOARDS: readonly Dashboard[] = DASHBOARD_FILES.map(
  (file) => JSON.parse(dashboardText(file)) as Dashboard,
);

/** All panels with data, those of collapsed rows too. */
export function panelsOf({ panels }: Dashboard): Panel[] {
  return panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));
}

/** A query and where it stands, for messages. */
export interface Placed {
  readonly where: string;
  readonly query: InfinityQuery;
}

/** Every query of the dashboards: of panels, variables and annotations. */
export function queriesOf(dashboard: Dashboard): Placed[] {
  const { title, templating, annotations } = dashboard;
  return [
    ...panelsOf(dashboard).flatMap((panel) =>
      (panel.targets ?? []).map((query) => ({ where: `${title} / ${panel.title}`, query })),
    ),
    ...templating.list.map(({ name, query }) => ({
      where: `${title} / variable ${name}`,
      query: query.infinityQuery,
    })),
    ...annotations.list.map(({ name, target }) => ({
      where: `${title} / annotation ${name}`,
      query: target,
    })),
  ];
}
