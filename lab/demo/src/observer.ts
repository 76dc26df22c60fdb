/** Looks into Redis as a dashboard does, with the rights of one. */
import { systemClock } from '@holdfast/kit';
import { KEYS, parseEnabled } from '@holdfast/redis';
import type { Redis, StreamEntry } from '@holdfast/redis';
import type { Tracker } from './core/tracker.ts';
import type { BufferView } from './core/view.ts';

const PAGE = 1_000;

type Status = Readonly<Record<string, string>>;

export class Observer {
  readonly #redis: Redis;
  readonly #tracker: Tracker;
  #handler: Status = {};
  #sensor: Status = {};
  #measuring = true;

  constructor(redis: Redis, tracker: Tracker) {
    this.#redis = redis;
    this.#tracker = tracker;
  }

  get measuring(): boolean {
    return this.#measuring;
  }

  /** `mqtthandler:status`: state of the link; empty before the first. */
  get link(): string {
    return this.#handler['mqtt_state'] ?? '';
  }

  get buffer(): BufferView | undefined {
    const usedBytes = numberOf(this.#handler['buffer_bytes']);
    const capacityBytes = numberOf(this.#handler['buffer_capacity_bytes']);
    if (usedBytes === undefined || capacityBytes === undefined) return undefined;
    return {
      usedBytes,
      capacityBytes,
      fullInSeconds: numberOf(this.#handler['full_in_seconds']),
      drainedInSeconds: numberOf(this.#handler['drained_in_seconds']),
    };
  }

  /** Whether the sensor service says that it has stopped measuring and holds nothing back. */
  get sensorAtRest(): boolean {
    return this.#sensor['state'] === 'paused' && this.#sensor['pending'] === '0';
  }

  /** One look at everything; false when Redis does not answer. */
  async look(): Promise<boolean> {
    if (this.#redis.status !== 'ready') return false;
    try {
      await this.#readStream();
      const [lastId, enabled, handler, sensor] = await Promise.all([
        this.#redis.get(KEYS.mqttLastId.key),
        this.#redis.get(KEYS.enabled.key),
        this.#redis.hgetall(KEYS.handlerStatus.key),
        this.#redis.hgetall(KEYS.sensorStatus.key),
      ]);
      if (lastId !== null) this.#tracker.acknowledged(lastId);
      this.#measuring = parseEnabled(enabled);
      this.#handler = handler;
      this.#sensor = sensor;
      return true;
    } catch {
      return false;
    }
  }

  /** The whole stream, for the proof; rejects when Redis goes away meanwhile. */
  async stream(): Promise<StreamEntry[]> {
    const all: StreamEntry[] = [];
    for (let from = '-'; ;) {
      const page = await this.#redis.xrange(KEYS.values.key, from, '+', 'COUNT', PAGE);
      all.push(...page);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return all;
      from = `(${last[0]}`;
    }
  }

  async #readStream(): Promise<void> {
    for (;;) {
      const { lastId } = this.#tracker;
      const from = lastId === '-' ? lastId : `(${lastId}`;
      const page = await this.#redis.xrange(KEYS.values.key, from, '+', 'COUNT', PAGE);
      this.#tracker.stored(page, systemClock.monotonicMs());
      if (page.length < PAGE) return;
    }
  }
}

/** A number of a status hash; undefined when it is missing or empty. */
function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text);
}
