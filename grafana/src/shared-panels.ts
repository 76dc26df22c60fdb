/** Panels that stand in more than one dashboard. */
import type { Ask } from './query.ts';
import { RANGE } from './query.ts';
import { coloured, curves, durationColumn, fields, framePer, table, timeColumn } from './panels.ts';
import { unitOverrides } from './units.ts';
import { freshnessMapping, levelMapping, qualityMappings, stateMapping } from './words.ts';

/** So many steps per curve: a point each few pixels, and light for a phone. */
const POINTS = '400';

const seriesAsk = (params: Readonly<Record<string, string>>): Ask => ({
  route: 'series',
  columns: ['time', 'sensor', 'quantity', 'value', 'min', 'max'],
  params: { ...RANGE, points: POINTS, ...params },
});

/** Smallest and largest value of a step: thin and dotted, in the colour of their sensor. */
const outline = fields('/^(min|max) /', {
  displayName: '${__field.labels.sensor}',
  'custom.lineWidth': 1,
  'custom.lineStyle': { fill: 'dot', dash: [2, 4] },
  'custom.showPoints': 'never',
  'custom.fillOpacity': 0,
  'custom.hideFrom': { viz: false, legend: true, tooltip: true },
});

/** One panel per quantity with a curve per sensor, for whatever is measured. */
export function quantityCourses() {
  return curves({
    title: '${quantity:text}',
    description:
      'Mean of each step for each sensor; the dotted lines are the smallest and the largest value ' +
      'in the step. A line breaks where readings are missing. Over long ranges one reading per step is shown.',
    size: [12, 9],
    asks: [seriesAsk({ quantity: '${quantity}', sensor: '${sensor:csv}' })],
    transformations: [framePer('sensor', 'quantity')],
    overrides: [
      ...unitOverrides,
      fields('/^value /', {
        displayName: '${__field.labels.sensor}',
        links: [
          {
            title: 'This sensor alone',
            url: '/d/holdfast-sensor?var-sensor=${__field.labels.sensor}&${__url_time_range}',
          },
        ],
      }),
      outline,
    ],
    repeat: { variable: 'quantity', perRow: 2 },
  });
}

/** The same for one sensor: there is one curve in each panel, so the range is a filled band. */
export function sensorCourses() {
  return curves({
    title: '${quantity:text}',
    description:
      'Mean of each step, and as a band what lies between its smallest and its largest value. ' +
      'A line breaks where readings are missing. Over long ranges one reading per step is shown.',
    size: [12, 9],
    asks: [seriesAsk({ quantity: '${quantity}', sensor: '${sensor}' })],
    transformations: [framePer('sensor', 'quantity')],
    overrides: [
      ...unitOverrides,
      fields('/^value /', { displayName: 'mean' }),
      fields('/^min /', { displayName: 'smallest', 'custom.lineWidth': 0, ...QUIET }),
      fields('/^max /', {
        displayName: 'largest',
        'custom.lineWidth': 0,
        'custom.fillBelowTo': 'smallest',
        'custom.fillOpacity': 25,
        ...QUIET,
      }),
    ],
    repeat: { variable: 'quantity', perRow: 2 },
  });
}

const QUIET = {
  'custom.showPoints': 'never',
  'custom.hideFrom': { viz: false, legend: true, tooltip: false },
} as const;

/** How each sensor is doing. */
export function sensorTable(size: readonly [number, number], sensor: string) {
  return table({
    title: 'Sensors',
    description: 'Whether each sensor answers, how good and how old its newest reading is.',
    size,
    route: 'sensors',
    params: { sensor },
    headings: {
      sensor: 'Sensor',
      level: 'Health',
      state: 'State',
      quality: 'Quality',
      freshness: 'Newest',
      age_ms: 'Age',
      detail: 'What is wrong',
    },
    overrides: [
      coloured('Health', [levelMapping], 110),
      coloured('State', [stateMapping], 110),
      coloured('Quality', qualityMappings, 140),
      coloured('Newest', [freshnessMapping], 100),
      durationColumn('Age'),
    ],
    empty: 'No sensor is known',
  });
}

/** What has happened in the chosen time. */
export function eventTable(size: readonly [number, number]) {
  const panel = table({
    title: 'Events',
    description: 'What has happened in the chosen time, newest first.',
    size,
    route: 'events',
    params: { ...RANGE, limit: '200' },
    headings: { time: 'Time', level: 'Level', title: 'What', text: 'Circumstances' },
    overrides: [timeColumn('Time'), coloured('Level', [levelMapping], 110)],
    empty: 'Nothing has happened in this time',
  });
  return panel.withTransformation({
    id: 'sortBy',
    options: { fields: {}, sort: [{ field: 'Time', desc: true }] },
  });
}
