/** What the forwarder needs from the world. Each port has one adapter for real use. */
import type { Gap, StreamEntry } from '@holdfast/redis';
import type { StoredProgress } from './core/progress.ts';
import type { Batch } from './core/batch.ts';

/** How a published message fared. */
export type PublishOutcome =
  /** PUBACK: the destination has it. */
  | { readonly kind: 'acknowledged' }
  /** The destination will not take this message, whenever it is sent. */
  | { readonly kind: 'refused'; readonly code: string }
  /** Not now (quota, overload): try again later. */
  | { readonly kind: 'later'; readonly code: string }
  /** The session ended before an answer came: the destination may or may not have it. */
  | { readonly kind: 'lost' };

/** Why a session ended. */
export interface SessionEnd {
  /** Short and stable: `closed_by_peer`, `puback_timeout`, `keepalive_timeout`, `stopped`, ... */
  readonly reason: string;
  /** Further words for people. */
  readonly detail?: string;
  /** We ended it ourselves, to open the next one at once (a new token, another hub): no failure. */
  readonly planned?: boolean;
}

/** First and last stream id of what a message holds; names it the same whenever it is sent. */
export interface MessageIds {
  readonly firstId: string;
  readonly lastId: string;
}

/** UTF-8 JSON, as text or encoded. */
export type Payload = string | Uint8Array;

/** A connection that is up. */
export interface Session {
  /** Largest payload of one message. */
  readonly maxPayloadBytes: number;
  /** Messages that may be unacknowledged at a time. */
  readonly maxInFlight: number;
  /**
   * Sends one message, QoS 1; never rejects. Bytes belong to the session from then on: it may use
   * their memory again once they are acknowledged.
   */
  publish(payload: Payload, ids: MessageIds): Promise<PublishOutcome>;
  /** Resolves when the session has ended, for whatever reason. */
  readonly ended: Promise<SessionEnd>;
  /** Ends it: says goodbye when `graceful`, else drops the connection. Resolves when it has ended. */
  close(graceful: boolean): Promise<void>;
}

/** A place readings are sent to. */
export interface Destination {
  readonly name: string;
  /** Where, for logs and status: no secrets. */
  readonly address: string;
  /**
   * Opens a session. Rejects with TransientError (try again, `retryAfterMs` respected) or, when no
   * further attempt can succeed without a change of configuration, with an error whose `code` says
   * why; the caller tries again all the same, slowly: the other side may be mended.
   */
  connect(signal: AbortSignal): Promise<Session>;
  /** Rules of its own for when to connect; they replace the forwarder's waiting between attempts. */
  readonly attempts?: Attempts;
}

/** When a destination may be connected to. */
export interface Attempts {
  /** Resolves when the next attempt may be made, or `signal` aborts. */
  due(signal: AbortSignal): Promise<void>;
  /** Milliseconds until then; 0 when it may be made now, or when nobody knows. */
  readonly nextMs: number;
}

/** A part of a range. */
export interface Chunk {
  readonly entries: readonly StreamEntry[];
  /** The range holds nothing more. */
  readonly exhausted: boolean;
}

/** A batch as it was read. The next read can be begun before this one is unpacked. */
export interface PackedBatch {
  /**
   * The last id of it, to read ahead from; undefined when there is none. `unpack` has the true one: a
   * value that imitates an entry can make this one wrong.
   */
  readonly lastId: string | undefined;
  /** The range holds nothing more. */
  readonly exhausted: boolean;
  /** To be called once. */
  unpack(): Batch;
}

/** The stream of readings. All reads reject with Redis' or the connection's error. */
export interface Readings {
  /**
   * Entries after `after` up to `upTo` (null = to the end), oldest first, at most `count`, fewer when
   * they are large: memory is bounded whatever other programs store. One at least if there is any.
   */
  range(after: string, upTo: string | null, count: number): Promise<StreamEntry[]>;
  /** The same, and whether there are more; of no entries (`count` < 1) that is not known. */
  chunk(after: string, upTo: string | null, count: number): Promise<Chunk>;
  /** The same, rendered where that is quicker. */
  batch(after: string, upTo: string | null, count: number): Promise<PackedBatch>;
  /** The newest entries of `(after, upTo]`, at most `count`, fewer when large; oldest first. */
  newest(after: string, upTo: string, count: number): Promise<Chunk>;
  /** Waits for entries after `after`; empty after a few seconds without any, or on abort. */
  tail(after: string, count: number, signal: AbortSignal): Promise<StreamEntry[]>;
  /** Id of the newest entry there is; `0-0` for none. */
  lastId(): Promise<string>;
}

/** The destination's cursor, gap records and what it could not take. */
export interface Ledger {
  load(): Promise<{ [K in keyof StoredProgress]: string | null }>;
  /**
   * Stores progress, and gap records with it in one step, if `last_id` still reads `expected`;
   * false, and nothing done, when somebody else has set it.
   */
  save(
    expected: string | null,
    next: StoredProgress,
    gaps?: readonly GapRecord[],
  ): Promise<boolean>;
  /** Keeps an entry the destination cannot take, and its gap record, in one step. */
  putAside(entry: StreamEntry, gap: GapRecord): Promise<void>;
  /** Stores a gap record. */
  recordGap(gap: GapRecord): Promise<void>;
  /** Gap records not yet delivered, after `after`, oldest first. */
  gaps(after: string, count: number): Promise<StreamEntry[]>;
  /** Forgets delivered gap records. */
  deleteGaps(ids: readonly string[]): Promise<void>;
}

/** The buffer as a whole: what it holds and what may be taken out. */
export interface ReadingsBuffer {
  measure(): Promise<BufferSize>;
  /** Removes everything before `id`, which stays; returns how many entries went. */
  trimBefore(id: string): Promise<number>;
  /** Removes entries by id. */
  remove(ids: readonly string[]): Promise<void>;
  /** The first entry after `after`; undefined when there is none. */
  firstAfter(after: string): Promise<StreamEntry | undefined>;
}

export interface BufferSize {
  readonly entries: number;
  /** Memory of the stream, bytes; exact to a few per cent, whatever its entries are like. */
  readonly bytes: number;
  /** Entries ever added: its growth is the rate of production. */
  readonly added: number;
  readonly first: StreamEntry | undefined;
  readonly last: StreamEntry | undefined;
  /** Redis' own limit of memory; 0 = none. */
  readonly maxMemoryBytes: number;
  /** What counts towards it, without the clients' buffers, which come and go. */
  readonly usedMemoryBytes: number;
}

/** A gap and the life of the buffer its sequence numbers belong to; absent for other programs' entries. */
export interface GapRecord {
  readonly epoch: string | undefined;
  readonly gap: Gap;
}
