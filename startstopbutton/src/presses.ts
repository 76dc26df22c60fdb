/**
 * Presses on their way to Redis, one at a time and in order. A press is kept until Redis has said
 * what became of it: toggled, or too old and recorded as discarded. Every attempt carries the same
 * id, so an answer that was lost costs nothing.
 */
import { RepeatFilter, backoffMs, errorCode, errorMessage } from '@holdfast/kit';
import type { Surroundings } from './events.ts';
import type { Measuring, Press } from './ports.ts';

/** Between attempts while Redis is connected but refuses, e.g. because its memory is full. */
const RETRY = { floorMs: 100, capMs: 1_000 };
/** Somebody hammering on the button of a device without Redis; far more than fit into the age. */
const MAX_WAITING = 256;
/** How long the last presses may take when the service is told to stop. */
const LAST_WORDS_MS = 2_000;

export class Presses {
  readonly #surroundings: Surroundings;
  readonly #measuring: Measuring;
  readonly #newId: () => string;
  readonly #failures = new RepeatFilter();
  #waiting: Press[] = [];
  #counted = 0;
  #wake: (() => void) | undefined;

  constructor(surroundings: Surroundings, measuring: Measuring, newId: () => string) {
    this.#surroundings = surroundings;
    this.#measuring = measuring;
    this.#newId = newId;
  }

  add(atMonotonicMs: number): void {
    this.#counted += 1;
    this.#surroundings.reports.status({ presses: this.#counted });
    this.#waiting.push({ id: this.#newId(), atMonotonicMs });
    if (this.#waiting.length > MAX_WAITING) this.#dropOldest();
    this.#wake?.();
  }

  /** Carries out presses until `signal` aborts, then what is left as far as Redis takes it. */
  async run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    while (!signal.aborted) {
      const press = this.#waiting[0];
      if (press === undefined) {
        await this.#untilPress(signal);
        continue;
      }
      await this.#measuring.untilReachable(signal);
      if (signal.aborted) break;
      if (await this.#attempt(press)) {
        attempt = 0;
      } else {
        attempt += 1;
        const { clock, random } = this.#surroundings;
        await clock.sleepMs(backoffMs(RETRY, attempt, random), signal);
      }
    }
    await this.#finish();
  }

  async #finish(): Promise<void> {
    const all = async () => {
      for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
        if (!(await this.#attempt(next))) return;
      }
    };
    const done = new AbortController();
    await Promise.race([
      all(),
      this.#surroundings.clock.sleepMs(LAST_WORDS_MS, done.signal),
    ]).finally(() => done.abort());
    const presses = this.#waiting.length;
    if (presses > 0) this.#surroundings.log.warn('presses_abandoned', { presses });
  }

  /** Whether Redis has decided about the press; it is forgotten then. */
  async #attempt(press: Press): Promise<boolean> {
    const { clock, log, reports } = this.#surroundings;
    const ageMs = clock.monotonicMs() - press.atMonotonicMs;
    try {
      const { outcome, measuring } = await this.#measuring.toggle(press, ageMs);
      this.#waiting = this.#waiting.filter((other) => other !== press);
      this.#failures.reset();
      if (outcome === 'expired') log.warn('press_discarded', { press: press.id, ageMs });
      else log.info('toggled', { press: press.id, measuring });
      return true;
    } catch (error) {
      const failure = { code: errorCode(error), error: errorMessage(error) };
      if (this.#failures.shouldLog(failure.code)) {
        log.warn('toggle_failed', failure);
        reports.status({ last_error: failure.error });
      }
      return false;
    }
  }

  #dropOldest(): void {
    const { clock, log, reports } = this.#surroundings;
    // The first may be with Redis at this moment.
    const [dropped] = this.#waiting.splice(1, 1);
    if (dropped === undefined) return;
    const ageMs = Math.round(clock.monotonicMs() - dropped.atMonotonicMs);
    log.warn('press_discarded', { press: dropped.id, ageMs });
    reports.event('press_discarded', { source: 'button', age_ms: ageMs });
  }

  #untilPress(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake = undefined;
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
