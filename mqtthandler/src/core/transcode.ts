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
import type { Span } from './span.ts';

/** At least one reading as it goes out, `[{...},{...}]`, and what the lanes must know about them. */
export interface Rendered {
  readonly payload: Uint8Array;
  /** Where each object ends in the payload; the next begins one byte, the comma, after that. */
  readonly ends: readonly number[];
  readonly firstId: string;
  readonly lastId: string;
  /** Of the readings of ours; each stands for one number. */
  readonly spans: readonly Span[];
  /** Which of the readings are other programs', in order. */
  readonly others: readonly number[];
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
const ZERO = 0x30;

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
  /** Of the entry at hand; the epoch also of those before, while it is the same. */
  #epoch = '';
  #seq = 0;

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
    const ends: number[] = [];
    const spans: { epoch: string; from: number; to: number }[] = [];
    let span: { epoch: string; from: number; to: number } | undefined;
    const others: number[] = [];
    let [firstIdAt, lastIdAt] = [0, 0];
    while (source[this.#at] === OPEN) {
      lastIdAt = this.#at + 2;
      if (ends.length === 0) firstIdAt = lastIdAt;
      this.#put(ends.length === 0 ? OPEN : COMMA);
      if (!this.#entry()) return undefined;
      const epoch = this.#epoch;
      const seq = this.#seq;
      if (seq === 0 || epoch === '') others.push(ends.length);
      else if (span?.epoch === epoch && span.to + 1 === seq) span.to = seq;
      else spans.push((span = { epoch, from: seq, to: seq }));
      ends.push(this.#out);
      if (source[this.#at] === COMMA) this.#at += 1;
    }
    if (ends.length === 0) return undefined;
    this.#put(CLOSE);
    return {
      payload: target.subarray(0, this.#out),
      ends,
      firstId: this.#stringAt(firstIdAt),
      lastId: this.#stringAt(lastIdAt),
      spans,
      others,
    };
  }

  /** `["id",[...]]`; false when it is nothing for us. */
  #entry(): boolean {
    this.#at += 1;
    this.#put(OPEN_OBJECT);
    this.#putAll(ID);
    this.#copyString();
    this.#putAll(this.#device);
    let [hasEpoch, hasSeq] = [false, false];
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
      if (!hasEpoch && this.#is(nameAt, nameEnd, EPOCH)) {
        this.#readEpoch(valueAt);
        hasEpoch = true;
      } else if (!hasSeq && this.#is(nameAt, nameEnd, SEQ)) {
        this.#readSeq(valueAt);
        hasSeq = true;
      } else if (!PLAIN.some((name) => this.#is(nameAt, nameEnd, name))) {
        return false;
      }
    }
    if (!hasEpoch || !hasSeq) this.#seq = 0;
    this.#at += 2;
    this.#put(CLOSE_OBJECT);
    return true;
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

  /** 0 for what the counter does not write (`identityOf`): ` 7`, `7e0`, `07`, too large a number. */
  #readSeq(at: number): void {
    const end = this.#at - 1;
    let seq = this.#source[at] === ZERO ? Number.NaN : 0;
    for (let i = at; i < end; i += 1) {
      const digit = (this.#source[i] ?? 0) - ZERO;
      seq = digit >= 0 && digit <= 9 ? 10 * seq + digit : Number.NaN;
    }
    this.#seq = Number.isSafeInteger(seq) ? seq : 0;
  }

  #stringAt(at: number): string {
    return this.#source.toString('latin1', at, this.#source.indexOf(QUOTE, at));
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
