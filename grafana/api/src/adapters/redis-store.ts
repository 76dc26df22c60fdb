/** Reading the device's Redis. Nothing here writes, and its user could not. */
import { TransientError, errorMessage } from '@holdfast/kit';
import { KEYS, isReply } from '@holdfast/redis';
import type { Redis, StreamEntry } from '@holdfast/redis';
import { HASHES, STRINGS } from '../core/facts.ts';
import type { Facts, HashName, Memory, StringName } from '../core/facts.ts';
import { stepStartMs } from '../core/grid.ts';
import type { Grid } from '../core/grid.ts';
import type { Destination } from '../core/links.ts';
import { whole } from '../core/values.ts';
import type { Store } from '../ports.ts';

const GAP_KEYS: Readonly<Record<Destination, string>> = {
  mqtt: KEYS.mqttGaps.key,
  hub: KEYS.hubGaps.key,
};

type Commands = readonly (readonly [command: string, ...args: (string | number)[]])[];

export class RedisStore implements Store {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  get ready(): boolean {
    return this.#redis.status === 'ready';
  }

  async facts(): Promise<Facts> {
    const hashNames = Object.keys(HASHES) as HashName[];
    const stringNames = Object.keys(STRINGS) as StringName[];
    const replies = await this.#pipeline([
      ...hashNames.map((name) => ['hgetall', HASHES[name]] as const),
      ...stringNames.map((name) => ['get', STRINGS[name]] as const),
      ['xrange', KEYS.values.key, '-', '+', 'COUNT', 1],
      ['xlen', KEYS.values.key],
      ['xlen', GAP_KEYS.mqtt],
      ['xlen', GAP_KEYS.hub],
    ]);
    const hashes = hashNames.map((name, i) => [name, replies[i] ?? {}]);
    const strings = stringNames.map((name, i) => [name, replies[hashNames.length + i] ?? null]);
    const oldest = replies.at(-4) as StreamEntry[] | undefined;
    const [entries = 0, mqttGaps = 0, hubGaps = 0] = replies.slice(-3).map((n) => Number(n ?? 0));
    return {
      hashes: Object.fromEntries(hashes) as Facts['hashes'],
      strings: Object.fromEntries(strings) as Facts['strings'],
      entries,
      oldestId: oldest?.[0]?.[0] ?? null,
      mqttGaps,
      hubGaps,
    };
  }

  async memory(): Promise<Memory> {
    const [memory, persistence] = await failing(
      Promise.all([this.#redis.info('memory'), this.#redis.info('persistence')]),
    );
    const read = (text: string, name: string) =>
      whole(new RegExp(`^${name}:(\\d+)\\r?$`, 'm').exec(text)?.[1]);
    return {
      usedBytes: read(memory, 'used_memory'),
      limitBytes: read(memory, 'maxmemory') || null,
      aofBytes: read(persistence, 'aof_current_size'),
    };
  }

  async newest(count: number): Promise<StreamEntry[]> {
    return failing(this.#redis.xrevrange(KEYS.values.key, '+', '-', 'COUNT', count));
  }

  async page(
    after: string | undefined,
    fromMs: number,
    toMs: number,
    count: number,
  ): Promise<StreamEntry[]> {
    const start = after === undefined ? String(fromMs) : `(${after}`;
    return failing(this.#redis.xrange(KEYS.values.key, start, String(toMs), 'COUNT', count));
  }

  async windows(grid: Grid, size: number, first: number, count: number): Promise<StreamEntry[][]> {
    const commands = Array.from({ length: count }, (_, i) => {
      const [fromMs, nextMs] = [stepStartMs(grid, first + i), stepStartMs(grid, first + i + 1)];
      const range = [String(fromMs), String(nextMs - 1)] as const;
      return ['xrange', KEYS.values.key, ...range, 'COUNT', size] as const;
    });
    const replies = await this.#pipeline(commands);
    return replies.map((reply) => (reply ?? []) as StreamEntry[]);
  }

  async events(): Promise<StreamEntry[]> {
    return failing(this.#redis.xrange(KEYS.events.key, '-', '+', 'COUNT', 5_000));
  }

  async gaps(destination: Destination, count: number): Promise<StreamEntry[]> {
    return failing(this.#redis.xrange(GAP_KEYS[destination], '-', '+', 'COUNT', count));
  }

  /**
   * The replies, in order; undefined for a key that somebody has made another type, or that our user
   * may not read: the rest of the device is still shown.
   */
  async #pipeline(commands: Commands): Promise<unknown[]> {
    const pipeline = this.#redis.pipeline(commands.map((command) => [...command]));
    const results = (await failing(pipeline.exec())) ?? [];
    return results.map(([error, reply]) => {
      if (error === null) return reply;
      if (isReply(error, 'WRONGTYPE') || isReply(error, 'NOPERM')) return undefined;
      throw asTransient(error);
    });
  }
}

/** Whatever fails between us and Redis may work a moment later. */
async function failing<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw asTransient(error);
  }
}

const asTransient = (cause: unknown) => new TransientError(errorMessage(cause), { cause });
