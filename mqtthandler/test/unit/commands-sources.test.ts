/** Several sources of commands: what one of them does or suffers is no concern of the others. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import type { IPublishPacket, MqttClient } from 'mqtt';
import { ManualClock } from '@holdfast/kit/testing';
import { MqttCommands } from '../../src/adapters/mqtt-commands.ts';
import type { MqttSession } from '../../src/adapters/mqtt-session.ts';
import { AnswerGuard } from '../../src/commands/answer-guard.ts';
import type { AnswerSink } from '../../src/commands/ports.ts';
import { runnerOf } from '../../src/hub/commands.ts';
import type { PublishOutcome, SessionEnd } from '../../src/ports.ts';
import { CommandBench } from '../fakes/command-bench.ts';

const READ = { command: 'get_config', key: 'measurement:interval' };
const SET = { command: 'set_config', key: 'measurement:interval', value: 5 };

/** A way back that keeps what it is given and never says how it fared. */
function stuck(): AnswerSink {
  return { maxBytes: 1_000, send: () => new Promise(() => {}) };
}

describe('a source whose answers get stuck', () => {
  test('holds up no command of another one', async () => {
    using bench = new CommandBench();
    bench.answers.attach('mqtt', stuck());
    void bench.engine.submit(bench.request(READ));
    void bench.engine.submit(bench.request({ command: 'nothing' }));
    void bench.engine.submit(bench.request({ ...SET, id: 'a' }));
    await bench.clock.advance(1_000);
    void bench.engine.submit(bench.request({ ...SET, id: 'a' }));
    await bench.clock.advance(1_000);
    const answers: unknown[] = [];
    const run = runnerOf((request) => bench.engine.submit(request));
    for (const command of [READ, SET, { ...SET, id: 'b' }]) {
      void run(command).then((answer) => answers.push(answer));
    }
    await bench.clock.advance(1_000);
    assert.equal(answers.length, 3);
  });

  test('holds up no stored answer of another one', async () => {
    using bench = new CommandBench();
    bench.answers.attach('mqtt', stuck());
    await bench.store.apply({
      answers: [
        { source: 'mqtt', answer: '{"a":1}' },
        { source: 'hub', answer: '{"b":2}' },
      ],
    });
    const sent: string[] = [];
    bench.answers.attach('hub', {
      maxBytes: 1_000,
      send: async (answer) => sent.push(answer) > 0,
    });
    await bench.clock.advance(1_000);
    assert.deepEqual(sent, ['{"b":2}']);
    const left = await bench.store.outbox('0-0', 10);
    assert.deepEqual(
      left.map(({ source }) => source),
      ['mqtt'],
    );
  });
});

describe('a flood of commands from one source', () => {
  const flood = async (bench: CommandBench, source: string) => {
    for (let i = 0; i < 70; i += 1) {
      void bench.engine.submit(bench.request({ command: 'get_status' }, { source }));
    }
    await bench.clock.advance(0);
  };

  test('takes nothing from what another one may send', async () => {
    using bench = new CommandBench();
    await flood(bench, 'mqtt');
    const run = runnerOf((request) => bench.engine.submit(request));
    const answer = run(SET);
    await bench.clock.advance(0);
    assert.equal((await answer)['error'], undefined);
  });

  test('leaves no call of a method unanswered, and counts none of them for later', async () => {
    using bench = new CommandBench();
    await flood(bench, 'hub');
    const sent: string[] = [];
    bench.answers.attach('hub', { maxBytes: 1_000, send: async (text) => sent.push(text) > 0 });
    await bench.clock.advance(1_500);
    assert.equal(sent.length, 1, 'those of the flood, which had no response to carry');
    await flood(bench, 'hub');
    const run = runnerOf((request) => bench.engine.submit(request));
    const answers: unknown[] = [];
    for (let i = 0; i < 70; i += 1) void run(SET).then((answer) => answers.push(answer));
    await bench.clock.advance(0);
    assert.equal(answers.length, 70);
  });
});

/** The commands of one MQTT session whose broker answers what is published as a test says. */
class MqttBench {
  readonly clock: ManualClock;
  readonly published: string[] = [];
  readonly acknowledged: number[] = [];
  readonly refused: string[] = [];
  sink: AnswerSink | undefined;
  outcome: PublishOutcome = { kind: 'acknowledged' };
  end: (reason: string) => void = () => {};
  readonly #client;

  constructor(clock = new ManualClock(), guard = new AnswerGuard(clock)) {
    this.clock = clock;
    const stream = {
      destroyed: false,
      writable: true,
      write: (puback: Buffer) => void this.acknowledged.push(puback.readUInt16BE(2)),
    };
    this.#client = Object.assign(new EventEmitter(), { subscribe: () => {}, stream }) as unknown;
    const commands = new MqttCommands(
      this.#client as MqttClient,
      this.clock,
      {
        topics: ['t'],
        answerTopic: 'r',
        submit: async ({ payload }) => (await this.sink?.send(JSON.stringify(payload))) ?? false,
        attach: (_source, sink) => {
          this.sink = sink;
          return () => {};
        },
        onRefused: () => {},
        onAnswerRefused: (code) => void this.refused.push(code),
      },
      guard,
    );
    const ended = new Promise<SessionEnd>((resolve) => {
      this.end = (reason) => resolve({ reason });
    });
    commands.start({
      maxPayloadBytes: 1_000,
      ended,
      answer: async (answer: string) => {
        this.published.push(answer);
        return this.outcome;
      },
    } as unknown as MqttSession);
  }

  receive(messageId: number): void {
    const packet = { qos: 1, messageId, topic: 't', payload: `{"n":${messageId}}` };
    (this.#client as MqttClient).handleMessage(packet as IPublishPacket, () => {});
  }
}

const FORBIDDEN = { kind: 'later', code: 'not_authorized' } as const;

describe('a broker that does not take answers', () => {
  test('is asked a few times; then the command is acknowledged and the refusal told', async () => {
    const bench = new MqttBench();
    bench.outcome = FORBIDDEN;
    bench.receive(1);
    await bench.clock.advance(60_000);
    assert.deepEqual(bench.acknowledged, [1]);
    assert.deepEqual(bench.refused, ['not_authorized']);
    assert.ok(bench.published.length > 1 && bench.published.length < 6);
  });

  test('holds nothing up once that is known, until it takes one again', async () => {
    const bench = new MqttBench();
    bench.outcome = FORBIDDEN;
    bench.receive(1);
    await bench.clock.advance(60_000);
    const before = bench.published.length;
    bench.receive(2);
    bench.receive(3);
    await bench.clock.advance(0);
    assert.deepEqual(bench.acknowledged, [1, 2, 3]);
    assert.equal(bench.published.length, before + 2);
    bench.outcome = { kind: 'acknowledged' };
    bench.receive(4);
    await bench.clock.advance(0);
    bench.outcome = FORBIDDEN;
    bench.receive(5);
    await bench.clock.advance(0);
    assert.deepEqual(bench.acknowledged, [1, 2, 3, 4]);
    bench.outcome = { kind: 'acknowledged' };
    await bench.clock.advance(60_000);
    assert.deepEqual(bench.acknowledged, [1, 2, 3, 4, 5]);
    assert.equal(bench.refused.length, 3);
  });

  test('leaves an answer undelivered when the session ends before the last try', async () => {
    const bench = new MqttBench();
    bench.outcome = FORBIDDEN;
    const delivered = bench.sink?.send('{}');
    await bench.clock.advance(100);
    bench.end('stopped');
    assert.equal(await delivered, false);
    assert.deepEqual(bench.refused, []);
  });
});

describe('sessions that end with an answer under way', () => {
  const setUp = () => {
    const clock = new ManualClock();
    const guard = new AnswerGuard(clock);
    /** A session with a command to be answered. */
    const session = async (kind: 'lost' | 'acknowledged'): Promise<MqttBench> => {
      const bench = new MqttBench(clock, guard);
      bench.outcome = { kind };
      bench.receive(1);
      await clock.advance(0);
      return bench;
    };
    const ending = async (reason: string, afterMs = 0) => {
      const bench = await session('lost');
      await clock.advance(afterMs);
      bench.end(reason);
      await clock.advance(0);
      assert.deepEqual(bench.acknowledged, [], 'to be delivered again');
      return bench.published.length;
    };
    return { clock, guard, session, ending };
  };

  test('after a refusal of the answer count as well', async () => {
    const { clock, guard } = setUp();
    for (let i = 0; i < 3; i += 1) {
      const bench = new MqttBench(clock, guard);
      bench.outcome = FORBIDDEN;
      bench.receive(1);
      await clock.advance(100);
      bench.end('closed_by_peer');
      await clock.advance(0);
      assert.deepEqual([bench.acknowledged, bench.refused], [[], []]);
    }
    assert.ok(guard.stoodMs > 0);
  });

  test('by the other side, again and again, let the answers be given up', async () => {
    const { clock, session, ending } = setUp();
    for (let i = 0; i < 3; i += 1) assert.equal(await ending('closed_by_peer'), 1);
    assert.equal(await ending('closed_by_peer', 10_000), 0, 'first the session must stand');
    for (let i = 0; i < 2; i += 1) assert.equal(await ending('closed_by_peer', 25_000), 1);
    const barred = await session('acknowledged');
    assert.deepEqual([barred.acknowledged, barred.published], [[1], []]);
    assert.deepEqual(barred.refused, ['connection_closed']);
    await clock.advance(600_000);
    barred.receive(2);
    await clock.advance(0);
    assert.deepEqual([barred.acknowledged, barred.published.length], [[1, 2], 1], 'tried again');
  });

  test('for another reason, or after an acknowledgement, prove nothing', async () => {
    const { session, ending } = setUp();
    for (let i = 0; i < 10; i += 1) {
      assert.equal(await ending('puback_timeout'), 1);
      assert.equal(await ending('closed_by_peer'), 1);
      const good = await session('acknowledged');
      assert.deepEqual([good.acknowledged, good.refused], [[1], []]);
    }
  });
});
