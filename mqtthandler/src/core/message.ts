/**
 * Readings on the wire (contract, section 3): a UTF-8 JSON list of objects, one per entry: `_id`,
 * the device members, then the entry's fields as strings exactly as stored. The one exception is
 * `_gap`, which is an object.
 *
 * The JSON is put together by hand: most values need no escaping, and JSON.stringify of an object
 * made for each entry costs three times as much, which is what bounds replay.
 */
import type { StreamEntry } from '@holdfast/redis';
import { isGapJson } from './gap-json.ts';
import { edgesOf, sliceSpans, spanOf } from './span.ts';
import type { Edges, Span } from './span.ts';
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
  /** Of the readings of ours in it. */
  readonly edges: Edges | undefined;
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
    let spans: Span[] = [];
    let bytes = 0;
    let first: StreamEntry | undefined;
    let last: StreamEntry | undefined;
    const flush = () => {
      if (first === undefined || last === undefined) return;
      const payload = `[${parts.join(',')}]`;
      const [firstId, lastId, edges] = [first[0], last[0], edgesOf(spans)];
      const count = parts.length;
      messages.push({ payload, bytes: bytes + 1, count, firstId, lastId, edges });
      parts = [];
      spans = [];
      bytes = 0;
      first = undefined;
    };
    for (const entry of entries) {
      const json = this.render(entry);
      // Each part costs a comma or the opening bracket; the closing one is added in flush.
      const size = Buffer.byteLength(json) + 1;
      if (parts.length >= limits.maxReadings || bytes + size + 1 > limits.maxBytes) flush();
      first ??= entry;
      parts.push(json);
      const span = spanOf(entry[1]);
      if (span !== undefined) spans.push(span);
      bytes += size;
      last = entry;
    }
    flush();
    return messages;
  }

  /** As `pack`, of readings rendered already. */
  packRendered(rendered: Rendered, limits: PackLimits): Message[] {
    const { payload, ends, firstId, lastId, spans, others } = rendered;
    const total = ends.length;
    if (total <= limits.maxReadings && payload.length <= limits.maxBytes) {
      const edges = edgesOf(spans);
      return [{ payload, bytes: payload.length, count: total, firstId, lastId, edges }];
    }
    const messages: Message[] = [];
    let first = 0;
    const startOf = (index: number) => (index === 0 ? 0 : (ends[index - 1] ?? 0));
    const oursBefore = (index: number) => index - others.filter((other) => other < index).length;
    const flush = (next: number) => {
      const end = (ends[next - 1] ?? 0) + 1;
      const part = asList(new Uint8Array(payload.subarray(startOf(first), end)));
      const named = (index: number) => idOf(payload.subarray(startOf(index) + 1, ends[index]));
      messages.push({
        payload: part,
        bytes: part.length,
        count: next - first,
        firstId: named(first),
        lastId: named(next - 1),
        edges: edgesOf(sliceSpans(spans, oursBefore(first), oursBefore(next))),
      });
      first = next;
    };
    for (const [i, end] of ends.entries()) {
      const bytes = end + 1 - startOf(first);
      if (i > first && (i - first >= limits.maxReadings || bytes > limits.maxBytes)) flush(i);
    }
    flush(total);
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

/** The id of a rendered reading. */
function idOf(json: Uint8Array): string {
  const { _id: id = '' } = JSON.parse(Buffer.from(json).toString()) as Record<string, string>;
  return id;
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
