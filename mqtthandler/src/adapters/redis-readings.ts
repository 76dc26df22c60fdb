/** The stream of readings in Redis: plain reads on one connection, blocking ones on another. */
import { FIRST_ID, KEYS, Script, isReply } from '@holdfast/redis';
import type { Redis, StreamEntry } from '@holdfast/redis';
import { batchOf } from '../core/batch.ts';
import { READ_BYTES } from '../core/read-size.ts';
import type { Chunk, PackedBatch, Readings } from '../ports.ts';
import { RangeConnection } from './range-connection.ts';
import { RenderedBatches } from './rendered-batches.ts';
import type { Rendering } from './rendered-batches.ts';

/** A blocking read returns after this time without news; well below the command time-out. */
const BLOCK_MS = 5_000;

/**
 * A range whose entries are measured before they are handed out, as a JSON text: parsing thousands
 * of small replies is slower than cjson and JSON.parse, native code at both ends.
 *
 * Other programs may store entries of any size, and large ones may follow small ones at once: so the
 * steps begin small, and each entry is measured before it counts.
 * KEYS[1] stream
 * ARGV[1] start, [2] end, [3] entries, [4] '1' = newest first, [5] bytes
 * Returns { 1 if there is nothing more in the range, a JSON text if there are entries }
 */
const RANGE = `
local from, to, newest = ARGV[1], ARGV[2], ARGV[4] == '1'
local count, limit = tonumber(ARGV[3]), tonumber(ARGV[5])
local entries, bytes, step, full, exhausted = {}, 0, 4, count < 1, false
local function read(most)
  if newest then return redis.call('XREVRANGE', KEYS[1], to, from, 'COUNT', most) end
  return redis.call('XRANGE', KEYS[1], from, to, 'COUNT', most)
end
local function measure(entry)
  local fields, size = entry[2], 32
  for i = 1, #fields do size = size + #fields[i] + 3 end
  return size
end
local function take(found)
  for i = 1, #found do
    local size = measure(found[i])
    if #entries > 0 and bytes + size > limit then
      full, exhausted = true, false
      return
    end
    bytes, entries[#entries + 1] = bytes + size, found[i]
  end
  local last = found[#found][1]
  if newest then to = '(' .. last else from = '(' .. last end
end
-- Ends: a step takes an entry at least, or is the last.
while #entries < count and not full and not exhausted do
  local most = math.min(count - #entries, step)
  local found = read(most)
  exhausted = #found < most
  if #found > 0 then take(found) end
  step = math.min(4 * step, 64)
end
if #entries == 0 then return { exhausted and 1 or 0 } end
return { exhausted and 1 or 0, cjson.encode(entries) }
`;

const rangeScript = new Script(RANGE);

export class RedisReadings implements Readings {
  readonly #redis: Redis;
  readonly #blocking: Redis;
  readonly #batches: RenderedBatches | undefined;
  /** The blocking read under way. It cannot be called back, only waited for or left. */
  #pendingTail: { readonly after: string; readonly entries: Promise<StreamEntry[]> } | undefined;

  /** @param rendering without it `batch` leaves the rendering to others */
  constructor(redis: Redis, blocking: Redis, rendering?: Rendering) {
    this.#redis = redis;
    this.#blocking = blocking;
    if (rendering === undefined) return;
    this.#batches = new RenderedBatches(new RangeConnection(redis, READ_BYTES), rendering);
  }

  async range(after: string, upTo: string | null, count: number): Promise<StreamEntry[]> {
    const { entries } = await this.#read(`(${after}`, upTo ?? '+', count, false);
    return entries;
  }

  async chunk(after: string, upTo: string | null, count: number): Promise<Chunk> {
    const { entries, exhausted } = await this.#read(`(${after}`, upTo ?? '+', count, false);
    return { entries, exhausted };
  }

  async batch(after: string, upTo: string | null, count: number): Promise<PackedBatch> {
    const rendered = await this.#batches?.read(after, upTo, count);
    if (rendered !== undefined) return rendered;
    const { entries, exhausted, bytes } = await this.#read(`(${after}`, upTo ?? '+', count, false);
    this.#batches?.measured(upTo, entries.length, bytes);
    const unpack = () => batchOf(entries, exhausted);
    return { lastId: entries.at(-1)?.[0], exhausted, unpack };
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
  ): Promise<Chunk & { readonly entries: StreamEntry[]; readonly bytes: number }> {
    const args = [start, end, count, newestFirst ? 1 : 0, READ_BYTES];
    const reply = await rangeScript.run(this.#redis, [KEYS.values.key], args);
    const [exhausted, json = '[]'] = reply as [number, string?];
    const entries = JSON.parse(json) as StreamEntry[];
    return { entries, exhausted: exhausted === 1, bytes: json.length };
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
