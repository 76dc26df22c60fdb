/**
 * Turns a range of the stream, as Redis' cjson writes it, into readings on the wire without making
 * a string or an object of each field: that is what bounds the replay of a backlog.
 *
 *   [["5-0",["_epoch","e","_seq","7","t","21.5"]],...]
 *   [{"_id":"5-0","_device_uuid":...,"_epoch":"e","_seq":"7","t":"21.5"},...]
 *
 * Only what needs no judgement is turned: no escapes, valid UTF-8, no administrative field but the
 * ones a sensor writes. Everything else is left to `MessagePacker`, whose bytes these are to the last.
 */
import type { StreamEntry } from '@holdfast/redis';

/** Readings as they go out, `[{...},{...}]`, and what the lanes must know about them. */
export interface Rendered {
  /** The id of each entry, and of its fields those that say which reading of ours it is. */
  readonly entries: readonly StreamEntry[];
  readonly payload: Uint8Array;
  /** Where each object ends in the payload; the next begins one byte, the comma, after that. */
  readonly ends: readonly number[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const UNDERSCORE = 0x5f;

const EPOCH = bytesOf('_epoch');
const SEQ = bytesOf('_seq');
/** Administrative fields that are copied like any other. */
const PLAIN = ['_sensor', '_boot', '_uptime_ms', '_quality'].map(bytesOf);

const ID = bytesOf('"_id":');

/** What a reading grows by at most, beside the device members: `{"_id":` for `[`, and a comma. */
const GROWTH_BYTES = 16;

export class Transcoder {
  /** `,"_device_uuid":...` */
  readonly #device: Uint8Array;
  #source: Buffer = Buffer.alloc(0);
  #target: Uint8Array = new Uint8Array();
  #at = 0;
  #out = 0;
  #epoch = '';
  #seq = '';

  /** @param device the members of the device as JSON, without braces */
  constructor(device: string) {
    this.#device = bytesOf(`,${device}`);
  }

  /** Memory that `run` needs for a range of `entries` entries in `sourceBytes` bytes. */
  targetBytes(sourceBytes: number, entries: number): number {
    return sourceBytes + entries * (this.#device.length + GROWTH_BYTES) + GROWTH_BYTES;
  }

  /**
   * @param source cjson's text, valid UTF-8
   * @param target at least `targetBytes` long; the payload is a part of it
   * @returns undefined when there is something in it that `MessagePacker` must judge
   */
  run(source: Buffer, target: Uint8Array): Rendered | undefined {
    if (source.includes(BACKSLASH)) return undefined;
    this.#source = source;
    this.#target = target;
    this.#at = 1;
    this.#out = 0;
    const entries: StreamEntry[] = [];
    const ends: number[] = [];
    while (source[this.#at] === OPEN) {
      this.#put(entries.length === 0 ? OPEN : COMMA);
      const entry = this.#entry();
      if (entry === undefined) return undefined;
      entries.push(entry);
      ends.push(this.#out);
      if (source[this.#at] === COMMA) this.#at += 1;
    }
    if (entries.length === 0) return undefined;
    this.#put(CLOSE);
    return { entries, ends, payload: target.subarray(0, this.#out) };
  }

  /** `["id",[...]]` */
  #entry(): StreamEntry | undefined {
    this.#at += 1;
    this.#put(OPEN_OBJECT);
    this.#putAll(ID);
    const idAt = this.#at + 1;
    this.#copyString();
    const id = this.#source.toString('latin1', idAt, this.#at - 1);
    this.#putAll(this.#device);
    this.#seq = '';
    let isOurs = false;
    // The comma and the bracket before the fields; then the comma before each further one.
    this.#at += 1;
    while (this.#source[this.#at] !== CLOSE) {
      this.#at += 1;
      this.#put(COMMA);
      const nameAt = this.#at + 1;
      this.#copyString();
      const nameEnd = this.#at - 1;
      this.#at += 1;
      this.#put(COLON);
      const valueAt = this.#at + 1;
      this.#copyString();
      if (this.#source[nameAt] !== UNDERSCORE) continue;
      if (this.#is(nameAt, nameEnd, EPOCH)) {
        this.#readEpoch(valueAt);
        isOurs = true;
      } else if (this.#is(nameAt, nameEnd, SEQ)) {
        this.#seq = this.#source.toString('latin1', valueAt, this.#at - 1);
      } else if (!PLAIN.some((name) => this.#is(nameAt, nameEnd, name))) {
        return undefined;
      }
    }
    this.#at += 2;
    this.#put(CLOSE_OBJECT);
    return [id, isOurs && this.#seq !== '' ? ['_epoch', this.#epoch, '_seq', this.#seq] : []];
  }

  /** Copies a string with its quotes. */
  #copyString(): void {
    const source = this.#source;
    const target = this.#target;
    let at = this.#at;
    let out = this.#out;
    let byte: number | undefined = QUOTE;
    do {
      target[out] = byte;
      at += 1;
      out += 1;
      byte = source[at];
    } while (byte !== undefined && byte !== QUOTE);
    target[out] = QUOTE;
    this.#at = at + 1;
    this.#out = out + 1;
  }

  /** Mostly the one of the entry before: then no string is made. */
  #readEpoch(at: number): void {
    const end = this.#at - 1;
    const known = this.#epoch;
    let same = known.length === end - at;
    for (let i = 0; same && i < known.length; i += 1) {
      same = known.charCodeAt(i) === this.#source[at + i];
    }
    if (!same) this.#epoch = this.#source.toString('utf8', at, end);
  }

  #is(from: number, to: number, name: Uint8Array): boolean {
    if (to - from !== name.length) return false;
    for (let i = 0; i < name.length; i += 1) {
      if (this.#source[from + i] !== name[i]) return false;
    }
    return true;
  }

  #put(byte: number): void {
    this.#target[this.#out] = byte;
    this.#out += 1;
  }

  #putAll(bytes: Uint8Array): void {
    this.#target.set(bytes, this.#out);
    this.#out += bytes.length;
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
