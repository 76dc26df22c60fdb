/**
 * Figures over time: a sample every 10 s, kept in memory for a day. Counters start anew with the
 * service that counts; then a difference is not known.
 */
import type { Row } from './contract/index.ts';
import type { Knowledge } from './facts.ts';
import { linkOf } from './links.ts';
import type { Destination } from './links.ts';
import { statusRow } from './status.ts';
import { finite, rounded } from './values.ts';

export const SAMPLE_MS = 10_000;
const KEPT = 8_640;
/** After a longer pause (the service was stopped, the clock jumped) rates are not known. */
const MAX_SPACING_MS = 3 * SAMPLE_MS;

export interface Sample {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly row: Row;
  /** Counters of the mqtthandler since its start, and the size of the data file. */
  readonly counters: Readonly<Record<CounterName, number | null>>;
}

type CounterName = 'retried' | 'mqttGaps' | 'hubGaps' | 'mqtt' | 'hub' | 'aof';

const SHARED = [
  'backlog',
  'buffer_entries',
  'buffer_bytes',
  'buffer_capacity_bytes',
  'produced_per_second',
  'sent_per_second',
  'redis_memory_bytes',
  'redis_memory_limit_bytes',
] as const;

export function sampleOf(known: Knowledge, monotonicMs: number): Sample {
  const { mqtthandler: handler } = known.facts.hashes;
  const silent = known.handlerSilentMs !== undefined;
  const read = (name: string) => (silent ? null : finite(handler[name]));
  const both = (name: string) => {
    const values = [read(`mqtt_${name}`), read(`hub_${name}`)].filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((a, b) => a + b, 0);
  };
  const connected = (destination: Destination) => {
    const { configured, state } = linkOf(known, destination);
    return configured ? state === 'connected' : null;
  };
  const status = statusRow(known);
  return {
    wallMs: known.now.wallMs,
    monotonicMs,
    row: {
      ...Object.fromEntries(SHARED.map((name) => [name, status[name] ?? null])),
      mqtt_connected: connected('mqtt'),
      hub_connected: connected('hub'),
      aof_bytes: known.memory.aofBytes,
    },
    counters: {
      retried: both('retried_messages'),
      mqttGaps: read('mqtt_gap_readings'),
      hubGaps: read('hub_gap_readings'),
      mqtt: read('mqtt_acknowledged_readings'),
      hub: read('hub_acknowledged_readings'),
      aof: known.memory.aofBytes,
    },
  };
}

/** What is in a row beside the sample: differences to the one before. */
export function historyRow(sample: Sample, before: Sample | undefined): Row {
  const spacingMs = before === undefined ? Infinity : sample.monotonicMs - before.monotonicMs;
  const known = spacingMs > 0 && spacingMs <= MAX_SPACING_MS;
  const grown = (name: CounterName) => {
    const [now, then] = [sample.counters[name], before?.counters[name] ?? null];
    return !known || now === null || then === null || now < then ? null : now - then;
  };
  const rate = (name: CounterName) => {
    const difference = grown(name);
    return difference === null ? null : rounded((1_000 * difference) / spacingMs);
  };
  const { row } = sample;
  const part = (...names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
  return {
    time: sample.wallMs,
    ...part(...SHARED.slice(0, 6)),
    retried_messages: grown('retried'),
    gap_readings: largest(grown('mqttGaps'), grown('hubGaps')),
    mqtt_readings_per_second: rate('mqtt'),
    hub_readings_per_second: rate('hub'),
    ...part('mqtt_connected', 'hub_connected', 'redis_memory_bytes', 'redis_memory_limit_bytes'),
    aof_bytes: sample.counters.aof,
    card_bytes_per_second: rate('aof'),
  };
}

function largest(...counts: readonly (number | null)[]): number | null {
  const known = counts.filter((count) => count !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** The samples of a day, oldest first. */
export class History {
  #samples: Sample[] = [];

  add(sample: Sample): void {
    this.#samples.push(sample);
    // In batches: shifting a long list with every sample would cost more than the sample.
    if (this.#samples.length >= KEPT + 256) this.#samples = this.#samples.slice(-KEPT);
  }

  get length(): number {
    return this.#samples.length;
  }

  /** At most about `points` rows: every n-th sample, compared with the one n before. */
  rows(fromMs: number, toMs: number, points: number): Row[] {
    const inside = this.#samples.filter(({ wallMs }) => wallMs >= fromMs && wallMs <= toMs);
    const every = Math.max(1, Math.ceil(inside.length / points));
    return inside.flatMap((sample, index) => {
      if ((inside.length - 1 - index) % every !== 0) return [];
      return [thinnedRow(inside, index, every) ?? historyRow(sample, inside[index - 1])];
    });
  }
}

/** A row over several samples: sums of what happened, the present of what stands. */
function thinnedRow(samples: readonly Sample[], index: number, every: number): Row | undefined {
  if (every === 1) return undefined;
  const rows: Row[] = [];
  for (let i = Math.max(1, index - every + 1); i <= index; i += 1) {
    const sample = samples[i];
    if (sample !== undefined) rows.push(historyRow(sample, samples[i - 1]));
  }
  const last = rows.at(-1);
  if (last === undefined) return undefined;
  const numbers = (name: string) =>
    rows.flatMap((row) => (typeof row[name] === 'number' ? [row[name]] : []));
  const sum = (name: string) => numbers(name).reduce((a, b) => a + b, 0);
  const mean = (name: string) =>
    numbers(name).length === 0 ? null : rounded(sum(name) / numbers(name).length);
  const total = (name: string) => (numbers(name).length === 0 ? null : sum(name));
  return {
    ...last,
    retried_messages: total('retried_messages'),
    gap_readings: total('gap_readings'),
    mqtt_readings_per_second: mean('mqtt_readings_per_second'),
    hub_readings_per_second: mean('hub_readings_per_second'),
    card_bytes_per_second: mean('card_bytes_per_second'),
  };
}
