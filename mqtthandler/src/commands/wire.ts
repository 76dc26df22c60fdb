/** Puts remote commands together. */
import { RepeatFilter, systemClock } from '@holdfast/kit';
import { untilReady } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import { readBootId } from '../adapters/boot-id.ts';
import { verifier } from '../adapters/ed25519.ts';
import type { MqttCommandSettings } from '../adapters/mqtt-commands.ts';
import { RedisCommands } from '../adapters/redis-commands.ts';
import { BalenaSupervisor } from '../adapters/supervisor.ts';
import { deviceOf } from '../config.ts';
import type { Config } from '../config.ts';
import { expandTopic } from '../core/topic.ts';
import type { LaneContext } from '../lane-context.ts';
import { Answers } from './answers.ts';
import { CommandEngine } from './engine.ts';
import type { CommandEvents, CommandReport } from './engine.ts';
import { Executor } from './executor.ts';
import { Exports } from './exports.ts';
import { Reboots } from './reboots.ts';

export interface CommandLog extends CommandEvents {
  commands_refused_by_broker: { error: string };
  /** `count` answers since the service started; told of the first one, and then now and then. */
  answers_refused_by_broker: { code: string; count: number };
}

export interface Commands {
  /** Part of the MQTT destination's settings. */
  readonly mqtt: MqttCommandSettings;
  /** Part of a destination's forwarder: sends what `send_measurements` asks for. */
  lane(destination: string): (context: LaneContext, signal: AbortSignal) => Promise<void>;
  /** Takes commands from any source. */
  readonly engine: CommandEngine;
  readonly answers: Answers;
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function openCommands(
  config: Config,
  redis: Redis,
  callbacks: {
    readonly report: CommandReport;
    readonly onSubscribeRefused: (error: string) => void;
    /** The broker does not take answers. */
    readonly onAnswersRefused: (fields: CommandLog['answers_refused_by_broker']) => void;
    /** A destination's cursor was set by command. */
    readonly onCursorSet: (key: string) => void;
    /** Destinations that are on. */
    readonly destinations: readonly string[];
  },
): Commands {
  const device = deviceOf(config);
  const { report } = callbacks;
  const redisReady = (signal: AbortSignal) => untilReady(redis, signal);
  const store = new RedisCommands(redis);
  const answers = new Answers(store, systemClock);
  const shared = { store, answers, clock: systemClock, report, redisReady };
  const exports = new Exports({
    ...shared,
    readingsPerSecond: config.SEND_MEASUREMENTS_MAX_READINGS_PER_SECOND,
  });
  const { BALENA_SUPERVISOR_ADDRESS: address, BALENA_SUPERVISOR_API_KEY: apiKey } = config;
  const supervisor = address === undefined ? undefined : new BalenaSupervisor(address, apiKey);
  const reboots = new Reboots({ ...shared, supervisor, bootId: readBootId() });
  const { onCursorSet } = callbacks;
  const executor = new Executor({ store, clock: systemClock, exports, reboots, onCursorSet });
  const key = config.COMMAND_PUBLIC_KEY;
  const verify = key === undefined ? undefined : verifier(key);
  const engine = new CommandEngine({ ...shared, executor, parse: { device: device.uuid, verify } });
  const topics = [config.MQTT_TOPIC_BROADCAST, config.MQTT_TOPIC_REQUEST];
  const repeated = new RepeatFilter();
  let refusedAnswers = 0;
  return {
    mqtt: {
      topics: topics.map((topic) => expandTopic(topic, device)),
      answerTopic: expandTopic(config.MQTT_TOPIC_RESPONSE, device),
      submit: (request) => engine.submit(request),
      attach: (source, sink) => answers.attach(source, sink),
      onRefused: callbacks.onSubscribeRefused,
      onAnswerRefused: (code) => {
        refusedAnswers += 1;
        if (repeated.shouldLog(code)) callbacks.onAnswersRefused({ code, count: refusedAnswers });
      },
    },
    lane: (destination) => {
      // A command goes out where it came from; one from a source that is gone, wherever it can.
      const { destinations } = callbacks;
      const serves = (source: string) =>
        (destinations.includes(source) ? source : destinations[0]) === destination;
      return (context, signal) => exports.lane(context, signal, serves);
    },
    engine,
    answers,
    run: (signal) => engine.run(signal),
  };
}
