/**
 * A connection to the device's Redis that comes back by itself and never hides a failure: a command
 * given while the connection is down fails at once, a command cut off by a failure is not repeated
 * behind the caller's back (it may have been carried out).
 *
 * Credentials are read anew before each attempt: the redis container writes them at its first start,
 * which may be after ours.
 */
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';

export type { Redis } from 'ioredis';

export interface RedisSettings {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** File that holds the password; may appear later. Ignored when `password` is set. */
  readonly passwordFile?: string | undefined;
}

/** Between attempts to connect, milliseconds: a Redis that restarts is back within the second. */
const RECONNECT_MS = { first: 50, cap: 1_000 };
const CONNECT_TIMEOUT_MS = 5_000;
/**
 * A Redis that stands still does not see that the connection is closed: after so long it is cut
 * off, and what it was asked is rejected. Services close it to end what they wait for at a stop.
 */
const DISCONNECT_TIMEOUT_MS = 250;
/** While a restarted Redis loads its file, it is asked so often whether it has finished. */
const LOADING_RECHECK_MS = 250;
/** Idle connections are probed, so that a subscriber notices a Redis that vanished silently. */
const KEEPALIVE_MS = 10_000;
/**
 * A Redis that does not answer for so long is treated as lost: the command is rejected and the
 * connection made anew. Longer than any blocking read.
 */
export const COMMAND_TIMEOUT_MS = 10_000;

/** Reads the password file; undefined while it does not exist. */
function currentPassword(settings: RedisSettings): string | undefined {
  if (settings.password !== undefined || settings.passwordFile === undefined) {
    return settings.password;
  }
  try {
    return readFileSync(settings.passwordFile, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * Opens a connection; returns at once, `untilReady` waits. `onError` gets every failed attempt, with
 * Redis' or the system's error.
 */
export function openRedis(
  settings: RedisSettings,
  name: string,
  onError: (error: Error) => void,
): Redis {
  const redis = new Redis({
    host: settings.host,
    port: settings.port,
    db: settings.db,
    connectionName: name,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: COMMAND_TIMEOUT_MS,
    keepAlive: KEEPALIVE_MS,
    maxLoadingRetryTime: LOADING_RECHECK_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // 0: commands in flight are rejected as the connection closes; null would drop them silently
    // and leave their callers waiting for the command timeout.
    maxRetriesPerRequest: 0,
    retryStrategy(attempt) {
      applyCredentials(redis, settings);
      return Math.min(RECONNECT_MS.cap, RECONNECT_MS.first * 2 ** Math.min(attempt, 10));
    },
  });
  redis.on('error', onError);
  applyCredentials(redis, settings);
  // Failures arrive as 'error' events and are retried; the promise adds nothing.
  redis.connect().catch(() => {});
  return redis;
}

function applyCredentials(redis: Redis, settings: RedisSettings): void {
  const password = currentPassword(settings);
  if (password === undefined) return;
  redis.options.password = password;
  if (settings.username !== undefined) redis.options.username = settings.username;
}

/** Resolves true when the connection can take commands, false when `signal` aborts before. */
export async function untilReady(redis: Redis, signal: AbortSignal): Promise<boolean> {
  while (redis.status !== 'ready') {
    if (signal.aborted) return false;
    await new Promise<void>((resolve) => {
      const done = () => {
        redis.off('ready', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      redis.once('ready', done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
  return !signal.aborted;
}
