/**
 * Keeps the hash `sensor:status` up to date at little cost: every write wears the card. A change of
 * state is written soon, counters at most every 5 s, and only fields that differ.
 */
import type { Clock } from '@holdfast/kit';
import { Wakeup } from './wakeup.ts';

/** Between two writes, when a state has changed. */
const URGENT_GAP_MS = 500;
/** Between two writes, when only counters have changed. */
const COUNTER_GAP_MS = 5_000;
const IDLE_MS = 3_600_000;

export type StatusFields = Readonly<Record<string, string | number>>;

export interface StatusBoardOptions {
  readonly clock: Clock;
  /** The whole status as it is now. */
  readonly render: () => StatusFields;
  /** Stores the fields; resolves false when that failed. */
  readonly write: (fields: StatusFields) => Promise<boolean>;
}

export class StatusBoard {
  readonly #options: StatusBoardOptions;
  readonly #wakeup = new Wakeup();
  #wantedAtMs: number | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;
  #written: StatusFields = {};

  constructor(options: StatusBoardOptions) {
    this.#options = options;
  }

  touch(urgent: boolean): void {
    const nowMs = this.#options.clock.monotonicMs();
    const atMs = Math.max(nowMs, this.#lastMs + (urgent ? URGENT_GAP_MS : COUNTER_GAP_MS));
    if (this.#wantedAtMs !== undefined && this.#wantedAtMs <= atMs) return;
    this.#wantedAtMs = atMs;
    this.#wakeup.ring();
  }

  /** Another Redis may be there now: everything is written again. */
  forget(): void {
    this.#written = {};
    this.touch(true);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const stop = () => this.#wakeup.ring();
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      const waitMs = (this.#wantedAtMs ?? Number.POSITIVE_INFINITY) - clock.monotonicMs();
      if (waitMs > 0) await this.#wakeup.sleepMs(clock, Math.min(IDLE_MS, waitMs));
      else await this.flush();
    }
    signal.removeEventListener('abort', stop);
  }

  /** Writes what differs, now. */
  async flush(): Promise<void> {
    this.#wantedAtMs = undefined;
    this.#lastMs = this.#options.clock.monotonicMs();
    const fields = this.#options.render();
    const changed = Object.fromEntries(
      Object.entries(fields).filter(([name, value]) => this.#written[name] !== value),
    );
    if (Object.keys(changed).length === 0) return;
    if (await this.#options.write(changed)) this.#written = { ...this.#written, ...changed };
    else this.touch(false);
  }
}
