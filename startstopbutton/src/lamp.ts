/** The loop of the optional LED: looks what the device does and shows it. */
import { RepeatFilter, backoffMs } from '@holdfast/kit';
import type { Clock, Log, Random } from '@holdfast/kit';
import type { Level } from './core/contact.ts';
import { levelAt, pattern } from './core/lamp.ts';
import type { Pattern } from './core/lamp.ts';
import { LineError } from './core/line-error.ts';
import type { ButtonLog } from './events.ts';
import type { Facts, Lamp } from './ports.ts';

/** How late a change that was not made with the button may show. */
const LOOK_MS = 1_000;
const RETRY = { floorMs: 1_000, capMs: 30_000 };

export interface LampOptions {
  readonly pin: number;
  readonly lamp: Lamp;
  readonly facts: Facts;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log<ButtonLog>;
}

export class LampLoop {
  readonly #options: LampOptions;
  #pattern: Pattern = 'off';
  #lookAtMs = 0;
  #wake = new AbortController();

  constructor(options: LampOptions) {
    this.#options = options;
  }

  /** Something has changed that should show at once. */
  look(): void {
    this.#lookAtMs = 0;
    this.#wake.abort();
  }

  /** Shows until `signal` aborts, then switches the lamp off. Rejects only with bugs. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log, lamp, pin } = this.#options;
    const failures = new RepeatFilter();
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        await lamp.open();
        failures.reset();
        attempt = 0;
        await this.#show(signal);
      } catch (error) {
        if (!(error instanceof LineError)) throw error;
        const { code, message } = error;
        if (failures.shouldLog(code)) log.warn('lamp_missing', { pin, code, error: message });
      }
      await lamp.close();
      await clock.sleepMs(backoffMs(RETRY, Math.max(1, attempt), random), signal);
    }
  }

  async #show(signal: AbortSignal): Promise<void> {
    const { clock, lamp } = this.#options;
    let shown: Level = 0;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      if (clock.monotonicMs() >= this.#lookAtMs) await this.#look();
      const { level, forMs = LOOK_MS } = levelAt(this.#pattern, clock.monotonicMs());
      if (level !== shown) await lamp.show(level);
      shown = level;
      const waitMs = Math.min(forMs, Math.max(0, this.#lookAtMs - clock.monotonicMs()));
      await clock.sleepMs(waitMs, AbortSignal.any([signal, this.#wake.signal]));
    }
    if (shown === 1) await lamp.show(0);
  }

  /** What cannot be read now is shown as it was. */
  async #look(): Promise<void> {
    const { facts, clock } = this.#options;
    this.#lookAtMs = clock.monotonicMs() + LOOK_MS;
    try {
      this.#pattern = pattern(await facts.isMeasuring(), await facts.handlerStatus());
    } catch {
      // The presses and the status log what is wrong with Redis.
    }
  }
}
