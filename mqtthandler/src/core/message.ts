/**
 * Readings on the wire (contract, section 3): a UTF-8 JSON list of objects, one per entry: `_id`,
 * the device members, then the entry's fields as strings exactly as stored. The one exception is
 * `_gap`, which is an object.
 *
 * The JSON is put together by hand: most values need no escaping, and JSON.stringify of an object
 * made for each entry costs three times as much, which is what bounds replay.
 */
import type { Gap, StreamEntry } from '@holdfast/redis';
import type { Rendered } from './transcode.ts';

export interface Device {
  readonly uuid: string;
  readonly type: string;
  readonly appId: string;
  readonly appName: string;
}

export interface Message {
  /** UTF-8 JSON list, as text or encoded. */
  readonly payload: string | Uint8Array;
  readonly bytes: number;
  /** Readings in it. */
  readonly count: number;
  /** Ids of the first and the last of them. */
  readonly firstId: string;
  readonly lastId: string;
}

export interface PackLimits {
  readonly maxBytes: number;
  readonly maxReadings: number;
}

/** Members we write ourselves; a foreign field of that name would forge the sender. */
const RESERVED = new Set(['_id', '_device_uuid', '_device_type', '_app_id', '_app_name']);

/** Quote, backslash, control characters, and surrogates, which may stand alone. */
// oxlint-disable-next-line no-control-regex -- these are the characters JSON must escape (RFC 8259, 7)
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** Field names seen, as `,"name":`; emptied when other programs invent too many. */
const MAX_CACHED_NAMES = 1_000;

export class MessagePacker {
  readonly #device: string;
  readonly #names = new Map<string, string>();

  constructor(device: Device) {
    this.#device = deviceMembers(device);
  }

  /** One entry as JSON. */
  render(entry: StreamEntry): string {
    const [id, fields] = entry;
    let json = `{"_id":"${id}",${this.#device}`;
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = fields[i] ?? '';
      const value = fields[i + 1] ?? '';
      if (name.startsWith('_')) {
        if (RESERVED.has(name)) continue;
        if (name === '_gap') {
          json += `,"_gap":${isGapJson(value) ? value : quote(value)}`;
          continue;
        }
      }
      json += this.#name(name) + quote(value);
    }
    return `${json}}`;
  }

  /**
   * Packs entries into messages within the limits, in order. An entry that alone is too large comes
   * out as a message of its own whose `bytes` exceed `maxBytes`: the caller puts it aside.
   */
  pack(entries: readonly StreamEntry[], limits: PackLimits): Message[] {
    const messages: Message[] = [];
    let parts: string[] = [];
    let bytes = 0;
    let firstId = '';
    let lastId = '';
    const flush = () => {
      if (parts.length === 0) return;
      const payload = `[${parts.join(',')}]`;
      messages.push({ payload, bytes: bytes + 1, count: parts.length, firstId, lastId });
      parts = [];
      bytes = 0;
    };
    for (const entry of entries) {
      const json = this.render(entry);
      // Each part costs a comma or the opening bracket; the closing one is added in flush.
      const size = Buffer.byteLength(json) + 1;
      if (parts.length >= limits.maxReadings || bytes + size + 1 > limits.maxBytes) flush();
      if (parts.length === 0) firstId = entry[0];
      parts.push(json);
      bytes += size;
      lastId = entry[0];
    }
    flush();
    return messages;
  }

  /** As `pack`, of readings rendered already. */
  packRendered({ entries, payload, ends }: Rendered, limits: PackLimits): Message[] {
    const messages: Message[] = [];
    let first = 0;
    const flush = (next: number) => {
      const from = first === 0 ? 0 : (ends[first - 1] ?? 0);
      const bytes = (ends[next - 1] ?? 0) + 1 - from;
      const [firstId, lastId] = [entries[first]?.[0] ?? '', entries[next - 1]?.[0] ?? ''];
      const whole = bytes === payload.length;
      const part = whole ? payload : asList(new Uint8Array(payload.subarray(from, from + bytes)));
      messages.push({ payload: part, bytes, count: next - first, firstId, lastId });
      first = next;
    };
    for (let i = 0; i < entries.length; i += 1) {
      const from = first === 0 ? 0 : (ends[first - 1] ?? 0);
      const bytes = (ends[i] ?? 0) + 1 - from;
      if (i > first && (i - first >= limits.maxReadings || bytes > limits.maxBytes)) flush(i);
    }
    if (first < entries.length) flush(entries.length);
    return messages;
  }

  #name(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#names.size >= MAX_CACHED_NAMES) this.#names.clear();
    const rendered = `,${JSON.stringify(name)}:`;
    this.#names.set(name, rendered);
    return rendered;
  }
}

/** The device members as JSON, without braces. */
export function deviceMembers({ uuid, type, appId, appName }: Device): string {
  const members = { _device_uuid: uuid, _device_type: type, _app_id: appId, _app_name: appName };
  return JSON.stringify(members).slice(1, -1);
}

/** `,{...},{...},` or with an end of the list already there: as a list. */
function asList(bytes: Uint8Array): Uint8Array {
  bytes[0] = 0x5b;
  bytes[bytes.length - 1] = 0x5d;
  return bytes;
}

function quote(value: string): string {
  return NEEDS_ESCAPE.test(value) ? JSON.stringify(value) : `"${value}"`;
}

/** Whether a field's text is a gap record of ours, and not somebody else's idea of `_gap`. */
export function isGapJson(text: string): boolean {
  return parseGap(text) !== undefined;
}

/** Reads a gap record; undefined when it is none. */
export function parseGap(text: string): Gap | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const gap = value as Record<string, unknown>;
  const [count, from, to] = [gap['count'], gap['from_seq'], gap['to_seq']];
  if (!isCount(count) || typeof gap['reason'] !== 'string') return undefined;
  const bySeq = isCount(from) && isCount(to) && from <= to;
  const byId = typeof gap['from_id'] === 'string' && typeof gap['to_id'] === 'string';
  return bySeq || byId ? (value as Gap) : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}
