/**
 * Appending a reading: one atomic step gives `_seq` and stores the entry (contract, section 2).
 *
 * - `_epoch` is the identity of this life of the buffer. The first append after a restart of Redis
 *   (another `run_id`), or after its data was wiped, begins a new one; `_seq` starts again at 1. Its
 *   first reading names the last entry that survived from the life before, as `_previous_epoch` and
 *   `_previous_seq`: the receiver can tell what is missing between the two lives. The newest 10,000
 *   entries are searched for it, once per life; what only looks like an entry of ours is passed over.
 * - The counter lives in memory only (it is not written to the append-only file): an epoch never
 *   outlives the Redis process, so nothing of it need survive, and the card is spared a write.
 * - An append whose answer was lost is repeated with `retry`: the script then looks among the newest
 *   entries for the same (`_sensor`, `_boot`, `_uptime_ms`) and does not store it twice. The readings of
 *   a sensor stand in order: an older one ends the search.
 * - `skipped` readings that could not be kept in memory get their sequence numbers too, and a gap
 *   record in the stream: a loss is a recorded fact.
 * - What a killed Redis had answered for and lost is put back under its old number (`restore.ts`).
 */
import { randomBytes } from 'node:crypto';
import { systemClock } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import type { Redis } from './connection.ts';
import { KEYS } from './keys.ts';
import { RecentReadings } from './restore.ts';
import { Script } from './script.ts';

/** How many of the newest entries are searched for an append that may have been carried out. */
const RETRY_SEARCH_ENTRIES = 2_000;

/**
 * KEYS[1] stream `measurement:values`   KEYS[2] hash `measurement:sequence`
 * ARGV[1] run_id of this Redis, [2] epoch to use if a new one begins, [3] entries to search on a
 * retry (0 = no retry), [4] readings skipped before this one, [5] reason of the skip,
 * [6...] names and values of the entry; the first three pairs are _sensor, _boot, _uptime_ms
 * Returns { id, epoch, seq }.
 */
const APPEND = `
local stream, hash = KEYS[1], KEYS[2]
local depth, skipped = tonumber(ARGV[3]), tonumber(ARGV[4])
local function field(entry, name)
  for i = 1, #entry[2], 2 do if entry[2][i] == name then return entry[2][i + 1] end end
  return ''
end
local function last_seq(entry)
  local seq = field(entry, '_seq')
  local ok, gap = pcall(cjson.decode, field(entry, '_gap'))
  if ok and type(gap) == 'table' and type(gap.to_seq) == 'number' then
    seq = string.format('%d', gap.to_seq)
  end
  return string.match(seq, '^[1-9]%d*$')
end
local function survivor()
  local newest = '+'
  for _ = 1, 20 do
    local page = redis.call('XREVRANGE', stream, newest, '-', 'COUNT', 500)
    for _, e in ipairs(page) do
      if field(e, '_epoch') ~= '' and last_seq(e) then return e end
    end
    if #page == 0 then return nil end
    newest = '(' .. page[#page][1]
  end
end
if depth > 0 then
  local newest, older = '+', false
  while depth > 0 and not older do
    local page = redis.call('XREVRANGE', stream, newest, '-', 'COUNT', math.min(50, depth))
    for _, e in ipairs(page) do
      if field(e, '_sensor') == ARGV[7] and field(e, '_boot') == ARGV[9] then
        local uptime, seq = field(e, '_uptime_ms'), tonumber(field(e, '_seq'))
        if uptime == ARGV[11] and seq then return { e[1], field(e, '_epoch'), seq } end
        older = (tonumber(uptime) or math.huge) < tonumber(ARGV[11])
        if older then break end
      end
    end
    if #page == 0 then break end
    depth, newest = depth - #page, '(' .. page[#page][1]
  end
end
local state = redis.call('HMGET', hash, 'run_id', 'epoch', 'seq')
local epoch, seq, previous = state[2], tonumber(state[3]), nil
if state[1] ~= ARGV[1] or not epoch or not seq then
  epoch, seq, previous = ARGV[2], 0, survivor()
end
if skipped > 0 then
  local from = seq + 1
  seq = seq + skipped
  redis.call('XADD', stream, '*', '_epoch', epoch, '_gap', string.format(
    '{"from_seq":%d,"to_seq":%d,"count":%d,"reason":"%s"}', from, seq, skipped, ARGV[5]))
end
seq = seq + 1
local entry = { '_epoch', epoch, '_seq', string.format('%d', seq) }
if previous then
  entry[#entry + 1] = '_previous_epoch'
  entry[#entry + 1] = field(previous, '_epoch')
  entry[#entry + 1] = '_previous_seq'
  entry[#entry + 1] = last_seq(previous)
end
for i = 6, #ARGV do entry[#entry + 1] = ARGV[i] end
local id = redis.call('XADD', stream, '*', unpack(entry))
redis.set_repl(redis.REPL_NONE)
redis.call('HSET', hash, 'run_id', ARGV[1], 'epoch', epoch, 'seq', string.format('%d', seq))
return { id, epoch, seq }
`;

export interface Appended {
  /** Stream id. */
  readonly id: string;
  readonly epoch: string;
  readonly seq: number;
}

export interface AppendOptions {
  /** An earlier attempt to append this very reading may have been carried out. */
  readonly retry: boolean;
  /**
   * Readings lost since the last append because memory was full; with `retry` the same number as in
   * the attempt before, which may have recorded them already.
   */
  readonly skipped: number;
}

const script = new Script(APPEND);
const SKIPPED_REASON = 'sensor_memory_full';

/** Appends readings over one connection. */
export class Appender {
  readonly #redis: Redis;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #recent = new RecentReadings();
  /** `run_id` of the Redis at the other end, asked after each connect; undefined before. */
  #prepared: Promise<string> | undefined;
  /** The Redis that has stored the newest reading. */
  #lastRunId: string | undefined;

  constructor(redis: Redis, clock: Pick<Clock, 'monotonicMs'> = systemClock) {
    this.#redis = redis;
    this.#clock = clock;
    redis.on('close', () => {
      this.#recent.broken(clock.monotonicMs());
      this.#prepared = undefined;
    });
  }

  /**
   * Stores one reading, given as `readingFields` makes it. Rejects with Redis' reply (`OOM` when its
   * memory limit is reached) or a connection error; after the latter it is unknown whether the
   * reading was stored: call again with `retry`.
   */
  async append(fields: readonly string[], options: AppendOptions): Promise<Appended> {
    const reply = await script.run(
      this.#redis,
      [KEYS.values.key, KEYS.sequence.key],
      [
        await this.prepare(),
        randomBytes(6).toString('hex'),
        options.retry ? RETRY_SEARCH_ENTRIES : 0,
        options.skipped,
        SKIPPED_REASON,
        ...fields,
      ],
    );
    const [id, epoch, seq] = reply as [string, string, number];
    const { skipped } = options;
    this.#recent.add({ epoch, seq, skipped, fields }, this.#clock.monotonicMs());
    return { id, epoch, seq };
  }

  /**
   * To be called after each connect, and by `append` if it was not: puts back readings that a Redis
   * which was killed has lost (`restore.ts`). Returns its `run_id`; rejects as Redis does.
   */
  async prepare(): Promise<string> {
    const preparing = (this.#prepared ??= this.#prepare());
    try {
      return await preparing;
    } catch (error) {
      if (this.#prepared === preparing) this.#prepared = undefined;
      throw error;
    }
  }

  async #prepare(): Promise<string> {
    const runId = await readRunId(this.#redis);
    const restarted = this.#lastRunId !== undefined && this.#lastRunId !== runId;
    if (restarted) await this.#recent.restore(this.#redis, SKIPPED_REASON, this.#clock);
    this.#lastRunId = runId;
    return runId;
  }
}

async function readRunId(redis: Redis): Promise<string> {
  const info = await redis.info('server');
  const match = /^run_id:(\w+)/m.exec(info);
  if (match?.[1] === undefined) throw new Error('INFO server without run_id');
  return match[1];
}
