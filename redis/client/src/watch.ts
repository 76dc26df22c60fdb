/**
 * Noticing at once that somebody changed a key, without polling: Redis tells by keyspace
 * notifications (`notify-keyspace-events K$g` in redis.conf). People and other programs write these
 * keys with a plain SET or DEL, so nothing else would notice.
 *
 * After each (re)connection, and every `RECHECK_MS` in case the notifications are switched off, the
 * values are simply read.
 */
import type { Redis } from './connection.ts';

/** A Redis without notifications is still noticed within this time. */
const RECHECK_MS = 5_000;

export interface WatchOptions {
  /** Takes commands: reads the values. */
  readonly redis: Redis;
  /** A connection of its own: a subscriber cannot give commands. */
  readonly subscriber: Redis;
  readonly db: number;
  readonly keys: readonly string[];
  /** Gets all values, in the order of `keys`; called first when they are known, then on change. */
  readonly onValues: (values: readonly (string | null)[]) => void;
  readonly signal: AbortSignal;
}

/**
 * Watches string keys until `signal` aborts. Errors of the connections are their owner's; what
 * `onValues` throws is a bug and ends the process.
 */
export function watchKeys(options: WatchOptions): void {
  const { redis, subscriber, keys, signal, onValues } = options;
  if (signal.aborted) return;
  let last: string | undefined;
  let running = false;
  let again = false;

  const check = async (): Promise<void> => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    do {
      again = false;
      if (redis.status !== 'ready' || signal.aborted) break;
      // When the connection fails, its next 'ready' checks again.
      const values = await redis.mget(...keys).catch(() => undefined);
      const text = JSON.stringify(values);
      if (values === undefined || text === last || signal.aborted) continue;
      last = text;
      onValues(values);
    } while (again);
    running = false;
  };
  const subscribe = () => {
    subscriber
      .subscribe(...keys.map((key) => `__keyspace@${options.db}__:${key}`))
      // Refused or cut off: the recheck or the next connection makes up for it.
      .then(onMessage, () => {});
  };
  const onMessage = () => void check();

  redis.on('ready', onMessage);
  subscriber.on('ready', subscribe).on('message', onMessage);
  if (subscriber.status === 'ready') subscribe();
  if (redis.status === 'ready') void check();
  const timer = setInterval(onMessage, RECHECK_MS);
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(timer);
      redis.off('ready', onMessage);
      subscriber.off('ready', subscribe).off('message', onMessage);
    },
    { once: true },
  );
}
