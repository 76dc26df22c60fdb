/**
 * Presses on their way to Redis, one at a time and in order. A press is kept until Redis has said
 * what became of it: carried out, or too old and recorded as discarded. Every attempt carries the same
 * id, so an answer that was lost costs nothing.
 */
import { RepeatFilter, backoffMs, errorCode, errorMessage } from '@holdfast/kit';
import type { Surroundings } from './events.ts';
import type { Measuring, Press, PressKind, Provisioning } from './ports.ts';

/** Between attempts while Redis is connected but refuses, e.g. because its memory is full. */
const RETRY = { floorMs: 100, capMs: 1_000 };
/** Somebody hammering on the button of a device without Redis; far more than fit into the age. */
const MAX_WAITING = 256;
/** How long the last presses may take when the service is told to stop. */
const LAST_WORDS_MS = 2_000;

export interface PressesOptions {
  readonly measuring: Measuring;
  readonly provisioning: Provisioning;
  readonly newId: () => string;
  /** Told when a press has switched measuring. */
  readonly onMeasuring?: (measuring: boolean) => void;
}

export class Presses {
  readonly #surroundings: Surroundings;
  readonly #options: PressesOptions;
  readonly #failures = new RepeatFilter();
  #waiting: Press[] = [];
  #counted = 0;
  #wake: (() => void) | undefined;

  constructor(surroundings: Surroundings, options: PressesOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
  }

  add(kind: PressKind, atMonotonicMs: number): void {
    this.#counted += 1;
    this.#surroundings.reports.status({ presses: this.#counted });
    this.#waiting.push({ kind, id: this.#options.newId(), atMonotonicMs });
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
      await this.#options.measuring.untilReachable(signal);
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
      const carryOut = press.kind === 'short' ? this.#toggle : this.#requestProvisioning;
      if (!(await carryOut(press, ageMs))) log.warn('press_discarded', { press: press.id, ageMs });
      this.#waiting = this.#waiting.filter((other) => other !== press);
      this.#failures.reset();
      return true;
    } catch (error) {
      const failure = { code: errorCode(error), error: errorMessage(error) };
      if (this.#failures.shouldLog(failure.code)) {
        log.warn('press_failed', failure);
        reports.status({ last_error: failure.error });
      }
      return false;
    }
  }

  /** Whether the press was young enough. */
  readonly #toggle = async (press: Press, ageMs: number): Promise<boolean> => {
    const { measuring: switched, onMeasuring } = this.#options;
    const { outcome, measuring } = await switched.toggle(press, ageMs);
    if (outcome === 'expired') return false;
    this.#surroundings.log.info('toggled', { press: press.id, measuring });
    onMeasuring?.(measuring);
    return true;
  };

  readonly #requestProvisioning = async (press: Press, ageMs: number): Promise<boolean> => {
    if ((await this.#options.provisioning.request(press, ageMs)) === 'expired') return false;
    this.#surroundings.log.info('reprovision_requested', { press: press.id });
    return true;
  };

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
