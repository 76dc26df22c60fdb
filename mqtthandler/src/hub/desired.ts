/**
 * Carries out desired properties over one connection. What could not be done for now (too many
 * commands, something under way, Redis away) is done again with growing waits: a desired value is told
 * once, nobody would send it a second time.
 */
import { backoffMs, errorMessage } from '@holdfast/kit';
import type { Clock, Random } from '@holdfast/kit';
import type { JsonObject } from '../core/commands/json.ts';
import { carriedOut, isPassing, withdraws } from '../core/hub/twin.ts';
import type { Carried, Wish } from '../core/hub/twin.ts';
import type { HubReport, RunCommand, TwinMemory } from './ports.ts';

export interface DesiredParts {
  readonly memory: TwinMemory;
  readonly run: RunCommand;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: HubReport;
}

const BACKOFF = { floorMs: 5_000, capMs: 300_000 };

export class DesiredConfig {
  readonly #parts: DesiredParts;
  /** What is to be done again, by key. */
  readonly #postponed = new Map<string, Wish>();
  #attempts = 0;
  #dueAtMs = Infinity;

  constructor(parts: DesiredParts) {
    this.#parts = parts;
  }

  /** Milliseconds until `again` has something to do; Infinity when nothing is postponed. */
  get dueInMs(): number {
    return Math.max(0, this.#dueAtMs - this.#parts.clock.monotonicMs());
  }

  /** The whole document was read: what is still desired of it comes as new wishes. */
  forget(): void {
    this.#postponed.clear();
    this.#attempts = 0;
    this.#dueAtMs = Infinity;
  }

  /**
   * Gives up what a change to desired properties takes back. The wishes of that change do not tell it:
   * what was never answered is not among what was carried out.
   */
  withdraw(change: JsonObject): void {
    for (const key of this.#postponed.keys()) {
      if (withdraws(change, key)) this.#postponed.delete(key);
    }
  }

  /** Carries out wishes and enters what came of them into `carried`. Never rejects. */
  async carryOut(
    wishes: readonly Wish[],
    carried: Map<string, Carried>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const wish of wishes) {
      if (signal.aborted) return;
      this.#postponed.delete(wish.key);
      await this.#one(wish, carried);
    }
    if (this.#postponed.size === 0) this.forget();
    else if (this.#dueAtMs === Infinity) this.#postpone();
  }

  /** Does again what was postponed, if its time has come. Never rejects. */
  async again(carried: Map<string, Carried>, signal: AbortSignal): Promise<void> {
    if (this.dueInMs > 0) return;
    this.#dueAtMs = Infinity;
    await this.carryOut([...this.#postponed.values()], carried, signal);
  }

  #postpone(): void {
    const { clock, random } = this.#parts;
    this.#attempts += 1;
    this.#dueAtMs = clock.monotonicMs() + backoffMs(BACKOFF, this.#attempts, random);
  }

  async #one(wish: Wish, carried: Map<string, Carried>): Promise<void> {
    const { memory, run, report } = this.#parts;
    const { key, value, version } = wish;
    try {
      if (value === null) {
        // No longer desired: the value stays as it is.
        carried.delete(key);
        await memory.store(key, null);
        return;
      }
      // Until it is answered: whatever goes wrong, it is done again.
      this.#postponed.set(key, wish);
      const outcome = carriedOut(wish, await run({ command: 'set_config', key, value }));
      if (!isPassing(outcome)) this.#postponed.delete(key);
      const before = carried.get(key);
      carried.set(key, outcome);
      if (before?.version !== version || before.outcome !== outcome.outcome) {
        report('info', 'desired_set', { key, version, outcome: outcome.outcome });
      }
      await memory.store(key, outcome);
    } catch (error) {
      // Not remembered: at the latest it is carried out again at the next connection.
      report('warn', 'hub_fault', { what: `desired ${key}`, error: errorMessage(error) });
    }
  }
}
