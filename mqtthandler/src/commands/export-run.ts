/** One export at work: which of its messages are under way, and how far it has come. */
import {
  exhausted,
  exportFailed,
  exportPace,
  exported,
  isFinished,
  skipped,
} from '../core/commands/export.ts';
import type { ExportJob } from '../core/commands/export.ts';
import type { PublishOutcome } from '../ports.ts';

interface Flying {
  readonly upTo: string;
  readonly count: number;
  state: 'underway' | 'acknowledged' | 'unsendable';
}

export class ExportRun {
  #job: ExportJob;
  /** In the order sent. */
  #flying: Flying[] = [];
  #readFrom: string;
  #drained = false;
  /** Nothing more is to be sent: it was cancelled. */
  halted = false;

  constructor(job: ExportJob) {
    this.#job = job;
    this.#readFrom = job.after;
  }

  get job(): ExportJob {
    return this.#job;
  }

  get underway(): number {
    return this.#flying.length;
  }

  get finished(): boolean {
    return this.underway === 0 && (this.#drained || isFinished(this.#job));
  }

  /** What to read next; undefined while nothing more may be under way. */
  next(maxReadings: number): { after: string; upTo: string; count: number } | undefined {
    const { count, window } = exportPace(this.#job, maxReadings);
    if (this.halted || this.#drained || this.underway >= window) return undefined;
    const flying = this.#flying.reduce((sum, message) => sum + message.count, 0);
    const left = (this.#job.remaining ?? Infinity) - flying;
    if (left <= 0) return undefined;
    return { after: this.#readFrom, upTo: this.#job.upTo, count: Math.min(count, left) };
  }

  /** Nothing is left to read. */
  drained(): void {
    this.#drained = true;
    if (this.underway === 0) this.#job = exhausted(this.#job);
  }

  /** A message is on its way; call the result with how it fared. */
  sending(upTo: string, count: number): (outcome: PublishOutcome) => void {
    const message: Flying = { upTo, count, state: 'underway' };
    this.#flying.push(message);
    this.#readFrom = upTo;
    return (outcome) => this.#landed(message, outcome);
  }

  /** A reading too large for a message. */
  unsendable(upTo: string, count: number): void {
    this.#flying.push({ upTo, count, state: 'unsendable' });
    this.#readFrom = upTo;
    this.#advance();
  }

  #landed(message: Flying, outcome: PublishOutcome): void {
    if (!this.#flying.includes(message)) return;
    if (outcome.kind === 'acknowledged') {
      message.state = 'acknowledged';
      this.#advance();
    } else {
      this.#again(outcome.kind);
    }
  }

  #advance(): void {
    while (this.#flying[0] !== undefined && this.#flying[0].state !== 'underway') {
      const [{ upTo, count, state }] = this.#flying as [Flying];
      this.#job = (state === 'acknowledged' ? exported : skipped)(this.#job, upTo, count);
      this.#flying.shift();
    }
  }

  /** What is not acknowledged is read again; smaller, unless the destination only said "later". */
  #again(why: 'refused' | 'later' | 'lost'): void {
    const first = this.#flying[0];
    if (why !== 'later' && first !== undefined) {
      this.#job = exportFailed(this.#job, first.upTo, first.count);
    }
    this.#flying = [];
    this.#readFrom = this.#job.after;
    this.#drained = false;
  }
}
