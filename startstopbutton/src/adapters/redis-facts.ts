/** What the other services say about themselves in Redis. */
import { KEYS, parseEnabled } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import type { Facts } from '../ports.ts';

export class RedisFacts implements Facts {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async isMeasuring(): Promise<boolean> {
    return parseEnabled(await this.#redis.get(KEYS.enabled.key));
  }

  async handlerStatus(): Promise<Readonly<Record<string, string>>> {
    return this.#redis.hgetall(KEYS.handlerStatus.key);
  }

  async sensorFields(): Promise<readonly string[]> {
    return Object.keys(await this.#redis.hgetall(KEYS.sensorStatus.key));
  }
}
