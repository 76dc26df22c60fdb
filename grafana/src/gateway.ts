/** "Gateway": how readings leave the device, and how the device is doing. */
import { dashboard, linkAnnotations, measuringAnnotations } from './board.ts';
import { backlog, cardWrites, dataFile, memory, retries, throughput } from './gateway-curves.ts';
import { gaps, hub, links, services } from './gateway-tables.ts';
import { field, stat, thresholds } from './panels.ts';
import type { StatText } from './panels.ts';
import type { Ask } from './query.ts';
import { eventTable } from './shared-panels.ts';
import { COLOURS, levelMapping, missing } from './words.ts';

type Tile = Omit<StatText, 'asks' | 'size'> & { readonly columns: readonly string[] };

const tileOf =
  (route: Ask['route'], size: StatText['size']) =>
  ({ columns, ...text }: Tile) =>
    stat({ ...text, size, asks: [{ route, columns }] });
const statusTile = tileOf('status', [6, 4]);
// Wide: reasons and errors are whole sentences.
const provisioningTile = tileOf('provisioning', [12, 5]);

const rates = statusTile({
  title: 'Readings per second',
  description: 'Measured, and acknowledged by the slowest destination.',
  columns: ['produced_per_second', 'sent_per_second'],
  names: true,
  unit: 'short',
  overrides: [
    field('produced_per_second', { displayName: 'measured' }),
    field('sent_per_second', { displayName: 'sent' }),
  ],
  mappings: [missing('not known')],
});

const forecast = statusTile({
  title: 'Forecast',
  description:
    'At the present rates: when the backlog is gone, and when the buffer is full and readings are lost.',
  columns: ['drained_in_seconds', 'full_in_seconds'],
  names: true,
  unit: 's',
  overrides: [
    field('drained_in_seconds', {
      displayName: 'backlog gone in',
      decimals: 0,
      mappings: [missing('not at these rates')],
    }),
    field('full_in_seconds', {
      displayName: 'buffer full in',
      decimals: 0,
      mappings: [missing('never')],
    }),
  ],
});

const buffer = statusTile({
  title: 'Buffer used',
  description:
    'Part of the memory for readings that is used. When it is full, the oldest acknowledged readings go first.',
  columns: ['buffer_used_percent'],
  unit: 'percent',
  mappings: [missing('not known')],
}).thresholds(thresholds(COLOURS.good, [70, COLOURS.warning], [90, COLOURS.bad]));

const losses = statusTile({
  title: 'Readings lost',
  description:
    'Recorded as lost since the mqtthandler started, and records of losses still to be delivered.',
  columns: ['gap_readings', 'gaps_waiting'],
  names: true,
  unit: 'locale',
  overrides: [
    field('gap_readings', { displayName: 'lost' }),
    field('gaps_waiting', { displayName: 'to tell' }),
  ],
}).thresholds(thresholds(COLOURS.good, [1, COLOURS.bad]));

const provisioning = provisioningTile({
  title: 'Provisioning',
  description: 'State of provisioning, and why.',
  columns: ['level', 'reason', 'state'],
  overrides: [field('level', { mappings: [levelMapping] })],
});

const attempt = provisioningTile({
  title: 'Next attempt',
  description:
    'When provisioning is tried again, which attempt that was, and what went wrong last.',
  columns: ['attempt', 'last_error', 'next_attempt_in_ms'],
  names: true,
  overrides: [
    field('attempt', { displayName: 'attempts so far', mappings: [missing('none')] }),
    field('last_error', { displayName: 'last error' }),
    field('next_attempt_in_ms', {
      displayName: 'next in',
      unit: 'ms',
      decimals: 0,
      mappings: [missing('none planned')],
    }),
  ],
});

export const gateway = dashboard({
  uid: 'holdfast-gateway',
  title: 'Gateway',
  description: 'How readings leave this device, and how the device is doing.',
  from: 'now-6h',
  annotations: [...measuringAnnotations(), ...linkAnnotations()],
  sections: [
    { panels: [rates, forecast, buffer, losses].map((tile) => tile.build()) },
    { title: 'Sending', panels: [links, throughput, backlog, retries].map((p) => p.build()) },
    { title: 'Hub', panels: [provisioning, attempt, hub].map((panel) => panel.build()) },
    { title: 'Device', panels: [memory, cardWrites, dataFile].map((panel) => panel.build()) },
    {
      title: 'What happened',
      panels: [services.build(), gaps.build(), eventTable([24, 9]).build()],
    },
  ],
});
