/**
 * `hub:credentials` as it is now. Keyspace notifications tell of the deletion that each writing of it
 * begins with, but not of changes to a hash (redis.conf says why): so it is also read about once a
 * second, a dozen short fields.
 */
import type { Clock } from '@holdfast/kit';
import { KEYS, untilReady } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import { Bell } from '../../bell.ts';
import { sleepOrRing } from '../../sleep-or-ring.ts';
import { parseCredentials } from '../../core/hub/credentials.ts';
import type { HubCredentials } from '../../core/hub/credentials.ts';

const LOOK_EVERY_MS = 1_000;

export class CredentialsSource {
  /** Rung when `current` has changed. */
  readonly changed = new Bell();
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #told = new Bell();
  #current: HubCredentials | undefined;
  #text = '';

  /** @param subscriber a connection that is used for nothing but subscriptions */
  constructor(redis: Redis, subscriber: Redis, db: number, clock: Clock) {
    this.#redis = redis;
    this.#clock = clock;
    const channel = `__keyspace@${db}__:${KEYS.hubCredentials.key}`;
    // Refused or cut off: reading it every second makes up for that.
    const subscribe = () => void subscriber.subscribe(channel).catch(() => {});
    subscriber.on('ready', subscribe);
    subscriber.on('message', (told: string) => {
      if (told === channel) this.#told.ring();
    });
    if (subscriber.status === 'ready') subscribe();
  }

  /** Undefined while there are none; with Redis away, those read last. */
  get current(): HubCredentials | undefined {
    return this.#current;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (await untilReady(this.#redis, signal)) {
      // What a lost connection did not answer is asked again.
      await this.#look().catch(() => {});
      await sleepOrRing(this.#clock, LOOK_EVERY_MS, this.#told, signal);
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
