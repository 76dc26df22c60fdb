/**
 * Status and events in Redis. Both are kept while Redis is away; the status is written anew after
 * every connect, because a Redis that lost its data has lost it too.
 */
import type { Redis } from './connection.ts';
import { writeEvent } from './events.ts';
import type { DeviceEvent } from './events.ts';

/** Events waiting for Redis; beyond that the oldest are dropped. */
const MAX_WAITING_EVENTS = 100;
/** After an error of a Redis that is connected (its memory is full, say). */
const RETRY_MS = 1_000;

type StatusFields = Readonly<Record<string, string | number>>;

export class RedisReports {
  readonly #redis: Redis;
  readonly #service: string;
  readonly #statusKey: string;
  #status: Record<string, string | number> = {};
  #statusWritten = false;
  readonly #events: DeviceEvent[] = [];
  #flushing: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;

  /** @param statusKey the hash `<service>:status` */
  constructor(redis: Redis, service: string, statusKey: string) {
    this.#redis = redis;
    this.#service = service;
    this.#statusKey = statusKey;
    redis.on('ready', () => {
      this.#statusWritten = false;
      void this.flush();
    });
  }

  status(fields: StatusFields): void {
    this.#status = { ...this.#status, ...fields };
    this.#statusWritten = false;
    void this.flush();
  }

  event(event: string, fields: StatusFields): void {
    this.#events.push({ service: this.#service, event, fields });
    if (this.#events.length > MAX_WAITING_EVENTS) this.#events.shift();
    void this.flush();
  }

  /** Resolves when everything is written, or Redis could not take it; never rejects. */
  flush(): Promise<void> {
    this.#flushing ??= this.#write().finally(() => (this.#flushing = undefined));
    return this.#flushing;
  }

  async #write(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      while (this.#redis.status === 'ready') {
        const next = this.#events[0];
        if (!this.#statusWritten) {
          this.#statusWritten = true;
          await this.#redis.hset(this.#statusKey, this.#status);
        } else if (next === undefined) {
          return;
        } else {
          await writeEvent(this.#redis, next);
          if (this.#events[0] === next) this.#events.shift();
        }
      }
    } catch {
      // The step that met the same failure logs it; what waits here is written when Redis takes it.
      this.#statusWritten = false;
      this.#retry = setTimeout(() => void this.flush(), RETRY_MS);
    }
  }
}
