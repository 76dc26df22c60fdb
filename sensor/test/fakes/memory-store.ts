/** A reading store in memory that keeps what Redis would keep, and fails on demand. */
import type { Reading } from '@holdfast/redis';
import type { AppendOutcome, ReadingStore } from '../../src/ports.ts';

export interface StoredReading {
  readonly seq: number;
  readonly sensor: string;
  readonly uptimeMs: number;
}

export class MemoryStore implements ReadingStore {
  readonly stored: StoredReading[] = [];
  readonly gaps: { readonly from: number; readonly to: number }[] = [];
  ready = true;
  /** Outcomes of the next attempts; `lost_answer` = stored, but nobody hears of it. */
  readonly script: ('full' | 'refused' | 'lost_request' | 'lost_answer')[] = [];
  attempts = 0;
  #seq = 0;

  async untilReady(signal: AbortSignal): Promise<boolean> {
    await Promise.resolve();
    return this.ready && !signal.aborted;
  }

  async append(reading: Reading, retry: boolean, skipped: number): Promise<AppendOutcome> {
    await Promise.resolve();
    this.attempts += 1;
    const trouble = this.script.shift();
    if (trouble === 'full') return { kind: 'full' };
    if (trouble === 'refused') return { kind: 'refused', code: 'NOPERM' };
    if (trouble !== 'lost_request') this.#store(reading, retry, skipped);
    return trouble === undefined ? { kind: 'stored' } : { kind: 'unknown', code: 'ECONNRESET' };
  }

  #store({ sensor, uptimeMs }: Reading, retry: boolean, skipped: number): void {
    const same = (s: StoredReading) => s.sensor === sensor && s.uptimeMs === uptimeMs;
    if (retry && this.stored.some(same)) return;
    if (skipped > 0) {
      this.gaps.push({ from: this.#seq + 1, to: this.#seq + skipped });
      this.#seq += skipped;
    }
    this.#seq += 1;
    this.stored.push({ seq: this.#seq, sensor, uptimeMs });
  }
}
