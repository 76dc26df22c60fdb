/**
 * Losses that are recorded facts, each once. The mqtthandler writes a record, which waits until the
 * destination has it, and right after it an event, which stays: what the events count and no record
 * does any more has been told.
 */
import { fieldOf, streamIdMs } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import type { Row } from './contract/index.ts';
import type { Event } from './events.ts';
import { DESTINATIONS } from './links.ts';
import type { Destination } from './links.ts';
import { short, whole } from './values.ts';

const REASONS: Readonly<Record<string, string>> = {
  readings_evicted: 'buffer_full',
  readings_removed: 'removed',
  reading_too_large: 'too_large',
  reading_refused: 'refused',
  readings_dropped: 'sensor_memory_full',
};

/** Records waiting for a destination, oldest first. */
export interface Waiting {
  readonly records: readonly StreamEntry[];
  /** There are no others behind them. */
  readonly complete: boolean;
}

/** The losses of all destinations. @param events oldest first */
export function lossRows(
  events: readonly Event[],
  waiting: Readonly<Record<Destination, Waiting>>,
): Row[] {
  const told = events.flatMap((event): Row | readonly Row[] => gapOfEvent(event) ?? []);
  const ours: readonly string[] = DESTINATIONS;
  return [
    ...told.filter(({ destination }) => !ours.includes(String(destination))),
    ...DESTINATIONS.flatMap((destination) =>
      lossesOf(
        told.filter((row) => row['destination'] === destination),
        waiting[destination],
        destination,
      ),
    ),
  ].toSorted((a, b) => Number(a['time']) - Number(b['time']));
}

/** What waits, and what of each reason the events count beyond that: it has been delivered. */
function lossesOf(told: readonly Row[], waiting: Waiting, destination: Destination): Row[] {
  const records = waiting.records.flatMap(
    (entry): Row | readonly Row[] => gapOfRecord(entry, destination) ?? [],
  );
  const lookedAtMs = waiting.complete ? Infinity : Number(records.at(-1)?.['time'] ?? 0);
  const delivered = Object.values(REASONS).flatMap((reason) => {
    const alike = (row: Row) => row['reason'] === reason;
    return beyond(told.filter(alike), records.filter(alike));
  });
  const rest = delivered.map((row): Row => {
    return Number(row['time']) > lookedAtMs ? { ...row, state: 'waiting' } : row;
  });
  return [...rest, ...records];
}

/** Of each event, oldest first, what no record written up to it counts. */
function beyond(told: readonly Row[], records: readonly Row[]): Row[] {
  let [counted, shown, next] = [0, 0, 0];
  return told.flatMap((row): Row[] => {
    for (; Number(records[next]?.['time'] ?? Infinity) <= Number(row['time']); next += 1) {
      shown += Number(records[next]?.['count']);
    }
    counted += Number(row['count']);
    const count = counted - shown;
    if (count <= 0) return [];
    shown += count;
    return [{ ...row, count }];
  });
}

/** An event about a loss as a row; undefined for others. */
export function gapOfEvent({ timeMs, event, fields }: Event): Row | undefined {
  const reason = Object.hasOwn(REASONS, event) ? REASONS[event] : undefined;
  if (reason === undefined) return undefined;
  const single = fields['id'] ?? null;
  return {
    time: timeMs,
    destination: fields['destination'] ?? 'all',
    reason,
    count: whole(fields['count']) ?? 1,
    from_seq: null,
    to_seq: null,
    from_id: single,
    to_id: single,
    epoch: null,
    state: 'told',
  };
}

/** A record in `mqtt_sender:gaps` or `hub_sender:gaps`; undefined when it cannot be read. */
export function gapOfRecord([id, fields]: StreamEntry, destination: Destination): Row | undefined {
  const gap = object(fieldOf(fields, '_gap') ?? '');
  if (gap === undefined) return undefined;
  const text = (name: string) => (typeof gap[name] === 'string' ? short(gap[name], 64) : null);
  const number = (name: string) => (Number.isSafeInteger(gap[name]) ? Number(gap[name]) : null);
  return {
    time: streamIdMs(id),
    destination,
    reason: text('reason') ?? 'unknown',
    count: number('count') ?? 1,
    from_seq: number('from_seq'),
    to_seq: number('to_seq'),
    from_id: text('from_id'),
    to_id: text('to_id'),
    epoch: fieldOf(fields, '_epoch') || null,
    state: 'waiting',
  };
}

function object(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
