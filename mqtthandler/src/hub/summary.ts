/**
 * What the twin tells of the device in short (`state` of the reported properties). States are told
 * when they change; figures change all the time, and each report is a message to be paid for, so
 * they are taken now and then.
 */
import type { Clock } from '@holdfast/kit';
import type { BufferState } from '../buffer-keeper.ts';
import type { JsonObject } from '../core/commands/json.ts';
import type { Forwarder } from '../forwarder.ts';

const FIGURES_EVERY_MS = 900_000;

export interface SummaryParts {
  readonly clock: Clock;
  /** The status hashes of all services by key. */
  readonly statuses: () => Promise<Record<string, Record<string, string>>>;
  readonly forwarders: ReadonlyMap<string, Forwarder>;
  readonly buffer: () => BufferState | undefined;
}

/** @returns a function that rejects with Redis' error */
export function deviceSummary(parts: SummaryParts): () => Promise<JsonObject> {
  let figures: JsonObject = {};
  let takenAtMs = -Infinity;
  return async () => {
    const nowMs = parts.clock.monotonicMs();
    const buffer = parts.buffer();
    if (buffer !== undefined && nowMs - takenAtMs >= FIGURES_EVERY_MS) {
      takenAtMs = nowMs;
      figures = figuresOf(buffer, parts.forwarders);
    }
    const services: Record<string, string> = {};
    for (const [key, { state }] of Object.entries(await parts.statuses())) {
      if (state !== undefined) services[key.replace(/:status$/, '')] = state.slice(0, 100);
    }
    const links = Object.fromEntries(
      [...parts.forwarders].map(([name, f]) => [name, f.enabled ? f.link : 'paused']),
    );
    return { services, links, ...figures };
  };
}

function figuresOf(buffer: BufferState, forwarders: SummaryParts['forwarders']): JsonObject {
  const lost = [...forwarders].map(([name, { tally }]) => [name, tally.gapReadings] as const);
  return {
    backlog_readings: buffer.backlog,
    buffer_bytes: buffer.bytes,
    produced_per_second: Math.round(buffer.producedPerSecond * 100) / 100,
    gap_readings: Object.fromEntries(lost),
  };
}
