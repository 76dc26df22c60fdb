/** Measuring in memory, with the failures of a Redis that goes away; keeps ids as Redis does. */
import type { Measuring, Press, Toggled } from '../../src/ports.ts';

export class FakeMeasuring implements Measuring {
  measuring = true;
  toggles = 0;
  readonly expired: number[] = [];
  /** `lost_answer`: carried out, but the caller is told of a failure. */
  mode: 'up' | 'down' | 'lost_answer' | 'refusing' = 'up';
  readonly #seen = new Set<string>();
  #waiting: (() => void)[] = [];

  async toggle(press: Press, ageMs: number): Promise<Toggled> {
    if (this.mode === 'down' || this.mode === 'refusing') {
      throw Object.assign(new Error('no Redis'), { code: 'ECONNREFUSED' });
    }
    const outcome = this.#carryOut(press, ageMs);
    if (this.mode === 'lost_answer') {
      this.mode = 'down';
      throw Object.assign(new Error('cut off'), { code: 'ECONNRESET' });
    }
    return { outcome, measuring: this.measuring };
  }

  untilReachable(signal: AbortSignal): Promise<void> {
    if (this.mode !== 'down' || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  comeBack(): void {
    this.mode = 'up';
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #carryOut(press: Press, ageMs: number): Toggled['outcome'] {
    if (this.#seen.has(press.id)) return 'repeated';
    this.#seen.add(press.id);
    if (ageMs > 5_000) {
      this.expired.push(ageMs);
      return 'expired';
    }
    this.toggles += 1;
    this.measuring = !this.measuring;
    return 'toggled';
  }
}
