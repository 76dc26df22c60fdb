/** A process of the gateway that is started again whenever it ends, as balena does. */
import { systemClock } from '@holdfast/kit';
import type { ManagedProcess } from '@holdfast/lab/servers';
import type { PartName } from './core/parts.ts';
import type { PartView } from './core/view.ts';

/** balena's engine waits about so long after a container has ended. */
const RESTART_MS = 1_000;

export class Part {
  readonly name: PartName;
  readonly process: ManagedProcess;
  readonly #onEnd: () => void;
  readonly #retired = new AbortController();
  #restarts = 0;

  /** `onEnd` is called whenever the process has ended and will be started again. */
  constructor(name: PartName, process: ManagedProcess, onEnd: () => void) {
    this.name = name;
    this.process = process;
    this.#onEnd = onEnd;
  }

  get view(): PartView {
    const { running, pid } = this.process;
    return { name: this.name, pid, up: running, restarts: this.#restarts };
  }

  /** Starts it unless it runs, and from then on whenever it ends. */
  keep(): void {
    void this.#keep();
  }

  async #keep(): Promise<void> {
    const { signal } = this.#retired;
    while (!signal.aborted) {
      if (!this.process.running) this.process.start();
      await this.process.exited();
      if (signal.aborted) return;
      this.#onEnd();
      await systemClock.sleepMs(RESTART_MS, signal);
      this.#restarts += 1;
    }
  }

  /** SIGKILL; it comes back. */
  async kill(): Promise<void> {
    await this.process.kill();
  }

  /** Ends it for good: orderly, or at once. */
  async retire(how: 'orderly' | 'at once'): Promise<void> {
    this.#retired.abort();
    await (how === 'orderly' ? this.process.stop() : this.process.kill());
  }
}
