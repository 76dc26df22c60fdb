/** The stream `measurement:values` as a buffer of bounded size. */
import { KEYS, isReply } from '@holdfast/redis';
import type { Redis, StreamEntry } from '@holdfast/redis';
import type { BufferSize, ReadingsBuffer } from '../ports.ts';

const STREAM = KEYS.values.key;

export class RedisBuffer implements ReadingsBuffer {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async measure(): Promise<BufferSize> {
    // In one go: each answer on its own would wake the process once more. Samples would do only if
    // all entries were of one size; looking at all takes 0.6 ms of a fast Redis for 64 MB.
    const asked = this.#redis.pipeline().info('memory').memory('USAGE', STREAM, 'SAMPLES', 0);
    const [memoryReply, usageReply, infoReply] = (await asked.xinfo('STREAM', STREAM).exec()) ?? [];
    const memory = parseMemory(String(valueOf(memoryReply)));
    const bytes = Number(valueOf(usageReply) ?? 0);
    if (infoReply?.[0] != null && isReply(infoReply[0], 'ERR')) {
      // "no such key"
      return { entries: 0, bytes: 0, added: 0, first: undefined, last: undefined, ...memory };
    }
    const info = fieldMap(valueOf(infoReply) as unknown[]);
    return {
      entries: Number(info.get('length')),
      bytes,
      // Redis 7 counts what was ever added; older ones do not: the length is the best guess.
      added: Number(info.get('entries-added') ?? info.get('length')),
      first: (info.get('first-entry') as StreamEntry | null) ?? undefined,
      last: (info.get('last-entry') as StreamEntry | null) ?? undefined,
      ...memory,
    };
  }

  async trimBefore(id: string): Promise<number> {
    // An approximate trim ends after 100 nodes of entries, so that no call takes long.
    let went = 0;
    for (let more = true; more;) {
      const removed = await this.#redis.xtrim(STREAM, 'MINID', '~', id);
      went += removed;
      more = removed > 0;
    }
    return went;
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.#redis.xdel(STREAM, ...ids);
  }

  async firstAfter(after: string): Promise<StreamEntry | undefined> {
    const entries = await this.#redis.xrange(STREAM, `(${after}`, '+', 'COUNT', 1);
    return entries[0];
  }
}

/** One answer of a pipeline; throws Redis' error. */
function valueOf(reply: [error: Error | null, value: unknown] | undefined): unknown {
  if (reply === undefined) return undefined;
  const [error, value] = reply;
  if (error !== null) throw error;
  return value;
}

function fieldMap(reply: readonly unknown[]): ReadonlyMap<string, unknown> {
  const map = new Map<string, unknown>();
  for (let i = 0; i + 1 < reply.length; i += 2) map.set(String(reply[i]), reply[i + 1]);
  return map;
}

function parseMemory(info: string): { maxMemoryBytes: number; usedMemoryBytes: number } {
  const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const passing = read('mem_not_counted_for_evict') + read('mem_clients_normal');
  return { maxMemoryBytes: read('maxmemory'), usedMemoryBytes: read('used_memory') - passing };
}
