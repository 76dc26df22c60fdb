/** Which desired properties were carried out, in Redis (`hub_sender:twin`). */
import { KEYS } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import { decodeCarried, encodeCarried } from '../../core/hub/twin.ts';
import type { Carried } from '../../core/hub/twin.ts';
import type { TwinMemory } from '../../hub/ports.ts';

const TWIN = KEYS.hubTwin.key;

export class RedisTwinMemory implements TwinMemory {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async load(): Promise<Map<string, Carried>> {
    const stored = await this.#redis.hgetall(TWIN);
    const found = new Map<string, Carried>();
    for (const [key, text] of Object.entries(stored)) {
      const carried = decodeCarried(text);
      if (carried !== undefined) found.set(key, carried);
    }
    return found;
  }

  async store(key: string, carried: Carried | null): Promise<void> {
    if (carried === null) await this.#redis.hdel(TWIN, key);
    else await this.#redis.hset(TWIN, key, encodeCarried(carried));
  }
}
