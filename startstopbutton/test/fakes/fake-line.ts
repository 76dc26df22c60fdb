/** A line in memory, driven by the test. */
import type { Clock } from '@holdfast/kit';
import type { Level } from '../../src/core/contact.ts';
import { LineError } from '../../src/core/line-error.ts';
import type { GpioLine, LineListener } from '../../src/ports.ts';

export class FakeLine implements GpioLine {
  readonly backend = 'fake';
  readonly remarks: string[] = [];
  level: Level = 1;
  /** Set = opening fails with it. */
  failure: LineError | undefined;
  opened = 0;
  readonly #clock: Clock;
  #listener: LineListener | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#listener !== undefined;
  }

  async open(listener: LineListener): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.opened += 1;
    this.#listener = listener;
    listener.onOpened(this.level);
  }

  async close(): Promise<void> {
    this.#listener = undefined;
  }

  drive(level: Level): void {
    if (level === this.level) return;
    this.level = level;
    this.#listener?.onEdge(level, this.#clock.monotonicMs(), false);
  }

  lose(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onLost(new LineError('line_lost', 'unplugged'));
  }
}
