/**
 * The changes of the queue as lines of a file, one JSON object each:
 *
 *   {"reading":{"sensor":"host","boot":"1f..","uptimeMs":5000,"quantities":{"load_1m":"0.1"}},"skipped":0}
 *   {"dropped":1}      {"stored":40}
 */
import type { Quality, Reading } from '@holdfast/redis';
import type { PendingChange } from './pending.ts';

/** A change as a line, without its end. */
export function toLine(change: PendingChange): string {
  return JSON.stringify(toJson(change));
}

function toJson(change: PendingChange): object {
  switch (change.kind) {
    case 'added':
      return { reading: change.reading, skipped: change.skipped };
    case 'dropped':
      return { dropped: change.index };
    case 'stored':
      return { stored: change.count };
  }
}

/** The change a line stands for; undefined when it is none of ours. */
export function fromLine(line: string): PendingChange | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { reading, skipped, dropped, stored } = value;
  if (reading !== undefined) {
    return isReading(reading) && isCount(skipped) ? { kind: 'added', reading, skipped } : undefined;
  }
  if (isCount(dropped) && dropped <= 1) return { kind: 'dropped', index: dropped };
  return isCount(stored) ? { kind: 'stored', count: stored } : undefined;
}

const QUALITIES: Readonly<Record<Quality, true>> = {
  warming_up: true,
  stale: true,
  stuck: true,
  out_of_range: true,
  bus_error: true,
};

function isReading(value: unknown): value is Reading {
  if (!isRecord(value)) return false;
  const { sensor, boot, uptimeMs, quality, quantities } = value;
  return (
    typeof sensor === 'string' &&
    typeof boot === 'string' &&
    Number.isFinite(uptimeMs) &&
    (quality === undefined || (typeof quality === 'string' && quality in QUALITIES)) &&
    isRecord(quantities) &&
    Object.values(quantities).every((quantity) => typeof quantity === 'string')
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
