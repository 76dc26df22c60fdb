/** The stream of readings in Redis: plain reads on one connection, blocking ones on another. */
import { isUtf8 } from 'node:buffer';
import { FIRST_ID, KEYS, Script, isReply } from '@holdfast/redis';
import type { Redis, StreamEntry } from '@holdfast/redis';
import { batchOf, renderedBatch } from '../core/batch.ts';
import type { Batch } from '../core/batch.ts';
import type { Rendered, Transcoder } from '../core/transcode.ts';
import type { Chunk, PackedBatch, Readings } from '../ports.ts';
import type { PayloadPool } from './payload-pool.ts';

/** A blocking read returns after this time without news; well below the command time-out. */
const BLOCK_MS = 5_000;

/** Memory of one read, bytes: ids, names and values; exceeded only by a single entry. */
const READ_BYTES = 524_288;

/**
 * A range as JSON texts instead of thousands of small replies: parsing those is what bounds the
 * replay of a backlog in this process, while cjson and JSON.parse are native code at both ends.
 * Several texts to a call: waiting for one answer after the other would be the next bound.
 *
 * Other programs may store entries of any size, and large ones may follow small ones at once: so the
 * steps begin small, and each entry is measured before it counts.
 * KEYS[1] stream
 * ARGV[1] start, [2] end, [3] entries in a text, [4] '1' = newest first, [5] bytes, [6] texts
 * Returns { 1 if there is nothing more in the range, the last id, a JSON text, ... }
 */
const RANGE = `
local from, to, newest = ARGV[1], ARGV[2], ARGV[4] == '1'
local count, limit, texts = tonumber(ARGV[3]), tonumber(ARGV[5]), tonumber(ARGV[6])
local reply, bytes, n, step, full, exhausted = { 0, '' }, 0, 0, 4, count < 1, false
local function read(most)
  if newest then return redis.call('XREVRANGE', KEYS[1], to, from, 'COUNT', most) end
  return redis.call('XRANGE', KEYS[1], from, to, 'COUNT', most)
end
local function measure(entry)
  local fields, size = entry[2], 32
  for i = 1, #fields do size = size + #fields[i] + 3 end
  return size
end
local function take(found, entries)
  for i = 1, #found do
    local size = measure(found[i])
    if n > 0 and bytes + size > limit then
      full, exhausted = true, false
      return
    end
    bytes, n, entries[#entries + 1] = bytes + size, n + 1, found[i]
  end
  local last = found[#found][1]
  if newest then to = '(' .. last else from = '(' .. last end
end
for text = 1, texts do
  -- Only the first text may be short of entries while there are more, unless larger ones follow.
  if full or exhausted or (text > 1 and n * (limit - bytes) < count * bytes) then break end
  local entries = {}
  -- Ends: a step takes an entry at least, or is the last.
  while #entries < count and not full and not exhausted do
    local most = math.min(count - #entries, step)
    local found = read(most)
    exhausted = #found < most
    if #found > 0 then take(found, entries) end
    step = math.min(4 * step, 64)
  end
  if #entries > 0 then
    reply[2] = entries[#entries][1]
    reply[#reply + 1] = cjson.encode(entries)
  end
end
if exhausted then reply[1] = 1 end
return reply
`;

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
    const { entries } = await this.#read(`(${after}`, upTo ?? '+', count, false);
    return entries;
  }

  async chunk(after: string, upTo: string | null, count: number): Promise<Chunk> {
    return await this.#read(`(${after}`, upTo ?? '+', count, false);
  }

  async batch(
    after: string,
    upTo: string | null,
    count: number,
    messages: number,
  ): Promise<PackedBatch> {
    const args = [`(${after}`, upTo ?? '+', count, 0, READ_BYTES, messages];
    const reply = await rangeScript.runForBytes(this.#redis, [KEYS.values.key], args);
    const [exhausted, lastId, ...texts] = reply as [number, Buffer, ...Buffer[]];
    return {
      lastId: texts.length === 0 ? undefined : lastId.toString(),
      exhausted: exhausted === 1,
      unpack: () => this.#unpack(texts, count, exhausted === 1),
    };
  }

  async newest(after: string, upTo: string, count: number): Promise<Chunk> {
    const { entries, exhausted } = await this.#read(`(${after}`, upTo, count, true);
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
  ): Promise<Chunk & { entries: StreamEntry[] }> {
    const args = [start, end, count, newestFirst ? 1 : 0, READ_BYTES, 1];
    const reply = await rangeScript.run(this.#redis, [KEYS.values.key], args);
    const [exhausted, , json = '[]'] = reply as [number, string, string?];
    return { entries: JSON.parse(json) as StreamEntry[], exhausted: exhausted === 1 };
  }

  #unpack(texts: readonly Buffer[], count: number, exhausted: boolean): Batch {
    const rendered = this.#render(texts, count);
    if (rendered !== undefined) return renderedBatch(rendered, exhausted);
    const entries = texts.flatMap((json) => JSON.parse(json.toString()) as StreamEntry[]);
    return batchOf(entries, exhausted);
  }

  /** Undefined when one of the texts takes more than copying. */
  #render(texts: readonly Buffer[], count: number): Rendered[] | undefined {
    if (this.#rendering === undefined || !texts.every((json) => isUtf8(json))) return undefined;
    const { transcoder, payloads } = this.#rendering;
    const messages: Rendered[] = [];
    for (const json of texts) {
      const memory = payloads.take(transcoder.targetBytes(json.length, count));
      const rendered = transcoder.run(json, memory);
      if (rendered === undefined) {
        for (const { payload } of [...messages, { payload: memory }]) payloads.giveBack(payload);
        return undefined;
      }
      messages.push(rendered);
    }
    return messages;
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
