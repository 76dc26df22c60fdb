/** The state of the forwarder as Prometheus text (exposition format 0.0.4). */
import type { BufferState } from './buffer-keeper.ts';
import type { Forwarder } from './forwarder.ts';

type Kind = 'counter' | 'gauge';

interface Metric {
  readonly name: string;
  readonly kind: Kind;
  readonly help: string;
  readonly samples: readonly { readonly labels?: string; readonly value: number }[];
}

export function renderMetrics(
  forwarders: ReadonlyMap<string, Forwarder>,
  buffer: BufferState | undefined,
): string {
  const metrics = [...destinationMetrics(forwarders), ...bufferMetrics(buffer)];
  return `${metrics.flatMap(renderMetric).join('\n')}\n`;
}

function renderMetric({ name, kind, help, samples }: Metric): string[] {
  return [
    `# HELP holdfast_${name} ${help}`,
    `# TYPE holdfast_${name} ${kind}`,
    ...samples.map(({ labels, value }) => {
      const shown = value === Infinity ? '+Inf' : String(value);
      return `holdfast_${name}${labels === undefined ? '' : `{${labels}}`} ${shown}`;
    }),
  ];
}

function destinationMetrics(forwarders: ReadonlyMap<string, Forwarder>): Metric[] {
  const each = (
    name: string,
    kind: Kind,
    help: string,
    read: (forwarder: Forwarder) => number,
  ): Metric => ({
    name,
    kind,
    help,
    samples: [...forwarders].map(([destination, forwarder]) => ({
      labels: `destination="${destination}"`,
      value: read(forwarder),
    })),
  });
  const tally = (name: string, help: string, read: (tally: Forwarder['tally']) => number): Metric =>
    each(name, 'counter', help, (forwarder) => read(forwarder.tally));
  return [
    each('link_up', 'gauge', '1 while a session is up', (f) => (f.link === 'connected' ? 1 : 0)),
    each('forwarding_enabled', 'gauge', '0 while paused', (f) => (f.enabled ? 1 : 0)),
    each('unacknowledged_messages', 'gauge', 'messages under way', (f) => f.flight.underway.length),
    tally('sent_messages_total', 'messages answered or lost', (t) => t.sentMessages),
    tally('sent_readings_total', 'readings in them', (t) => t.sentReadings),
    tally('sent_bytes_total', 'payload bytes in them', (t) => t.sentBytes),
    tally('acknowledged_messages_total', 'messages acknowledged', (t) => t.acknowledgedMessages),
    {
      name: 'acknowledged_readings_total',
      kind: 'counter',
      help: 'readings acknowledged, by lane',
      samples: [...forwarders].flatMap(([destination, { tally: t }]) => [
        { labels: `destination="${destination}",lane="live"`, value: t.acknowledgedLive },
        { labels: `destination="${destination}",lane="backlog"`, value: t.acknowledgedBacklog },
      ]),
    },
    tally('retried_messages_total', 'messages lost with a connection', (t) => t.retriedMessages),
    tally('gap_readings_total', 'readings recorded as lost', (t) => t.gapReadings),
    tally('gaps_delivered_total', 'gap records delivered', (t) => t.gapsDelivered),
  ];
}

function bufferMetrics(state: BufferState | undefined): Metric[] {
  if (state === undefined) return [];
  const gauge = (name: string, help: string, value: number): Metric => ({
    name,
    kind: 'gauge',
    help,
    samples: [{ value }],
  });
  return [
    gauge('buffer_entries', 'entries in the buffer', state.entries),
    gauge('buffer_bytes', 'memory of the buffer', state.bytes),
    gauge('buffer_capacity_bytes', 'memory it may use', state.capacityBytes),
    gauge('backlog_readings', 'readings not yet acknowledged', state.backlog),
    gauge('oldest_unacknowledged_seconds', 'age of the oldest', state.oldestAgeMs / 1_000),
    gauge('produced_readings_per_second', 'rate of production', state.producedPerSecond),
    gauge('acknowledged_readings_per_second', 'rate of delivery', state.sentPerSecond),
    gauge('buffer_full_in_seconds', 'at the present rates', state.fullInSeconds),
    gauge('backlog_drained_in_seconds', 'at the present rates', state.drainedInSeconds),
  ];
}
