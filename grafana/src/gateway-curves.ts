/** Curves of "Gateway": what grafana-api has sampled since it started, a day at most. */
import { GraphDrawStyle } from '@grafana/grafana-foundation-sdk/common';
import { curves, field } from './panels.ts';
import type { CurvesText, Override } from './panels.ts';
import { RANGE } from './query.ts';

type Course = Omit<CurvesText, 'asks' | 'size'> & {
  /** Columns of `history`, and what they are called in the legend. */
  readonly names: Readonly<Record<string, string>>;
};

function course({ names, overrides = [], ...text }: Course) {
  return curves({
    ...text,
    size: [12, 8],
    asks: [
      {
        route: 'history',
        columns: ['time', ...Object.keys(names)],
        params: { ...RANGE, points: '400' },
      },
    ],
    overrides: [
      ...Object.entries(names).map(([column, name]) => field(column, { displayName: name })),
      ...overrides,
    ],
    fromZero: true,
  });
}

/** A line that is a limit: dashed, so that it is not taken for a measurement. */
const limit = (column: string): Override =>
  field(column, {
    'custom.lineStyle': { fill: 'dash', dash: [10, 10] },
    'custom.fillOpacity': 0,
    color: { mode: 'fixed', fixedColor: 'red' },
  });

export const throughput = course({
  title: 'Throughput',
  description:
    'Readings measured, and readings acknowledged by each destination, per second. While a backlog ' +
    'drains, more are acknowledged than measured.',
  unit: 'short',
  names: {
    produced_per_second: 'measured',
    mqtt_readings_per_second: 'acknowledged by the MQTT broker',
    hub_readings_per_second: 'acknowledged by the IoT Hub',
  },
});

export const backlog = course({
  title: 'Backlog',
  description: 'Readings the slowest destination has not acknowledged yet, and all that are kept.',
  unit: 'short',
  fill: 15,
  names: { backlog: 'not acknowledged', buffer_entries: 'kept' },
});

export const retries = course({
  title: 'Retries and losses',
  description:
    'Messages that were lost with a connection and sent again, and readings that were recorded as ' +
    'lost, between two points of the curve.',
  unit: 'short',
  fill: 60,
  names: { retried_messages: 'messages sent again', gap_readings: 'readings lost' },
  overrides: ['retried_messages', 'gap_readings'].map((column) =>
    field(column, { 'custom.drawStyle': GraphDrawStyle.Bars, 'custom.lineWidth': 1 }),
  ),
});

export const memory = course({
  title: 'Memory of Redis',
  description: 'What Redis and the readings in it use, and the limits (dashed).',
  unit: 'bytes',
  names: {
    redis_memory_bytes: 'Redis',
    redis_memory_limit_bytes: 'limit of Redis',
    buffer_bytes: 'readings',
    buffer_capacity_bytes: 'limit of the readings',
  },
  overrides: [limit('redis_memory_limit_bytes'), limit('buffer_capacity_bytes')],
});

export const cardWrites = course({
  title: 'Card writes',
  description:
    'Bytes appended to the data file per second: what wears the card. The file is written anew, and ' +
    'smaller, from time to time.',
  unit: 'Bps',
  fill: 15,
  names: { card_bytes_per_second: 'appended' },
});

export const dataFile = course({
  title: 'Data file',
  description: 'Size of the file that keeps the readings through a power cut.',
  unit: 'bytes',
  fill: 15,
  names: { aof_bytes: 'size' },
});
