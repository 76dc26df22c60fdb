/** Presses become toggles of `measurement:enabled` in Redis. */
import { KEYS, toggleMeasuring, untilReady } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import type { Measuring, Press, Toggled } from '../ports.ts';

export interface RedisMeasuringOptions {
  readonly redis: Redis;
  readonly service: string;
  /** A press older than this is recorded as an event instead. */
  readonly maxAgeMs: number;
}

export class RedisMeasuring implements Measuring {
  readonly #options: RedisMeasuringOptions;

  constructor(options: RedisMeasuringOptions) {
    this.#options = options;
  }

  toggle(press: Press, ageMs: number): Promise<Toggled> {
    const { redis, service, maxAgeMs } = this.#options;
    return toggleMeasuring(redis, {
      service,
      source: 'button',
      id: press.id,
      statusKey: KEYS.buttonStatus.key,
      expiry: { ageMs, maxAgeMs, event: 'press_discarded' },
    });
  }

  async untilReachable(signal: AbortSignal): Promise<void> {
    await untilReady(this.#options.redis, signal);
  }
}
