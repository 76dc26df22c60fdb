/**
 * Turns a range of the stream, as Redis sends it, into readings on the wire without making a string
 * or an object of each field: that is what bounds the replay of a backlog.
 *
 *   *1 *2 $3 5-0 *6 $6 _epoch $1 e $4 _seq $1 7 $1 t $4 21.5      (a line each)
 *   [{"_id":"5-0","_device_uuid":...,"_epoch":"e","_seq":"7","t":"21.5"}]
 *
 * Only what needs no judgement is turned: nothing to escape, valid UTF-8, no administrative field but
 * the ones a sensor writes. Everything else is left to `MessagePacker`, whose bytes these are to the
 * last.
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
const CLOSE = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const UNDERSCORE = 0x5f;
const ZERO = 0x30;
const CR = 0x0d;

/** What stands in JSON as it is: no control character, quote or backslash (RFC 8259, section 7). */
const ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === 0x22 || byte === 0x5c ? 1 : 0,
);

const EPOCH = bytesOf('_epoch');
const SEQ = bytesOf('_seq');
/** Administrative fields that are copied like any other. */
const PLAIN = ['_sensor', '_boot', '_uptime_ms', '_quality'].map(bytesOf);

const ID = bytesOf('"_id":');

/** What a reading grows by at most, beside the device members: `{"_id":}` and a comma. */
const GROWTH_BYTES = 16;

export class Transcoder {
  /** `,"_device_uuid":...` */
  readonly #device: Uint8Array;
  #source: Buffer = Buffer.alloc(0);
  #target: Uint8Array = new Uint8Array();
  #at = 0;
  #out = 0;
  /** Not 0 once something copied would have had to be escaped. */
  #escaped = 0;
  /** Where the bytes of the last string copied begin and end in the source; also those of the id. */
  #from = 0;
  #to = 0;
  #idFrom = 0;
  #idTo = 0;
  /** Of the entry at hand; the epoch also of those before, while it is the same. */
  #epoch = '';
  #epochBytes: Uint8Array = new Uint8Array();
  #seq = 0;

  /** @param device the members of the device as JSON, without braces */
  constructor(device: string) {
    this.#device = bytesOf(`,${device}`);
  }

  /** Memory that `entries` entries in `sourceBytes` bytes need at most. */
  targetBytes(sourceBytes: number, entries: number): number {
    return sourceBytes + entries * (this.#device.length + GROWTH_BYTES) + GROWTH_BYTES;
  }

  /**
   * @param source Redis' reply, whole and valid UTF-8
   * @param target at least `targetBytes` long; the payload is a part of it
   * @returns undefined when there is something in it that `MessagePacker` must judge
   */
  run(source: Buffer, target: Uint8Array): Rendered | undefined {
    this.#source = source;
    this.#target = target;
    this.#at = 0;
    this.#out = 0;
    this.#escaped = 0;
    const ends: number[] = [];
    const spans: { epoch: string; from: number; to: number }[] = [];
    let span: { epoch: string; from: number; to: number } | undefined;
    const others: number[] = [];
    let firstId = '';
    for (let left = this.#length(); left > 0; left -= 1) {
      this.#put(ends.length === 0 ? OPEN : COMMA);
      if (!this.#entry() || this.#escaped !== 0) return undefined;
      if (ends.length === 0) firstId = this.#id();
      const epoch = this.#epoch;
      const seq = this.#seq;
      if (seq === 0 || epoch === '') others.push(ends.length);
      else if (span?.epoch === epoch && span.to + 1 === seq) span.to = seq;
      else spans.push((span = { epoch, from: seq, to: seq }));
      ends.push(this.#out);
    }
    if (ends.length === 0) return undefined;
    this.#put(CLOSE);
    const payload = target.subarray(0, this.#out);
    return { payload, ends, firstId, lastId: this.#id(), spans, others };
  }

  /** Of the entry at hand. */
  #id(): string {
    return this.#source.toString('latin1', this.#idFrom, this.#idTo);
  }

  /** `*2`, the id, and the fields; false when it is nothing for us. */
  #entry(): boolean {
    this.#length();
    this.#put(OPEN_OBJECT);
    this.#putAll(ID);
    this.#copyString();
    [this.#idFrom, this.#idTo] = [this.#from, this.#to];
    this.#putAll(this.#device);
    let [hasEpoch, hasSeq] = [false, false];
    for (let fields = this.#length(); fields > 0; fields -= 2) {
      this.#put(COMMA);
      this.#copyString();
      const nameFrom = this.#from;
      const nameTo = this.#to;
      this.#put(COLON);
      this.#copyString();
      if (this.#source[nameFrom] !== UNDERSCORE || nameTo === nameFrom) continue;
      if (!hasEpoch && this.#is(nameFrom, nameTo, EPOCH)) {
        this.#readEpoch();
        hasEpoch = true;
      } else if (!hasSeq && this.#is(nameFrom, nameTo, SEQ)) {
        this.#readSeq();
        hasSeq = true;
      } else if (!PLAIN.some((name) => this.#is(nameFrom, nameTo, name))) {
        return false;
      }
    }
    if (!hasEpoch || !hasSeq) this.#seq = 0;
    this.#put(CLOSE_OBJECT);
    return true;
  }

  /** The number of a header, `*12` or `$12`; behind it afterwards. */
  #length(): number {
    const source = this.#source;
    let at = this.#at + 1;
    let length = 0;
    for (let byte = source[at] ?? CR; byte !== CR; byte = source[at] ?? CR) {
      length = 10 * length + byte - ZERO;
      at += 1;
    }
    this.#at = at + 2;
    return length;
  }

  /** Copies a string and puts it in quotes. */
  #copyString(): void {
    const length = this.#length();
    const source = this.#source;
    const target = this.#target;
    let at = this.#at;
    const to = at + length;
    this.#from = at;
    this.#to = to;
    let out = this.#out;
    let escaped = 0;
    target[out] = QUOTE;
    for (out += 1; at < to; at += 1, out += 1) {
      const byte = source[at] ?? 0;
      escaped |= ESCAPED[byte] ?? 1;
      target[out] = byte;
    }
    target[out] = QUOTE;
    this.#escaped |= escaped;
    this.#at = to + 2;
    this.#out = out + 1;
  }

  /** Mostly the one of the entry before: then no string is made. */
  #readEpoch(): void {
    if (this.#is(this.#from, this.#to, this.#epochBytes)) return;
    this.#epochBytes = Uint8Array.from(this.#source.subarray(this.#from, this.#to));
    this.#epoch = this.#source.toString('utf8', this.#from, this.#to);
  }

  /** 0 for what the counter does not write (`identityOf`): ` 7`, `7e0`, `07`, too large a number. */
  #readSeq(): void {
    let seq = this.#source[this.#from] === ZERO ? Number.NaN : 0;
    for (let i = this.#from; i < this.#to; i += 1) {
      const digit = (this.#source[i] ?? 0) - ZERO;
      seq = digit >= 0 && digit <= 9 ? 10 * seq + digit : Number.NaN;
    }
    this.#seq = Number.isSafeInteger(seq) ? seq : 0;
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
