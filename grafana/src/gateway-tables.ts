/** Tables of "Gateway": destinations, provisioning, services, losses. */
import { coloured, durationColumn, field, table, timeColumn } from './panels.ts';
import { RANGE } from './query.ts';
import { COLOURS, levelMapping, stateMapping, wordMapping } from './words.ts';

const whole = (...headings: readonly string[]) =>
  headings.map((heading) => field(heading, { unit: 'locale', decimals: 0 }));

export const links = table({
  title: 'Destinations',
  description: 'The links, how far each destination has got, and what had to be sent again.',
  size: [24, 5],
  route: 'links',
  headings: {
    label: 'Destination',
    level: 'Health',
    state: 'State',
    detail: 'Why',
    last_age_ms: 'Newest sent',
    unacknowledged_messages: 'Under way',
    acknowledged_readings: 'Readings sent',
    retried_messages: 'Sent again',
    gap_readings: 'Lost',
    gaps_waiting: 'Losses to tell',
    last_error: 'Last error',
  },
  overrides: [
    coloured('Health', [levelMapping], 110),
    coloured('State', [stateMapping], 130),
    durationColumn('Newest sent'),
    ...whole('Under way', 'Readings sent', 'Sent again', 'Lost', 'Losses to tell'),
  ],
  empty: 'No destination',
});

export const services = table({
  title: 'Services',
  description: 'Each service and what it says about itself.',
  size: [24, 7],
  route: 'services',
  headings: {
    service: 'Service',
    level: 'Health',
    state: 'State',
    detail: 'What it does',
    started: 'Started',
    last_error: 'Last error',
  },
  overrides: [
    coloured('Health', [levelMapping], 110),
    field('State', { 'custom.width': 130 }),
    timeColumn('Started'),
  ],
  empty: 'No service has reported',
});

/** Names of a column are short here: the table is one row, and read on a phone too. */
export const hub = table({
  title: 'Assignment',
  description: 'The hub that was assigned to this device, by whom, and under which name.',
  size: [24, 4],
  route: 'provisioning',
  headings: {
    hub_host: 'Hub',
    device_id: 'Device id',
    source: 'By',
    assigned: 'Assigned',
    substatus: 'Substatus',
    id_scope: 'Id scope',
    registration_id: 'Registration id',
    generation: 'Generation',
    failing_since: 'Not reached since',
    requested: 'Asked to provision anew',
    requested_by: 'By whom',
  },
  overrides: [
    timeColumn('Assigned'),
    timeColumn('Not reached since'),
    timeColumn('Asked to provision anew'),
    field('Generation', { decimals: 0 }),
  ],
  empty: 'The device needs no provisioning',
});

export const gaps = table({
  title: 'Losses',
  description:
    'Readings that were lost in the chosen time and recorded as lost. Told: the destination knows.',
  size: [24, 6],
  route: 'gaps',
  params: { ...RANGE },
  headings: {
    time: 'Noticed',
    destination: 'Destination',
    reason: 'Reason',
    count: 'Readings',
    from_seq: 'From number',
    to_seq: 'To number',
    state: 'State',
  },
  overrides: [
    timeColumn('Noticed'),
    ...whole('Readings', 'From number', 'To number'),
    coloured('State', [
      wordMapping({
        waiting: { level: 'warning', text: 'waiting' },
        told: { level: 'idle', text: 'told' },
      }),
    ]),
    coloured('Readings', []),
    field('Readings', { color: { mode: 'fixed', fixedColor: COLOURS.bad } }),
  ],
  empty: 'Nothing was lost in this time',
});
