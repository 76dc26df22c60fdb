/** Looks into Redis as a dashboard does, with the rights of one. */
import { systemClock } from '@holdfast/kit';
import { KEYS, parseEnabled } from '@holdfast/redis';
import type { Redis, StreamEntry } from '@holdfast/redis';
import type { Tracker } from './core/tracker.ts';
import type { BufferView } from './core/view.ts';
import type { Status, Watched } from './far-side.ts';

const PAGE = 1_000;

export class Observer {
  readonly #redis: Redis;
  readonly #tracker: Tracker;
  readonly #watched: Watched;
  readonly #hashes = new Map<string, Status>();
  #measuring = true;

  constructor(redis: Redis, tracker: Tracker, watched: Watched) {
    this.#redis = redis;
    this.#watched = watched;
    this.#tracker = tracker;
  }

  get measuring(): boolean {
    return this.#measuring;
  }

  /** State of the link to the destination; empty before the first. */
  get link(): string {
    return this.#watched.link(this.hash);
  }

  /** A hash as it was at the last look; empty when there was none. */
  readonly hash = (key: string): Status => this.#hashes.get(key) ?? {};

  get buffer(): BufferView | undefined {
    const handler = this.hash(KEYS.handlerStatus.key);
    const usedBytes = numberOf(handler['buffer_bytes']);
    const capacityBytes = numberOf(handler['buffer_capacity_bytes']);
    if (usedBytes === undefined || capacityBytes === undefined) return undefined;
    return {
      usedBytes,
      capacityBytes,
      fullInSeconds: numberOf(handler['full_in_seconds']),
      drainedInSeconds: numberOf(handler['drained_in_seconds']),
    };
  }

  /** Whether the sensor service says that it has stopped measuring and holds nothing back. */
  get sensorAtRest(): boolean {
    const sensor = this.hash(KEYS.sensorStatus.key);
    return sensor['state'] === 'paused' && sensor['pending'] === '0';
  }

  /** One look at everything; false when Redis does not answer. */
  async look(): Promise<boolean> {
    if (this.#redis.status !== 'ready') return false;
    try {
      await this.#readStream();
      const { cursorKey, hashes } = this.#watched;
      const [lastId, enabled] = await Promise.all([
        this.#redis.get(cursorKey),
        this.#redis.get(KEYS.enabled.key),
        ...[KEYS.handlerStatus.key, KEYS.sensorStatus.key, ...hashes].map(async (key) =>
          this.#hashes.set(key, await this.#redis.hgetall(key)),
        ),
      ]);
      if (lastId !== null) this.#tracker.acknowledged(lastId);
      this.#measuring = parseEnabled(enabled);
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
