/** The provisioner's part of Redis, in memory. */
import type { HubReport } from '../../src/core/outcome.ts';
import type { Inbox, Loaded, Store, Written } from '../../src/ports.ts';

export class FakeStore implements Store {
  written: Written | undefined;
  request: string | undefined;
  report: HubReport | undefined;
  /** While set, everything is rejected. */
  down = false;
  saves = 0;

  untilReachable(): Promise<void> {
    return Promise.resolve();
  }

  async load(): Promise<Loaded> {
    this.#check();
    const { state = {}, given = 'none' } = this.written ?? {};
    const assignment = given === 'none' ? {} : given.assignment;
    return { state, assignment, usedGeneration: this.report?.generation ?? 0 };
  }

  async save(written: Written): Promise<void> {
    this.#check();
    this.saves += 1;
    this.written = written;
  }

  async inbox(written: Written): Promise<Inbox> {
    this.#check();
    const intact = JSON.stringify(written) === JSON.stringify(this.written);
    return { request: this.request, report: this.report, intact };
  }

  async takeRequest(request: string): Promise<void> {
    this.#check();
    if (this.request === request) this.request = undefined;
  }

  wipe(): void {
    this.written = undefined;
  }

  #check(): void {
    if (this.down) throw new Error('Redis is away');
  }
}
