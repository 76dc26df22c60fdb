/**
 * A reading as it stands in the stream `measurement:values`: a flat map of strings
 * (contract, section 2). Quantities carry their unit in the name; fields that begin with `_` are
 * about the reading.
 */

/** Why a value is not to be trusted; a good reading carries no `_quality` at all. */
export type Quality = 'warming_up' | 'stale' | 'stuck' | 'out_of_range' | 'bus_error';

/** A reading on its way to the stream. */
export interface Reading {
  /** Stable id of the sensor on this device, e.g. `bme280-1-76`. */
  readonly sensor: string;
  /** Shortened kernel boot id. */
  readonly boot: string;
  /** Monotonic milliseconds since boot when the value was read. */
  readonly uptimeMs: number;
  readonly quality?: Quality;
  /** Quantity with unit in the name -> value, e.g. `temperature_celsius` -> `21.5`. */
  readonly quantities: Readonly<Record<string, string>>;
}

/** One entry of the stream as Redis returns it: id and alternating names and values. */
export type StreamEntry = readonly [id: string, fields: readonly string[]];

/** The fields of a reading without `_epoch` and `_seq`, which Redis gives when it is stored. */
export function readingFields(reading: Reading): string[] {
  const fields = [
    '_sensor',
    reading.sensor,
    '_boot',
    reading.boot,
    '_uptime_ms',
    String(Math.round(reading.uptimeMs)),
  ];
  if (reading.quality !== undefined) fields.push('_quality', reading.quality);
  for (const [name, value] of Object.entries(reading.quantities)) fields.push(name, value);
  return fields;
}

/** The value of one field, undefined when the entry does not have it. */
export function fieldOf(fields: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i] === name) return fields[i + 1];
  }
  return undefined;
}

/** What identifies a reading of our own for ever; undefined for entries of other programs. */
export function identityOf(
  fields: readonly string[],
): { readonly epoch: string; readonly seq: number } | undefined {
  const epoch = fieldOf(fields, '_epoch') ?? '';
  const digits = fieldOf(fields, '_seq') ?? '';
  const seq = Number(digits);
  // Only what the counter writes: ` 7`, `7e0` or `07` would be second names of the same reading.
  const canonical = /^[1-9]\d*$/.test(digits) && Number.isSafeInteger(seq);
  return epoch !== '' && canonical ? { epoch, seq } : undefined;
}

/**
 * A loss as a recorded fact (contract, section 3). In a stream it is an entry with the field `_gap`
 * holding this as JSON; on the wire `_gap` is the object itself.
 */
export type Gap = GapOfOurs | GapOfOthers;

export interface GapOfOurs {
  readonly from_seq: number;
  readonly to_seq: number;
  readonly count: number;
  readonly reason: GapReason;
}

export interface GapOfOthers {
  readonly from_id: string;
  readonly to_id: string;
  readonly count: number;
  readonly reason: GapReason;
}

export type GapReason =
  /** The buffer was full of readings the destination had not taken. */
  | 'buffer_full'
  /** The destination cannot take a single reading of this size. */
  | 'too_large'
  /** The destination refuses this reading and takes others. */
  | 'refused'
  /** The sensor could not reach Redis for so long that its own memory was full. */
  | 'sensor_memory_full'
  /** Entries were removed from the stream by somebody else. */
  | 'removed';
