/**
 * The device's Redis: readings in order, events, status, and the settings people change. Two
 * connections, as a subscriber cannot give commands.
 */
import { RepeatFilter, errorCode, errorMessage } from '@holdfast/kit';
import {
  Appender,
  KEYS,
  isReply,
  openRedis,
  readingFields,
  untilReady,
  watchKeys,
  writeEvent,
} from '@holdfast/redis';
import type { DeviceEvent, Reading, Redis, RedisSettings } from '@holdfast/redis';
import type { AppendOutcome, ReadingStore } from '../ports.ts';
import type { StatusFields } from '../status-board.ts';

/** Events that wait for a Redis that is away; the oldest go first. */
const MAX_WAITING_EVENTS = 200;

export interface RedisDeviceOptions {
  readonly settings: RedisSettings;
  readonly onConnected: () => void;
  /** Once per kind of failure, then now and then. */
  readonly onLost: (code: string, message: string) => void;
}

export class RedisDevice implements ReadingStore {
  readonly #redis: Redis;
  readonly #subscriber: Redis;
  readonly #settings: RedisSettings;
  readonly #appender: Appender;
  readonly #events: DeviceEvent[] = [];
  #sendingEvents = false;
  #statusCleared = false;

  constructor(options: RedisDeviceOptions) {
    this.#settings = options.settings;
    const filter = new RepeatFilter();
    const onError = (error: Error) => {
      const code = errorCode(error);
      if (filter.shouldLog(code)) options.onLost(code, errorMessage(error));
    };
    this.#redis = openRedis(options.settings, 'sensor', onError);
    this.#subscriber = openRedis(options.settings, 'sensor-watch', onError);
    this.#appender = new Appender(this.#redis);
    this.#redis.on('ready', () => {
      filter.reset();
      options.onConnected();
      // What a killed Redis lost comes back at once, also while measuring is paused.
      this.#appender.prepare().catch(() => {});
      void this.#sendEvents();
    });
  }

  get ready(): boolean {
    return this.#redis.status === 'ready';
  }

  async untilReady(signal: AbortSignal): Promise<boolean> {
    return untilReady(this.#redis, signal);
  }

  /** Rejects with what is wrong with the connection, if anything is. */
  async ping(): Promise<void> {
    await this.#redis.ping();
  }

  async append(reading: Reading, retry: boolean, skipped: number): Promise<AppendOutcome> {
    try {
      await this.#appender.append(readingFields(reading), { retry, skipped });
    } catch (error) {
      return classify(error);
    }
    // Room again after a full Redis: events that did not fit follow.
    if (this.#events.length > 0) void this.#sendEvents();
    return { kind: 'stored' };
  }

  /** Written now or when Redis is back; never rejects. */
  event(event: DeviceEvent): void {
    this.#events.push(event);
    if (this.#events.length > MAX_WAITING_EVENTS) this.#events.shift();
    void this.#sendEvents();
  }

  /** Sets fields of the status hash; the first time, those of an earlier run go. */
  async writeStatus(fields: StatusFields): Promise<boolean> {
    if (!this.ready) return false;
    const { key } = KEYS.sensorStatus;
    try {
      if (!this.#statusCleared) await this.#redis.del(key);
      this.#statusCleared = true;
      await this.#redis.hset(key, fields);
      return true;
    } catch {
      return false;
    }
  }

  /** The line of the button, as its service tells it; null when that is not known. */
  async buttonPin(): Promise<string | null> {
    if (!this.ready) return null;
    return this.#redis.hget(KEYS.buttonStatus.key, 'pin').catch(() => null);
  }

  /** Calls `onValues` with `measurement:interval` and `measurement:enabled`, now and on change. */
  watchSettings(
    onValues: (interval: string | null, enabled: string | null) => void,
    signal: AbortSignal,
  ): void {
    watchKeys({
      redis: this.#redis,
      subscriber: this.#subscriber,
      db: this.#settings.db,
      keys: [KEYS.interval.key, KEYS.enabled.key],
      onValues: (values) => onValues(values[0] ?? null, values[1] ?? null),
      signal,
    });
  }

  close(): void {
    this.#redis.disconnect();
    this.#subscriber.disconnect();
  }

  async #sendEvents(): Promise<void> {
    if (this.#sendingEvents) return;
    this.#sendingEvents = true;
    try {
      for (let next = this.#events[0]; next !== undefined && this.ready; next = this.#events[0]) {
        await writeEvent(this.#redis, next);
        if (this.#events[0] === next) this.#events.shift();
      }
    } catch {
      // Kept: sent with the next event, connection or reading.
    } finally {
      this.#sendingEvents = false;
    }
  }
}

/** What a failed append means for the reading. */
function classify(error: unknown): AppendOutcome {
  if (isReply(error, 'OOM')) return { kind: 'full' };
  const code = errorCode(error);
  // A reply is certain: the script has failed before it wrote anything.
  return code === 'ReplyError'
    ? { kind: 'refused', code: replyCode(error) }
    : { kind: 'unknown', code };
}

function replyCode(error: unknown): string {
  return errorMessage(error).split(' ', 1)[0] ?? 'ERR';
}
