/** The command engine on a store in memory, with time that stands until it is moved. */
import assert from 'node:assert/strict';
import { ManualClock } from '@holdfast/kit/testing';
import { Answers } from '../../src/commands/answers.ts';
import { CommandEngine } from '../../src/commands/engine.ts';
import { Executor } from '../../src/commands/executor.ts';
import { Exports } from '../../src/commands/exports.ts';
import type { CommandRequest, Supervisor } from '../../src/commands/ports.ts';
import { Reboots } from '../../src/commands/reboots.ts';
import { FakeCommands } from './fake-commands.ts';

export class CommandBench implements Disposable {
  readonly clock = new ManualClock();
  readonly store: FakeCommands;
  readonly sent: Record<string, unknown>[] = [];
  readonly cursorsSet: string[] = [];
  readonly engine: CommandEngine;
  readonly answers: Answers;
  readonly exports: Exports;
  online = true;
  readonly #stop = new AbortController();
  #deliveries = 0;

  constructor(store = new FakeCommands(), bootId = 'boot-1', supervisor?: Supervisor) {
    const { clock } = this;
    this.store = store;
    this.answers = new Answers(store, clock);
    const redisReady = async (signal: AbortSignal) => !signal.aborted;
    const shared = { store, clock, answers: this.answers, report: () => {}, redisReady };
    this.exports = new Exports({ ...shared, readingsPerSecond: 1_000 });
    const reboots = new Reboots({ ...shared, supervisor, bootId });
    const onCursorSet = (key: string) => void this.cursorsSet.push(key);
    const executor = new Executor({
      store,
      clock,
      exports: this.exports,
      reboots,
      onCursorSet,
    });
    const parse = { device: 'd1', verify: undefined };
    this.engine = new CommandEngine({ ...shared, executor, parse });
    this.answers.attach('mqtt', {
      maxBytes: 1_000,
      send: async (answer) => {
        if (this.online) this.sent.push(JSON.parse(answer) as Record<string, unknown>);
        return this.online;
      },
    });
    void this.engine.run(this.#stop.signal);
  }

  request(command: object, extra: Partial<CommandRequest> = {}): CommandRequest {
    this.#deliveries += 1;
    return {
      source: 'mqtt',
      payload: command as CommandRequest['payload'],
      retained: false,
      deliveryId: `${this.#deliveries}`,
      redelivered: false,
      ...extra,
    };
  }

  /** Resolves whether the transport may acknowledge the command. */
  async submit(command: object, extra: Partial<CommandRequest> = {}): Promise<boolean> {
    const taken: boolean[] = [];
    void this.engine.submit(this.request(command, extra)).then((result) => taken.push(result));
    for (let second = 0; second < 60 && taken.length === 0; second += 1) {
      await this.clock.advance(1_000);
    }
    await this.clock.advance(0);
    assert.equal(taken.length, 1, 'the command is neither taken nor refused');
    return taken[0] === true;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}

/** Of an answer that says why a command was not carried out. */
export function codeOf(answer: Record<string, unknown> | undefined): string | undefined {
  return (answer as { error?: { code: string } } | undefined)?.error?.code;
}
