/**
 * Grafana's own library, as far as the tests use it. It is CommonJS for browsers: it wants a
 * `navigator`, and its types would need React's, so what is used of it is written down here.
 *
 * The editors of fields and `partitionByValues` are parts of Grafana that are not in the library. The
 * editors are made of the library's own processors; `partitionByValues` is modelled.
 */
import { createRequire } from 'node:module';
import type { FieldConfig } from '../test/dashboards.ts';
import type { Cell, Frame } from '../test/infinity.ts';

export interface DisplayValue {
  readonly text: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly color?: string;
  readonly numeric: number;
}

export interface DataField {
  readonly name: string;
  readonly type: string;
  readonly values: readonly Cell[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly config: {
    readonly unit?: string;
    readonly displayName?: string;
    readonly decimals?: number;
    readonly custom?: Readonly<Record<string, unknown>>;
  };
  readonly display?: (value: Cell) => DisplayValue;
}

export interface DataFrame {
  readonly refId?: string;
  readonly name?: string;
  readonly length: number;
  readonly fields: readonly DataField[];
}

export interface FieldDisplay {
  readonly name: string;
  readonly display: DisplayValue & { readonly title?: string };
  readonly sparkline?: unknown;
}

interface Transformer {
  readonly id: string;
}

interface RegistryItem {
  readonly id: string;
  readonly name: string;
  readonly aliasIds?: readonly string[];
  readonly [member: string]: unknown;
}

interface Registry {
  setInit(init: () => readonly RegistryItem[]): void;
}

interface Observable<T> {
  subscribe(observer: { next(value: T): void; error(error: unknown): void }): void;
}

interface GrafanaData {
  toDataFrame(frame: Frame): DataFrame;
  getValueFormats(): readonly { readonly submenu: readonly { readonly value: string }[] }[];
  readonly standardTransformers: Readonly<Record<string, Transformer>>;
  readonly standardTransformersRegistry: Registry;
  readonly standardFieldConfigEditorRegistry: Registry;
  transformDataFrame(
    options: readonly unknown[],
    frames: readonly DataFrame[],
  ): Observable<readonly DataFrame[]>;
  applyFieldOverrides(options: {
    readonly data: readonly DataFrame[];
    readonly fieldConfig: FieldConfig;
    readonly replaceVariables: Replace;
    readonly theme: unknown;
    readonly timeZone: string;
  }): readonly DataFrame[];
  getFieldDisplayValues(options: {
    readonly data: readonly DataFrame[];
    readonly reduceOptions: unknown;
    readonly fieldConfig: FieldConfig;
    readonly replaceVariables: Replace;
    readonly theme: unknown;
    readonly timeZone: string;
    readonly sparkline: boolean;
  }): readonly FieldDisplay[];
  getFieldDisplayName(field: DataField, frame: DataFrame, all: readonly DataFrame[]): string;
  cacheFieldDisplayNames(frames: readonly DataFrame[]): void;
  formattedValueToString(value: DisplayValue): string;
  createTheme(): unknown;
  readonly DataTransformerID: Readonly<Record<string, string>>;
  readonly [processor: `${string}OverrideProcessor`]: unknown;
}

type Replace = (text: string, scoped?: ScopedVars) => string;
interface ScopedVars {
  readonly __dataContext?: { readonly value: { readonly field: DataField } };
}

Object.defineProperty(globalThis, 'navigator', {
  value: { language: 'en-US', languages: ['en-US'], userAgent: 'node', platform: 'linux' },
  configurable: true,
});

export const grafana = createRequire(import.meta.url)('@grafana/data') as GrafanaData;
// Only now: a library that it loads would take this for a browser with a document.
Object.assign(globalThis, { window: {} });
export const theme = grafana.createTheme();

/** Options of fields that Grafana knows, and by which processor a value is taken over. */
const EDITORS: Readonly<Record<string, `${string}OverrideProcessor`>> = {
  unit: 'unitOverrideProcessor',
  min: 'numberOverrideProcessor',
  max: 'numberOverrideProcessor',
  decimals: 'numberOverrideProcessor',
  displayName: 'displayNameOverrideProcessor',
  noValue: 'stringOverrideProcessor',
  mappings: 'valueMappingsOverrideProcessor',
  thresholds: 'thresholdsOverrideProcessor',
  color: 'identityOverrideProcessor',
  links: 'dataLinksOverrideProcessor',
};

/** Options of the panels that are used; custom ones are taken over as they are. */
const CUSTOM_EDITORS = [
  'axisPlacement',
  'align',
  'cellOptions',
  'drawStyle',
  'fillBelowTo',
  'fillOpacity',
  'hideFrom',
  'lineStyle',
  'lineWidth',
  'pointSize',
  'showPoints',
  'spanNulls',
  'width',
];

export const KNOWN_OPTIONS: readonly string[] = [
  ...Object.keys(EDITORS),
  ...CUSTOM_EDITORS.map((name) => `custom.${name}`),
];

/** Grafana splits the first frame by the values of these columns, which become labels. */
const partitionByValues = {
  id: 'partitionByValues',
  name: 'Partition by values',
  defaultOptions: {},
  operator: (options: { fields: readonly string[] }) => (source: PipeSource) =>
    source.pipe(rxjs.map((frames) => partition(frames, options.fields))),
};

interface PipeSource {
  pipe(operator: unknown): unknown;
}

interface Rxjs {
  map(project: (frames: readonly DataFrame[]) => readonly DataFrame[]): unknown;
}

/** The one that the library uses. */
const rxjs = createRequire(createRequire(import.meta.url).resolve('@grafana/data'))('rxjs') as Rxjs;

function partition([frame]: readonly DataFrame[], names: readonly string[]): DataFrame[] {
  if (frame === undefined) return [];
  const keys = frame.fields.filter(({ name }) => names.includes(name));
  if (keys.length === 0) return [frame];
  const groups = new Map<string, number[]>();
  for (let row = 0; row < frame.length; row += 1) {
    const key = JSON.stringify(keys.map(({ values }) => values[row]));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const parts = [...groups.values()].map((rows) => {
    const labels = Object.fromEntries(
      keys.map(({ name, values }) => [name, String(values[rows[0] ?? 0])]),
    );
    const fields = frame.fields
      .filter((field) => !keys.includes(field))
      .map((field) => ({
        name: field.name,
        type: field.type,
        config: { ...field.config },
        labels: { ...field.labels, ...labels },
        values: rows.map((row) => field.values[row] ?? null),
      }));
    return {
      ...(frame.name === undefined ? {} : { name: frame.name }),
      length: rows.length,
      fields,
    };
  });
  grafana.cacheFieldDisplayNames(parts);
  return parts;
}

function uniqueById<T extends Transformer>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [item.id, item])).values()];
}

grafana.standardTransformersRegistry.setInit(() =>
  uniqueById([...Object.values(grafana.standardTransformers), partitionByValues]).map(
    (transformation) => ({
      id: transformation.id,
      name: transformation.id,
      transformation: () => Promise.resolve(transformation),
    }),
  ),
);

grafana.standardFieldConfigEditorRegistry.setInit(() => [
  ...Object.entries(EDITORS).map(([id, processor]) => editor(id, id, grafana[processor], false)),
  ...CUSTOM_EDITORS.map((name) =>
    editor(`custom.${name}`, name, grafana['identityOverrideProcessor'], true),
  ),
]);

function editor(id: string, path: string, process: unknown, isCustom: boolean): RegistryItem {
  // Grafana's editor of names replaces variables.
  const settings = { expandTemplateVars: id === 'displayName' };
  const always = { shouldApply: () => true, override: () => null };
  return { id, path, name: id, process, isCustom, settings, ...always };
}

/** Grafana's variables for fields; others stay as they stand. */
const replaceVariables: Replace = (text, scoped) => {
  const labels = scoped?.__dataContext?.value.field.labels ?? {};
  return text.replaceAll(/\$\{__field\.labels\.(\w+)\}/g, (_, name: string) => labels[name] ?? '');
};

/** What a panel makes of its frames: transformed, with all rules for fields applied. */
export async function evaluate(
  frames: readonly Frame[],
  transformations: readonly unknown[],
  fieldConfig: FieldConfig,
): Promise<readonly DataFrame[]> {
  const data = frames.map((frame) => grafana.toDataFrame(frame));
  const transformed = await new Promise<readonly DataFrame[]>((resolve, reject) => {
    grafana.transformDataFrame(transformations, data).subscribe({ next: resolve, error: reject });
  });
  return grafana.applyFieldOverrides({
    data: transformed,
    fieldConfig,
    replaceVariables,
    theme,
    timeZone: 'utc',
  });
}

/** The values that a stat panel shows, in its order. */
export function shownValues(
  data: readonly DataFrame[],
  reduceOptions: unknown,
  fieldConfig: FieldConfig,
): { readonly title: string; readonly text: string; readonly color?: string }[] {
  const shown = grafana.getFieldDisplayValues({
    data,
    reduceOptions,
    fieldConfig,
    replaceVariables,
    theme,
    timeZone: 'utc',
    sparkline: true,
  });
  return shown.map(({ display }) => ({
    title: display.title ?? '',
    text: grafana.formattedValueToString(display),
    ...(display.color === undefined ? {} : { color: display.color }),
  }));
}

/** The names as legend and headings show them. */
export function names(frames: readonly DataFrame[]): string[] {
  return frames.flatMap((frame) =>
    frame.fields
      .filter(({ type }) => type !== 'time')
      .map((field) => grafana.getFieldDisplayName(field, frame, frames)),
  );
}

/** A cell of a table as it is shown. */
export function cell(frame: DataFrame, column: string, row: number): string {
  const field = frame.fields.find(
    (one) => grafana.getFieldDisplayName(one, frame, [frame]) === column,
  );
  const value = field?.values[row];
  if (field?.display === undefined || value === undefined) throw new Error(`no ${column}[${row}]`);
  return grafana.formattedValueToString(field.display(value));
}
