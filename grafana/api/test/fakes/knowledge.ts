/** What is known, made up: everything empty unless a test says otherwise. */
import type { StreamEntry } from '@holdfast/redis';
import { HASHES, STRINGS } from '../../src/core/facts.ts';
import type { Facts, HashName, Knowledge, StringName } from '../../src/core/facts.ts';
import { seen, sensorsSeen } from '../../src/core/readings.ts';
import type { Fields } from '../../src/core/values.ts';

export const NOW_MS = 1_795_300_000_000;
export const UPTIME_MS = 5_000_000;
export const BOOT = 'abcdef012345';

export function facts(
  hashes: Partial<Record<HashName, Fields>> = {},
  strings: Partial<Record<StringName, string>> = {},
): Facts {
  const names = Object.keys(HASHES).map((name) => [name, hashes[name as HashName] ?? {}]);
  const texts = Object.keys(STRINGS).map((name) => [name, strings[name as StringName] ?? null]);
  return {
    hashes: Object.fromEntries(names) as Facts['hashes'],
    strings: Object.fromEntries(texts) as Facts['strings'],
    entries: 0,
    oldestId: null,
    mqttGaps: 0,
    hubGaps: 0,
  };
}

/** @param entries newest first */
export function known(
  known: Partial<Knowledge> = {},
  entries: readonly StreamEntry[] = [],
): Knowledge {
  const readings = entries.flatMap((entry) => seen(entry) ?? []);
  return {
    now: { wallMs: NOW_MS, uptimeMs: UPTIME_MS, boot: BOOT },
    facts: facts(),
    memory: { usedBytes: null, limitBytes: null, aofBytes: null },
    sensors: sensorsSeen(readings),
    newest: readings[0],
    handlerSilentMs: undefined,
    control: false,
    device: '',
    ...known,
  };
}

/** An entry as the sensor stores it. */
export function reading(
  timeMs: number,
  sensor: string,
  quantities: Readonly<Record<string, string | number>>,
  more: Readonly<Record<string, string>> = {},
): StreamEntry {
  const fields: Record<string, string | number> = {
    _epoch: 'e',
    _seq: '1',
    _sensor: sensor,
    ...more,
  };
  Object.assign(fields, quantities);
  return [`${timeMs}-0`, Object.entries(fields).flatMap(([name, value]) => [name, String(value)])];
}
