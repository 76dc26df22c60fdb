/**
 * `mqtthandler:status`: the present state for dashboards. Written at once when the state of a link
 * changes (within a second) and otherwise at most every few seconds, because each write costs card life.
 */
import type { Clock } from '@holdfast/kit';
import { KEYS, streamIdMs } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import type { BufferState } from './buffer-keeper.ts';
import type { Forwarder } from './forwarder.ts';

const WRITE_EVERY_MS = 5_000;
const LOOK_EVERY_MS = 1_000;

/** The fields of one destination, prefixed with its name; all strings, times in milliseconds. */
export function statusFields(name: string, forwarder: Forwarder): Record<string, string> {
  const { tally, flight } = forwarder;
  const fields: Record<string, string | number> = {
    state: forwarder.enabled ? forwarder.link : 'paused',
    last_id: flight.lowWater,
    last_id_ms: streamIdMs(flight.lowWater),
    lanes: flight.progress.length,
    unacknowledged_messages: flight.underway.length,
    sent_messages: tally.sentMessages,
    sent_bytes: tally.sentBytes,
    acknowledged_messages: tally.acknowledgedMessages,
    acknowledged_readings: tally.acknowledgedReadings,
    retried_messages: tally.retriedMessages,
    gap_readings: tally.gapReadings,
    last_error: forwarder.lastError,
  };
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [`${name}_${field}`, String(value)]),
  );
}

/** How full the buffer is; a number of seconds that has no end is left empty. */
export function bufferFields(state: BufferState | undefined): Record<string, string> {
  if (state === undefined) return {};
  const seconds = (value: number) => (Number.isFinite(value) ? String(Math.round(value)) : '');
  return {
    buffer_entries: String(state.entries),
    buffer_bytes: String(state.bytes),
    buffer_capacity_bytes: String(state.capacityBytes),
    backlog: String(state.backlog),
    oldest_unacknowledged_ms: String(state.oldestAgeMs),
    produced_per_second: state.producedPerSecond.toFixed(2),
    sent_per_second: state.sentPerSecond.toFixed(2),
    full_in_seconds: seconds(state.fullInSeconds),
    drained_in_seconds: seconds(state.drainedInSeconds),
  };
}

/**
 * The first time the fields of an earlier life go: a destination that is no longer set up would stay
 * "connected" for ever.
 */
async function write(
  redis: Redis,
  fields: Readonly<Record<string, string>>,
  first: boolean,
): Promise<void> {
  const { key } = KEYS.handlerStatus;
  const steps = redis.multi();
  if (first) steps.del(key);
  steps.hset(key, fields);
  for (const [error] of (await steps.exec()) ?? []) if (error !== null) throw error;
}

/** Keeps the hash up to date until `signal` aborts. */
export async function keepStatus(
  redis: Redis,
  clock: Clock,
  forwarders: ReadonlyMap<string, Forwarder>,
  buffer: () => BufferState | undefined,
  signal: AbortSignal,
): Promise<void> {
  const started = String(clock.nowMs());
  let written = '';
  let writtenStates = '';
  let writtenAtMs = -Infinity;
  while (!signal.aborted) {
    const fields: Record<string, string> = { started };
    for (const [name, forwarder] of forwarders)
      Object.assign(fields, statusFields(name, forwarder));
    Object.assign(fields, bufferFields(buffer()));
    const states = [...forwarders.values()].map((f) => `${f.enabled} ${f.link}`).join(' ');
    const text = JSON.stringify(fields);
    const due = states !== writtenStates || clock.monotonicMs() - writtenAtMs >= WRITE_EVERY_MS;
    if (redis.status === 'ready' && due && text !== written) {
      try {
        await write(redis, fields, written === '');
        [written, writtenStates, writtenAtMs] = [text, states, clock.monotonicMs()];
      } catch {
        // Redis is away or full: the next look tries again.
      }
    }
    await clock.sleepMs(LOOK_EVERY_MS, signal);
  }
}
