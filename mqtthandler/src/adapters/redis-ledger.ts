/** Cursor, gap records and rejected readings of one destination, in Redis. */
import { Script } from '@holdfast/redis';
import type { Redis, StreamEntry } from '@holdfast/redis';
import type { StoredProgress } from '../core/progress.ts';
import type { GapRecord, Ledger } from '../ports.ts';

/** The keys of one destination. */
export interface LedgerKeys {
  readonly lastId: string;
  readonly pending: string;
  readonly gaps: string;
  readonly rejected: string;
}

/** Rejected readings kept for people to look at. */
const KEEP_REJECTED = 100;

/**
 * KEYS[1] last_id   KEYS[2] pending
 * ARGV[1] '1' if last_id must read ARGV[2], '0' if it must be absent, [3] its new value,
 * [4] the new pending, '' = none
 * Returns 1, or 0 without a change when last_id is not as expected.
 */
const SAVE = `
local current = redis.call('GET', KEYS[1])
if ARGV[1] == '1' and current ~= ARGV[2] then return 0 end
if ARGV[1] == '0' and current then return 0 end
if current ~= ARGV[3] then redis.call('SET', KEYS[1], ARGV[3]) end
if ARGV[4] == '' then redis.call('DEL', KEYS[2])
else redis.call('SET', KEYS[2], ARGV[4]) end
return 1
`;

/**
 * KEYS[1] last_id   KEYS[2] pending   KEYS[3] gaps
 * ARGV[1..4] as above, then for each gap record its epoch ('' = none) and its JSON
 * The gap records first: when Redis is full they are refused and nothing has happened yet.
 */
const FORFEIT = `
local current = redis.call('GET', KEYS[1])
if ARGV[1] == '1' and current ~= ARGV[2] then return 0 end
if ARGV[1] == '0' and current then return 0 end
for i = 5, #ARGV, 2 do
  if ARGV[i] == '' then redis.call('XADD', KEYS[3], '*', '_gap', ARGV[i + 1])
  else redis.call('XADD', KEYS[3], '*', '_epoch', ARGV[i], '_gap', ARGV[i + 1]) end
end
redis.call('SET', KEYS[1], ARGV[3])
if ARGV[4] == '' then redis.call('DEL', KEYS[2])
else redis.call('SET', KEYS[2], ARGV[4]) end
return 1
`;

const save = new Script(SAVE);
const forfeit = new Script(FORFEIT);

export class RedisLedger implements Ledger {
  readonly #redis: Redis;
  readonly #keys: LedgerKeys;

  constructor(redis: Redis, keys: LedgerKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async load(): Promise<{ lastId: string | null; pending: string | null }> {
    const [lastId = null, pending = null] = await this.#redis.mget(
      this.#keys.lastId,
      this.#keys.pending,
    );
    return { lastId, pending };
  }

  async save(expected: string | null, next: StoredProgress): Promise<boolean> {
    const reply = await save.run(
      this.#redis,
      [this.#keys.lastId, this.#keys.pending],
      [expected === null ? '0' : '1', expected ?? '', next.lastId, next.pending ?? ''],
    );
    return reply === 1;
  }

  async forfeit(
    expected: string | null,
    next: StoredProgress,
    gaps: readonly GapRecord[],
  ): Promise<boolean> {
    const cursor = [expected === null ? '0' : '1', expected ?? '', next.lastId, next.pending ?? ''];
    const records = gaps.flatMap(({ epoch, gap }) => [epoch ?? '', JSON.stringify(gap)]);
    const { lastId, pending, gaps: outbox } = this.#keys;
    const reply = await forfeit.run(
      this.#redis,
      [lastId, pending, outbox],
      [...cursor, ...records],
    );
    return reply === 1;
  }

  async putAside(entry: StreamEntry, gap: GapRecord): Promise<void> {
    const [id, fields] = entry;
    const steps = this.#redis.multi();
    steps.xadd(this.#keys.rejected, 'MAXLEN', '~', KEEP_REJECTED, '*', '_id', id, ...fields);
    steps.xadd(this.#keys.gaps, '*', ...gapFields(gap));
    for (const [error] of (await steps.exec()) ?? []) if (error !== null) throw error;
  }

  async recordGap(gap: GapRecord): Promise<void> {
    await this.#redis.xadd(this.#keys.gaps, '*', ...gapFields(gap));
  }

  async gaps(after: string, count: number): Promise<StreamEntry[]> {
    return await this.#redis.xrange(this.#keys.gaps, `(${after}`, '+', 'COUNT', count);
  }

  async deleteGaps(ids: readonly string[]): Promise<void> {
    await this.#redis.xdel(this.#keys.gaps, ...ids);
  }
}

/** A gap record as stream fields; the forwarder's packer turns it into the wire format. */
export function gapFields(record: GapRecord): string[] {
  const epoch = record.epoch === undefined ? [] : ['_epoch', record.epoch];
  return [...epoch, '_gap', JSON.stringify(record.gap)];
}
