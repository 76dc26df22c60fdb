/** The keeper of the twin on a twin in memory, with time that stands until it is moved. */
import { ManualClock, seededRandom } from '@holdfast/kit/testing';
import type { JsonObject } from '../../src/core/commands/json.ts';
import { patched } from '../../src/core/hub/twin.ts';
import type { Carried } from '../../src/core/hub/twin.ts';
import type { TwinLink } from '../../src/hub/ports.ts';
import { HubTwin } from '../../src/hub/twin.ts';

/** A twin in memory that a test can make fail. */
export class FakeTwin implements TwinLink {
  desired: JsonObject = { $version: 1 };
  reported: JsonObject = { $version: 1 };
  failures: Error[] = [];
  refuses: (patch: JsonObject) => boolean = () => false;
  calls: string[] = [];
  push: (patch: JsonObject) => void = () => {};

  onDesired(listener: (patch: JsonObject) => void): Promise<void> {
    this.push = listener;
    return this.#call('subscribe', undefined);
  }

  readTwin() {
    return this.#call('read', { desired: this.desired, reported: this.reported });
  }

  reportTwin(patch: JsonObject) {
    if (this.refuses(patch)) this.failures.push(new Error('twin_failure 400 0'));
    this.reported = this.failures.length > 0 ? this.reported : patched(this.reported, patch);
    return this.#call('report', undefined);
  }

  #call<T>(name: string, result: T): Promise<T> {
    this.calls.push(name);
    const failure = this.failures.shift();
    return failure === undefined ? Promise.resolve(result) : Promise.reject(failure);
  }
}

export class TwinBench implements Disposable {
  readonly clock = new ManualClock();
  readonly link = new FakeTwin();
  readonly commands: unknown[] = [];
  readonly memory = new Map<string, Carried>();
  /** What the next commands are answered; then every one is done. */
  readonly answers: (JsonObject | Error)[] = [];
  readonly twin: HubTwin;
  state: JsonObject = { services: {} };
  #stop = new AbortController();

  constructor() {
    this.twin = new HubTwin({
      memory: {
        load: () => Promise.resolve(new Map(this.memory)),
        store: (key, carried) => {
          if (carried === null) this.memory.delete(key);
          else this.memory.set(key, carried);
          return Promise.resolve();
        },
      },
      run: (command) => {
        this.commands.push(command);
        const answer = this.answers.shift() ?? {};
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
      clock: this.clock,
      random: seededRandom(1),
      report: () => {},
      summary: () => Promise.resolve(this.state),
    });
  }

  async connect(): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    void this.twin.serve(this.link, this.#stop.signal);
    await this.clock.advance(1_000);
  }

  /** A late answer over the present connection. */
  answer(answer: JsonObject): Promise<boolean> {
    return this.twin.reportAnswer(answer, this.#stop.signal);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}
