/** Cursor, gap records and rejected readings of one destination, in Redis. */
import { Script } from '@holdfast/redis';
import type { Redis, StreamEntry } from '@holdfast/redis';
import type { StoredProgress } from '../core/progress.ts';
import type { GapRecord, Ledger } from '../ports.ts';

/** The keys of one destination. */
export interface LedgerKeys {
  readonly lastId: string;
  readonly pending: string;
  readonly mark: string;
  readonly gaps: string;
  readonly rejected: string;
}

/** Rejected readings kept for people to look at. */
const KEEP_REJECTED = 100;

/**
 * KEYS[1] last_id   KEYS[2] pending   KEYS[3] mark   KEYS[4] gaps
 * ARGV[1] '1' if last_id must read ARGV[2], '0' if it must be absent, [3..5] the new values of
 * last_id, pending, mark, '' = none; then for each gap record its epoch ('' = none) and its JSON
 * Returns 1, or 0 without a change when last_id is not as expected.
 * The gap records first: when Redis is full they are refused and nothing has happened yet.
 */
const SAVE = `
local current = redis.call('GET', KEYS[1])
if ARGV[1] == '1' and current ~= ARGV[2] then return 0 end
if ARGV[1] == '0' and current then return 0 end
for i = 6, #ARGV, 2 do
  if ARGV[i] == '' then redis.call('XADD', KEYS[4], '*', '_gap', ARGV[i + 1])
  else redis.call('XADD', KEYS[4], '*', '_epoch', ARGV[i], '_gap', ARGV[i + 1]) end
end
if current ~= ARGV[3] then redis.call('SET', KEYS[1], ARGV[3]) end
for i = 2, 3 do
  if ARGV[i + 2] == '' then redis.call('DEL', KEYS[i])
  else redis.call('SET', KEYS[i], ARGV[i + 2]) end
end
return 1
`;

const save = new Script(SAVE);

export class RedisLedger implements Ledger {
  readonly #redis: Redis;
  readonly #keys: LedgerKeys;

  constructor(redis: Redis, keys: LedgerKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async load(): Promise<{ [K in keyof StoredProgress]: string | null }> {
    const [lastId = null, pending = null, mark = null] = await this.#redis.mget(
      this.#keys.lastId,
      this.#keys.pending,
      this.#keys.mark,
    );
    return { lastId, pending, mark };
  }

  async save(
    expected: string | null,
    next: StoredProgress,
    gaps: readonly GapRecord[] = [],
  ): Promise<boolean> {
    const { lastId, pending, mark, gaps: outbox } = this.#keys;
    const cursor = [next.lastId, next.pending ?? '', next.mark ?? ''];
    const records = gaps.flatMap(({ epoch, gap }) => [epoch ?? '', JSON.stringify(gap)]);
    const reply = await save.run(
      this.#redis,
      [lastId, pending, mark, outbox],
      [expected === null ? '0' : '1', expected ?? '', ...cursor, ...records],
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
