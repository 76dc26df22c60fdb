/** "Now and today": what is measured, and whether it arrives. The start page. */
import { dashboard, measuringAnnotations, quantityVariable, sensorVariable } from './board.ts';
import {
  coloured,
  durationColumn,
  field,
  framePer,
  stat,
  table,
  timeColumn,
  timeline,
} from './panels.ts';
import type { StatText } from './panels.ts';
import { RANGE } from './query.ts';
import { eventTable, quantityCourses, sensorTable } from './shared-panels.ts';
import { unitOverrides } from './units.ts';
import { freshnessMapping, levelMapping, missing, qualityMappings, stateMapping } from './words.ts';

type Tile = Omit<StatText, 'asks' | 'size'> & { readonly columns: readonly string[] };

/** A tile made of columns of `status`, one below the other. */
function statusTile({ columns, ...text }: Tile) {
  return stat({ ...text, size: [4, 4], asks: [{ route: 'status', columns }] });
}

const level = (name: string) => field(name, { mappings: [levelMapping] });

const tiles = [
  statusTile({
    title: 'Measuring',
    description: 'Whether the device measures, and whether that is as it should be.',
    columns: ['measuring_level', 'measuring_state'],
    overrides: [level('measuring_level')],
  }),
  statusTile({
    title: 'Last reading',
    description:
      'Age of the newest reading of all sensors. Late: over 3 intervals; old: over 10, at least a minute.',
    columns: ['freshness', 'last_reading_age_ms'],
    overrides: [
      field('freshness', { mappings: [freshnessMapping] }),
      field('last_reading_age_ms', { unit: 'ms', decimals: 0, mappings: [missing('no reading')] }),
    ],
  }),
  statusTile({
    title: 'MQTT broker',
    description: 'The link to the MQTT broker.',
    columns: ['mqtt_level', 'mqtt_state'],
    overrides: [level('mqtt_level')],
  }),
  statusTile({
    title: 'IoT Hub',
    description: 'The link to the IoT Hub.',
    columns: ['hub_level', 'hub_state'],
    overrides: [level('hub_level')],
  }),
  statusTile({
    title: 'Provisioning',
    description: 'How the device came to its hub; more of it in the dashboard Gateway.',
    columns: ['provisioning_level', 'provisioning_state'],
    overrides: [level('provisioning_level')],
  }),
  stat({
    title: 'Backlog',
    description:
      'Readings that the slowest destination has not acknowledged yet, and what becomes of them at ' +
      'the present rates. Behind it the backlog of the chosen time.',
    size: [4, 4],
    asks: [
      { route: 'history', columns: ['time', 'backlog'], params: { ...RANGE, points: '120' } },
      { refId: 'B', route: 'status', columns: ['forecast'] },
    ],
    show: ['backlog', 'forecast'],
    unit: 'short',
    // With two answers Grafana would put their names before those of the fields.
    overrides: [
      field('backlog', { displayName: 'backlog', decimals: 0, mappings: [missing('not known')] }),
      field('forecast', { displayName: 'forecast' }),
    ],
    graph: true,
  }),
];

const values = stat({
  title: '${quantity:text}',
  description:
    'The newest value of each sensor, a mean over a minute, with its course over the last hour. A ' +
    'sensor that has not measured for 3 intervals has no value.',
  size: [6, 5],
  asks: [
    {
      route: 'series',
      columns: ['time', 'sensor', 'quantity', 'value'],
      params: { ...RANGE, points: '60', quantity: '${quantity}', sensor: '${sensor:csv}' },
    },
  ],
  show: 'numbers',
  transformations: [framePer('sensor', 'quantity')],
  overrides: [
    ...unitOverrides,
    {
      matcher: { id: 'byType', options: 'number' },
      properties: [{ id: 'displayName', value: '${__field.labels.sensor}' }],
    },
  ],
  mappings: [missing('no reading')],
  graph: true,
  names: true,
  repeat: { variable: 'quantity', perRow: 4 },
})
  .timeFrom('1h')
  .hideTimeOverride(true);

const states = timeline({
  title: 'States',
  description: 'Measuring, links, provisioning and sensors in the chosen time.',
  size: [24, 8],
  asks: [{ route: 'states', columns: ['time', 'subject', 'state'], params: { ...RANGE } }],
  mappings: [stateMapping],
  overrides: [field('state', { displayName: '${__field.labels.subject}' })],
  transformations: [framePer('subject')],
});

const latest = table({
  title: 'Newest values',
  description: 'The newest value of each quantity of each sensor, and how good and old it is.',
  size: [12, 9],
  route: 'latest',
  params: { sensor: '${sensor:csv}', quantity: '${quantity:csv}' },
  headings: {
    sensor: 'Sensor',
    label: 'Quantity',
    value: 'Value',
    unit: 'Unit',
    quality: 'Quality',
    freshness: 'Newest',
    age_ms: 'Age',
  },
  overrides: [
    field('Value', { mappings: [missing('–')], 'custom.align': 'right' }),
    coloured('Quality', qualityMappings),
    coloured('Newest', [freshnessMapping], 100),
    durationColumn('Age'),
  ],
  empty: 'Nothing has been measured yet',
});

const readings = table({
  title: 'Newest readings',
  description: 'The newest 50 readings as they are sent, newest first.',
  size: [12, 9],
  route: 'readings',
  params: { sensor: '${sensor:csv}', limit: '50' },
  headings: { time: 'Time', sensor: 'Sensor', quality: 'Quality', values: 'Values' },
  overrides: [timeColumn('Time'), coloured('Quality', qualityMappings, 140)],
  empty: 'Nothing has been measured yet',
});

export const now = dashboard({
  uid: 'holdfast-now',
  title: 'Now and today',
  description: 'What this device measures, and whether it arrives.',
  from: 'now-6h',
  variables: [sensorVariable(true), quantityVariable('${sensor:csv}')],
  annotations: measuringAnnotations(),
  sections: [
    { panels: tiles.map((tile) => tile.build()) },
    { title: 'Now', panels: [values.build()] },
    { title: 'Course', panels: [quantityCourses().build()] },
    {
      title: 'State',
      panels: [
        states.build(),
        sensorTable([12, 8], '${sensor:csv}').build(),
        eventTable([12, 8]).build(),
      ],
    },
    { title: 'Details', collapsed: true, panels: [latest.build(), readings.build()] },
  ],
});
