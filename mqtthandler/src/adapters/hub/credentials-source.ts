/**
 * `hub:credentials` as it is now. Hashes are not told by keyspace notifications (redis.conf says
 * why), so it is read about once a second; a dozen short fields.
 */
import type { Clock } from '@holdfast/kit';
import { KEYS, untilReady } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import { Bell } from '../../bell.ts';
import { parseCredentials } from '../../core/hub/credentials.ts';
import type { HubCredentials } from '../../core/hub/credentials.ts';

const LOOK_EVERY_MS = 1_000;

export class CredentialsSource {
  /** Rung when `current` has changed. */
  readonly changed = new Bell();
  readonly #redis: Redis;
  readonly #clock: Clock;
  #current: HubCredentials | undefined;
  #text = '';

  constructor(redis: Redis, clock: Clock) {
    this.#redis = redis;
    this.#clock = clock;
  }

  /** Undefined while there are none; with Redis away, those read last. */
  get current(): HubCredentials | undefined {
    return this.#current;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (await untilReady(this.#redis, signal)) {
      // What a lost connection did not answer is asked again.
      await this.#look().catch(() => {});
      await this.#clock.sleepMs(LOOK_EVERY_MS, signal);
    }
  }

  async #look(): Promise<void> {
    const found = parseCredentials(await this.#redis.hgetall(KEYS.hubCredentials.key));
    const text = JSON.stringify(found) ?? '';
    if (text === this.#text) return;
    this.#text = text;
    this.#current = found;
    this.changed.ring();
  }
}
