/**
 * The kinds of panels the dashboards are made of. Every panel has a title, a description, one data
 * source and texts for missing values; nothing here knows a sensor.
 */
import {
  AxisPlacement,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TableCellDisplayMode,
  TimelineValueAlignment,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  FieldColorBuilder,
  FieldColorModeId,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type {
  DataTransformerConfig,
  DynamicConfigValue,
  MatcherConfig,
  Threshold,
  ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as CurvesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { DATA_SOURCE, target } from './query.ts';
import type { Ask } from './query.ts';
import { COLOURS } from './words.ts';

export interface Override {
  readonly matcher: MatcherConfig;
  readonly properties: readonly DynamicConfigValue[];
}

export interface PanelText {
  readonly title: string;
  /** What is shown, for somebody who sees it for the first time. */
  readonly description: string;
  /** Columns of 24 and lines of the grid. */
  readonly size: readonly [width: number, height: number];
  readonly asks: readonly Ask[];
}

/** Overrides and transformations as the SDK wants them: not readonly. */
const mutable = <T>(list: readonly T[]): T[] => [...list];

const override = ({ matcher, properties }: Override) => ({
  matcher,
  properties: mutable(properties),
});

/** Properties for the field of that name. */
export function field(name: string, properties: Readonly<Record<string, unknown>>): Override {
  return {
    matcher: { id: 'byName', options: name },
    properties: Object.entries(properties).map(([id, value]) => ({ id, value })),
  };
}

/** Properties for fields whose name matches; `/.../` as Grafana writes it. */
export function fields(regexp: string, properties: Readonly<Record<string, unknown>>): Override {
  return { ...field('', properties), matcher: { id: 'byRegexp', options: regexp } };
}

interface AnyPanel {
  title(text: string): this;
  description(text: string): this;
  gridPos(pos: { x: number; y: number; w: number; h: number }): this;
  datasource(source: { type: string; uid: string }): this;
  targets(targets: ReturnType<typeof target>[]): this;
}

function titled<T extends AnyPanel>(panel: T, { title, description, size, asks }: PanelText): T {
  const [w, h] = size;
  return panel
    .title(title)
    .description(description)
    .gridPos({ x: 0, y: 0, w, h })
    .datasource({ ...DATA_SOURCE })
    .targets(asks.map(target));
}

/** Steps of a threshold: colours from a value on; the first one has no value. */
export function thresholds(
  first: string,
  ...steps: readonly (readonly [from: number, colour: string])[]
): ThresholdsConfigBuilder {
  const list: Threshold[] = [
    { value: null, color: first },
    ...steps.map(([value, color]) => ({ value, color })),
  ];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(list);
}

export const byThreshold = () => new FieldColorBuilder().mode(FieldColorModeId.Thresholds);
/** The same name has the same colour in every panel. */
const byName = () => new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName);

/** A long list of rows becomes a frame per value of these columns, which become labels. */
export function framePer(...names: readonly string[]): DataTransformerConfig {
  return { id: 'partitionByValues', options: { fields: names, keepFields: false } };
}

export interface StatText extends PanelText {
  /** Which fields are shown, by the names they have in the end; default all of them. */
  readonly show?: readonly string[] | 'numbers';
  readonly unit?: string;
  readonly mappings?: readonly ValueMapping[];
  readonly overrides?: readonly Override[];
  readonly graph?: boolean;
  readonly names?: boolean;
  readonly transformations?: readonly DataTransformerConfig[];
  readonly repeat?: { readonly variable: string; readonly perRow: number };
}

/** A few values, large; with `graph` a curve behind them. */
export function stat(text: StatText): StatBuilder {
  const { show = ['.*'], unit, mappings = [], overrides = [], transformations = [], repeat } = text;
  const panel = titled(new StatBuilder(), text)
    .graphMode(text.graph === true ? BigValueGraphMode.Area : BigValueGraphMode.None)
    // A curve has its colour for itself: the number on it stays readable.
    .colorMode(text.graph === true ? BigValueColorMode.None : BigValueColorMode.Value)
    .textMode(text.names === true ? BigValueTextMode.ValueAndName : BigValueTextMode.Value)
    .reduceOptions(
      // The last value, and not the last that there was: no value is shown as no value.
      new ReduceDataOptionsBuilder()
        .values(false)
        .calcs(['last'])
        .fields(show === 'numbers' ? '' : `/^(${show.join('|')})$/`),
    )
    .noValue('–')
    .mappings(mutable(mappings))
    .thresholds(thresholds('text'))
    .colorScheme(text.graph === true ? byName() : byThreshold())
    .overrides(overrides.map(override))
    .transformations(mutable(transformations));
  if (unit !== undefined) panel.unit(unit);
  if (repeat !== undefined) {
    panel.repeat(repeat.variable).repeatDirection('h').maxPerRow(repeat.perRow);
  }
  return panel;
}

export interface CurvesText extends PanelText {
  readonly unit?: string;
  readonly overrides?: readonly Override[];
  readonly transformations?: readonly DataTransformerConfig[];
  readonly repeat?: { readonly variable: string; readonly perRow: number };
  /** The axis begins at 0. */
  readonly fromZero?: boolean;
  readonly fill?: number;
}

/** Curves over time. Lines break where the data says null, and nowhere else. */
export function curves(text: CurvesText): CurvesBuilder {
  const { unit, overrides = [], transformations = [], repeat, fill = 0 } = text;
  const panel = titled(new CurvesBuilder(), text)
    .lineWidth(2)
    .fillOpacity(fill)
    .showPoints(VisibilityMode.Auto)
    .pointSize(4)
    .spanNulls(false)
    .axisPlacement(AxisPlacement.Auto)
    .colorScheme(byName())
    .thresholds(thresholds(COLOURS.good))
    .noValue('–')
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .calcs(['lastNotNull', 'min', 'mean', 'max']),
    )
    .tooltip(
      new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending),
    )
    .overrides(overrides.map(override))
    .transformations(mutable(transformations));
  if (unit !== undefined) panel.unit(unit);
  if (text.fromZero === true) panel.min(0);
  if (repeat !== undefined) {
    panel.repeat(repeat.variable).repeatDirection('h').maxPerRow(repeat.perRow);
  }
  return panel;
}

export interface TimelineText extends PanelText {
  readonly mappings: readonly ValueMapping[];
  readonly overrides?: readonly Override[];
  readonly transformations: readonly DataTransformerConfig[];
}

/** States over time: the word stands in the bar, so that its colour is not needed. */
export function timeline(text: TimelineText): TimelineBuilder {
  return titled(new TimelineBuilder(), text)
    .mergeValues(true)
    .showValue(VisibilityMode.Auto)
    .alignValue(TimelineValueAlignment.Left)
    .rowHeight(0.85)
    .lineWidth(0)
    .fillOpacity(80)
    .spanNulls(false)
    .mappings(mutable(text.mappings))
    .thresholds(thresholds(COLOURS.unknown))
    .colorScheme(byThreshold())
    .noValue('–')
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(false)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .calcs([]),
    )
    .overrides((text.overrides ?? []).map(override))
    .transformations(mutable(text.transformations));
}

export interface TableText extends Omit<PanelText, 'asks'> {
  readonly route: Ask['route'];
  readonly params?: Readonly<Record<string, string>>;
  /** Column of the route -> heading, in the order in which they stand. */
  readonly headings: Readonly<Record<string, string>>;
  readonly overrides?: readonly Override[];
  /** What stands there without a row. */
  readonly empty: string;
}

/** `noValue` of a panel counts for each of its cells too. */
const emptyCells = fields('/.*/', { noValue: '–' });

/** Rows; the columns stand in the order of `headings`, a data source sorts them by name. */
export function table({ route, params = {}, ...text }: TableText): TableBuilder {
  const names = Object.keys(text.headings);
  const asks = [{ route, params, columns: names }];
  const indexByName = Object.fromEntries(names.map((name, index) => [name, index]));
  const options = { excludeByName: {}, indexByName, renameByName: text.headings };
  return titled(new TableBuilder(), { ...text, asks })
    .showHeader(true)
    .filterable(false)
    .thresholds(thresholds('text'))
    .colorScheme(byThreshold())
    .noValue(text.empty)
    .overrides([emptyCells, ...(text.overrides ?? [])].map(override))
    .transformations([{ id: 'organize', options }]);
}

/** A column of a table whose mapped colour is the colour of its text. */
export function coloured(
  heading: string,
  mappings: readonly ValueMapping[],
  width?: number,
): Override {
  return field(heading, {
    mappings,
    'custom.cellOptions': { type: TableCellDisplayMode.ColorText },
    ...(width === undefined ? {} : { 'custom.width': width }),
  });
}

/** A column of a table that is a time. */
export const timeColumn = (heading: string) =>
  field(heading, { unit: 'dateTimeAsIso', 'custom.width': 170 });
/** A column of a table that is a number of milliseconds. */
export const durationColumn = (heading: string) =>
  field(heading, { unit: 'ms', decimals: 0, 'custom.width': 110 });
