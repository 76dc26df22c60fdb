/**
 * What is remembered of commands: under a key for each, when it was taken and what it was answered.
 * This is what makes the same id be carried out once, also across restarts.
 *
 * Keys: `id:<JSON of the id>` for a command with an id; `delivery:<source>:<packet id>:<digest>` for
 * one without, which is looked up only when the transport says that it delivers again, or when a lost
 * connection to Redis leaves open whether the command was stored. The two are counted apart: commands
 * without an id push out no id.
 */
import { isObject } from './json.ts';
import type { CommandId } from './schema.ts';

export interface CommandRecord {
  /** Wall clock when it was taken, milliseconds. */
  readonly takenMs: number;
  /** A signed command's; its record must outlive it. */
  readonly expiresMs?: number;
  /** JSON text; absent while it is being carried out. */
  readonly answer?: string;
}

/** A command without an id that is delivered again is known for so long. */
export const REDELIVERY_MS = 86_400_000;

interface Limits {
  readonly records: number;
  readonly ageMs: number;
  /** All answers together; readings need the memory more. */
  readonly characters: number;
}

const IDS: Limits = { records: 500, ageMs: 7 * 86_400_000, characters: 500_000 };
const DELIVERIES: Limits = { records: 500, ageMs: REDELIVERY_MS, characters: 250_000 };
const DELIVERY = 'delivery:';

export function recordKeyOfId(id: CommandId): string {
  return `id:${JSON.stringify(id)}`;
}

/** For a command without an id. */
export function recordKeyOfDelivery(source: string, deliveryId: string): string {
  return `${DELIVERY}${source}:${deliveryId}`;
}

/** The record of a command just taken; `expiresMs` of a signed one. */
export function recordOf(expiresMs: number | undefined, nowMs: number): CommandRecord {
  return { takenMs: nowMs, ...(expiresMs === undefined ? {} : { expiresMs }) };
}

export function encodeRecord(record: CommandRecord): string {
  return JSON.stringify(record);
}

/** Undefined for what no record of ours looks like. */
export function decodeRecord(text: string): CommandRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || typeof value['takenMs'] !== 'number') return undefined;
    return value as unknown as CommandRecord;
  } catch {
    return undefined;
  }
}

/**
 * Which records to forget: the too old, then the oldest beyond the limits. A signed command is
 * remembered until it has expired, whatever the limits say: else it could be replayed.
 */
export function recordsToForget(
  records: readonly (readonly [key: string, text: string])[],
  nowMs: number,
): string[] {
  const ofDeliveries = records.filter(([key]) => key.startsWith(DELIVERY));
  const ofIds = records.filter(([key]) => !key.startsWith(DELIVERY));
  return [...beyond(IDS, ofIds, nowMs), ...beyond(DELIVERIES, ofDeliveries, nowMs)];
}

function beyond(
  limits: Limits,
  records: readonly (readonly [key: string, text: string])[],
  nowMs: number,
): string[] {
  const newestFirst = records
    .map(([key, text]) => ({ key, size: key.length + text.length, record: decodeRecord(text) }))
    .toSorted((a, b) => (b.record?.takenMs ?? 0) - (a.record?.takenMs ?? 0));
  let kept = 0;
  let characters = 0;
  const forget: string[] = [];
  for (const { key, size, record } of newestFirst) {
    const alive = (record?.expiresMs ?? -Infinity) > nowMs;
    // Judged by the age only where the clock has not been set back.
    const old = record === undefined || nowMs - record.takenMs > limits.ageMs;
    const fits = kept < limits.records && characters + size <= limits.characters;
    if (alive || (!old && fits)) {
      kept += 1;
      characters += size;
    } else {
      forget.push(key);
    }
  }
  return forget;
}
