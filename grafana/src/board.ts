/** What all dashboards have in common: names, time, links to each other, variables, annotations. */
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  QueryVariableBuilder,
  TimePickerBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type {
  AnnotationQuery,
  Dashboard,
  VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import { layout } from './layout.ts';
import type { Section } from './layout.ts';
import { DATA_SOURCE, RANGE, infinityQuery, target } from './query.ts';
import type { Ask } from './query.ts';
import { COLOURS } from './words.ts';

/** By this tag the dashboards find each other. */
const TAG = 'holdfast';

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  readonly variables?: readonly cog.Builder<VariableModel>[];
  readonly annotations?: readonly cog.Builder<AnnotationQuery>[];
  readonly sections: readonly Section[];
}

export function dashboard(board: Board): Dashboard {
  const { uid, title, description, from, variables = [], annotations = [], sections } = board;
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([TAG])
    .timezone('browser')
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from, to: 'now' })
    .refresh('10s')
    .timepicker(new TimePickerBuilder().refreshIntervals(['10s', '30s', '1m', '5m', '15m', '1h']))
    .variables([...variables])
    .annotations([...annotations])
    .link(
      new DashboardLinkBuilder('Dashboards')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(false)
        .keepTime(true),
    );
  return { ...builder.build(), panels: layout(sections) };
}

export interface VariableText {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  /** One column, or two named `__text` and `__value`. */
  readonly ask: Ask;
  /** Several at once, and all of them to begin with. */
  readonly several: boolean;
}

/** A variable that is asked for anew with every refresh: a sensor plugged in later appears. */
export function variable({ name, label, description, ask, several }: VariableText) {
  const builder = new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource({ ...DATA_SOURCE })
    .query({
      queryType: 'infinity',
      refId: 'variable',
      query: '',
      infinityQuery: infinityQuery({ ...ask, refId: 'variable' }),
    })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.Disabled)
    .allowCustomValue(false)
    .multi(several)
    .includeAll(several);
  return several ? builder.allValue('*').current({ text: ['All'], value: ['$__all'] }) : builder;
}

/** Which sensors; the id is its name. */
export function sensorVariable(several: boolean) {
  return variable({
    name: 'sensor',
    label: several ? 'Sensors' : 'Sensor',
    description: 'The sensors that are shown',
    ask: { route: 'sensors', columns: ['sensor'] },
    several,
  });
}

/** Which quantities; panels repeat for each. `sensor` is the variable they are of. */
export function quantityVariable(sensor: string) {
  return variable({
    name: 'quantity',
    label: 'Quantities',
    description: 'The quantities that are shown: a panel for each',
    ask: {
      route: 'quantities',
      columns: { label: '__text', quantity: '__value' },
      params: { sensor },
    },
    several: true,
  });
}

/** Columns of `events` under the names by which Grafana knows the parts of an annotation. */
const ANNOTATION = {
  time: 'time',
  time_end: 'timeEnd',
  id: 'id',
  title: 'title',
  text: 'text',
  tags: 'tags',
} as const;

/** Marks in all curves; hovering tells what happened. */
export function annotation(name: string, colour: string, events: readonly string[]) {
  const params = { ...RANGE, event: events.join(','), limit: '500' };
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource({ ...DATA_SOURCE })
    .enable(true)
    .hide(false)
    .iconColor(colour)
    .target(target({ refId: 'Annotation', route: 'events', columns: ANNOTATION, params }));
}

/** Start and stop are two layers, so that each has its name in the tooltip and its colour. */
export const measuringAnnotations = () => [
  annotation('Measuring started', COLOURS.good, ['measuring_started', 'measuring_resumed']),
  annotation('Measuring stopped', COLOURS.bad, ['measuring_stopped', 'measuring_paused']),
];

export const linkAnnotations = () => [
  annotation('Connected', COLOURS.good, ['link_up']),
  annotation('Connection lost', COLOURS.bad, ['link_down']),
];
