/** The stream of readings in Redis: plain reads on one connection, blocking ones on another. */
import { isUtf8 } from 'node:buffer';
import { FIRST_ID, KEYS, Script, isReply } from '@holdfast/redis';
import type { Redis, StreamEntry } from '@holdfast/redis';
import type { Rendered, Transcoder } from '../core/transcode.ts';
import type { Batch, Chunk, Readings } from '../ports.ts';
import type { PayloadPool } from './payload-pool.ts';

/** A blocking read returns after this time without news; well below the command time-out. */
const BLOCK_MS = 5_000;

/**
 * A range as one JSON text instead of thousands of small replies: parsing those is what bounds the
 * replay of a backlog in this process, while cjson and JSON.parse are native code at both ends.
 *
 * Other programs may store entries of any size: a few are read first, and only so many more as fit.
 * KEYS[1] stream   ARGV[1] start, [2] end, [3] count, [4] '1' = newest first, [5] bytes
 * Returns { 1 if there is nothing more in the range, the JSON text }
 */
const RANGE = `
local from, to, count, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local parts, bytes, n, want = {}, 0, 0, math.min(10, count)
local exhausted = 0
while want > 0 do
  local entries
  if ARGV[4] == '1' then
    entries = redis.call('XREVRANGE', KEYS[1], to, from, 'COUNT', want)
  else
    entries = redis.call('XRANGE', KEYS[1], from, to, 'COUNT', want)
  end
  if #entries > 0 then
    local json = cjson.encode(entries)
    parts[#parts + 1] = string.sub(json, 2, -2)
    bytes, n = bytes + #json, n + #entries
    local next = '(' .. entries[#entries][1]
    if ARGV[4] == '1' then to = next else from = next end
  end
  if #entries < want then exhausted = 1 break end
  want = math.min(count - n, math.floor(n * (limit - bytes) / bytes))
end
return { exhausted, '[' .. table.concat(parts, ',') .. ']' }
`;

/** Memory of one chunk, bytes of JSON; exceeded only by what the first ten entries take. */
const CHUNK_BYTES = 524_288;

const rangeScript = new Script(RANGE);

/** What renders readings while they are read. */
export interface Rendering {
  readonly transcoder: Transcoder;
  readonly payloads: PayloadPool;
}

export class RedisReadings implements Readings {
  readonly #rendering: Rendering | undefined;
  readonly #redis: Redis;
  readonly #blocking: Redis;
  /** The blocking read under way. It cannot be called back, only waited for or left. */
  #pendingTail: { readonly after: string; readonly entries: Promise<StreamEntry[]> } | undefined;

  /** @param rendering without it `batch` leaves the rendering to others */
  constructor(redis: Redis, blocking: Redis, rendering?: Rendering) {
    this.#rendering = rendering;
    this.#redis = redis;
    this.#blocking = blocking;
  }

  async range(after: string, upTo: string | null, count: number): Promise<StreamEntry[]> {
    const { entries } = await this.#read(`(${after}`, upTo ?? '+', count, false, Infinity);
    return entries;
  }

  async chunk(after: string, upTo: string | null, count: number): Promise<Chunk> {
    return await this.#read(`(${after}`, upTo ?? '+', count, false, CHUNK_BYTES);
  }

  async batch(after: string, upTo: string | null, count: number): Promise<Batch> {
    const args = [`(${after}`, upTo ?? '+', count, 0, CHUNK_BYTES];
    const reply = await rangeScript.runForBytes(this.#redis, [KEYS.values.key], args);
    const [exhausted, json] = reply as [number, Buffer];
    const rendered = this.#render(json, count);
    const entries = rendered?.entries ?? (JSON.parse(json.toString()) as StreamEntry[]);
    return { entries, exhausted: exhausted === 1, rendered };
  }

  async newest(after: string, upTo: string, count: number): Promise<Chunk> {
    const { entries, exhausted } = await this.#read(`(${after}`, upTo, count, true, CHUNK_BYTES);
    return { entries: entries.toReversed(), exhausted };
  }

  async tail(after: string, count: number, signal: AbortSignal): Promise<StreamEntry[]> {
    // A read left behind by an earlier caller waits for anything after an older id: whatever wakes
    // it up is news for us too, so it serves as our wake-up and is then asked again.
    if (this.#pendingTail !== undefined && this.#pendingTail.after !== after) {
      // It may wait for the end of the stream while the cursor was set back.
      const news = await this.range(after, null, count);
      if (news.length > 0) return signal.aborted ? [] : news;
    }
    const pending = (this.#pendingTail ??= this.#startTail(after, count));
    const entries = await orAborted(pending.entries, signal);
    return pending.after === after ? entries : [];
  }

  async lastId(): Promise<string> {
    try {
      // Not the newest entry: that one may have been removed.
      const info = (await this.#redis.xinfo('STREAM', KEYS.values.key)) as unknown[];
      return String(info[info.indexOf('last-generated-id') + 1]);
    } catch (error) {
      if (isReply(error, 'ERR')) return FIRST_ID; // "no such key": nothing was ever added
      throw error;
    }
  }

  async #read(
    start: string,
    end: string,
    count: number,
    newestFirst: boolean,
    bytes: number,
  ): Promise<Chunk & { entries: StreamEntry[] }> {
    const args = [start, end, count, newestFirst ? 1 : 0, Math.min(bytes, Number.MAX_SAFE_INTEGER)];
    const reply = await rangeScript.run(this.#redis, [KEYS.values.key], args);
    const [exhausted, json] = reply as [number, string];
    return { entries: JSON.parse(json) as StreamEntry[], exhausted: exhausted === 1 };
  }

  /** Undefined when it takes more than copying. */
  #render(json: Buffer, count: number): Rendered | undefined {
    if (this.#rendering === undefined || !isUtf8(json)) return undefined;
    const { transcoder, payloads } = this.#rendering;
    const memory = payloads.take(transcoder.targetBytes(json.length, count));
    const rendered = transcoder.run(json, memory);
    if (rendered === undefined) payloads.giveBack(memory);
    return rendered;
  }

  #startTail(after: string, count: number): { after: string; entries: Promise<StreamEntry[]> } {
    const entries = this.#readTail(after, count).finally(() => {
      this.#pendingTail = undefined;
    });
    // Whoever waits sees the error; if nobody does any more it does not matter.
    entries.catch(() => {});
    return { after, entries };
  }

  async #readTail(after: string, count: number): Promise<StreamEntry[]> {
    const reply = await this.#blocking.xread(
      'COUNT',
      count,
      'BLOCK',
      BLOCK_MS,
      'STREAMS',
      KEYS.values.key,
      after,
    );
    return reply?.[0]?.[1] ?? [];
  }
}

/** The promise's value, or an empty list as soon as `signal` aborts. */
async function orAborted(
  entries: Promise<StreamEntry[]>,
  signal: AbortSignal,
): Promise<StreamEntry[]> {
  if (signal.aborted) return [];
  let onAbort = () => {};
  const aborted = new Promise<StreamEntry[]>((resolve) => {
    onAbort = () => resolve([]);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([entries, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
