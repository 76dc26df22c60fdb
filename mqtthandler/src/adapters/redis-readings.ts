/** The stream of readings in Redis: plain reads on one connection, blocking ones on another. */
import { FIRST_ID, KEYS } from '@holdfast/redis';
import type { Redis, StreamEntry } from '@holdfast/redis';
import type { Readings } from '../ports.ts';

/** A blocking read returns after this time without news; well below the command time-out. */
const BLOCK_MS = 5_000;

export class RedisReadings implements Readings {
  readonly #redis: Redis;
  readonly #blocking: Redis;
  /** The blocking read under way. It cannot be called back, only waited for or left. */
  #pendingTail: { readonly after: string; readonly entries: Promise<StreamEntry[]> } | undefined;

  constructor(redis: Redis, blocking: Redis) {
    this.#redis = redis;
    this.#blocking = blocking;
  }

  async range(after: string, upTo: string | null, count: number): Promise<StreamEntry[]> {
    return await this.#redis.xrange(KEYS.values.key, `(${after}`, upTo ?? '+', 'COUNT', count);
  }

  async newest(after: string, upTo: string, count: number): Promise<StreamEntry[]> {
    const entries: StreamEntry[] = await this.#redis.xrevrange(
      KEYS.values.key,
      upTo,
      `(${after}`,
      'COUNT',
      count,
    );
    return entries.toReversed();
  }

  async tail(after: string, count: number, signal: AbortSignal): Promise<StreamEntry[]> {
    // A read left behind by an earlier caller waits for something after another id: it serves as our
    // wake-up, but only for what is new; the cursor may have been set back to what is there already.
    if (this.#pendingTail !== undefined && this.#pendingTail.after !== after) {
      const there = await this.range(after, null, count);
      if (there.length > 0 || signal.aborted) return there;
    }
    const pending = (this.#pendingTail ??= this.#startTail(after, count));
    const entries = await orAborted(pending.entries, signal);
    return pending.after === after ? entries : [];
  }

  async lastId(): Promise<string> {
    const newest = await this.#redis.xrevrange(KEYS.values.key, '+', '-', 'COUNT', 1);
    return newest[0]?.[0] ?? FIRST_ID;
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
