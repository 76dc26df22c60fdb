/** Switching measuring, with the Redis user `dashboard`, who may do this and nothing else. */
import { TransientError, errorMessage } from '@holdfast/kit';
import { KEYS } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import type { Control } from '../ports.ts';

export class RedisControl implements Control {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async setMeasuring(on: boolean): Promise<void> {
    try {
      await this.#redis.set(KEYS.enabled.key, on ? '1' : '0');
    } catch (cause) {
      throw new TransientError(errorMessage(cause), { cause });
    }
  }
}
