/**
 * Commands over MQTT: subscribed with QoS 1 in a persistent session, so that the broker keeps what is
 * sent while the device is away. A command is acknowledged only after it was answered or stored.
 *
 * mqtt.js handles packets one after the other and acknowledges a PUBLISH before it looks at the next
 * packet: waiting there for Redis would hold up the acknowledgements of our readings. So it is told
 * to go on, and the PUBACKs are written here, in the order of the commands [MQTT-4.6.0-2].
 */
import { createHash } from 'node:crypto';
import type { IPublishPacket, MqttClient } from 'mqtt';
import { errorMessage } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import type { AnswerGuard } from '../commands/answer-guard.ts';
import type { AnswerSink, CommandRequest } from '../commands/ports.ts';
import { MAX_COMMAND_BYTES } from '../core/commands/json.ts';
import type { SessionEnd } from '../ports.ts';
import type { MqttSession } from './mqtt-session.ts';

export interface MqttCommandSettings {
  /** To all devices, and to this one. */
  readonly topics: readonly string[];
  readonly answerTopic: string;
  /** Resolves true when the command may be acknowledged. */
  readonly submit: (request: CommandRequest) => Promise<boolean>;
  /** Says that answers can be sent; returns how to say that they cannot any more. */
  readonly attach: (source: string, sink: AnswerSink) => () => void;
  /** The broker does not let us subscribe. */
  readonly onRefused: (error: string) => void;
  /** The broker does not take an answer: it is given up, its command counts as answered. */
  readonly onAnswerRefused: (code: string) => void;
}

const SOURCE = 'mqtt';
/** Ends of a session that may be the broker's answer to an answer. */
const HUNG_UP = new Set(['closed_by_peer', 'ECONNRESET', 'EPIPE', 'not_authorized']);
/** Before each further try after the broker has said "later" to an answer; then it is given up. */
const LATER_MS = [2_000, 4_000, 8_000];

export class MqttCommands {
  readonly #client: MqttClient;
  readonly #clock: Clock;
  readonly #settings: MqttCommandSettings;
  readonly #guard: AnswerGuard;
  /** Before the session is up there is no way to answer. */
  readonly #started: Promise<void>;
  #start: () => void = () => {};
  #acknowledged: Promise<void> = Promise.resolve();
  /** The broker forbids answers, and has taken none since: each gets one try. */
  #forbidden = false;
  #startedMs = 0;
  /** An answer was acknowledged in this session, or was lost with it. */
  #judged = false;

  /**
   * Takes a client that has not yet received its CONNACK.
   * @param guard the same for all sessions with a broker
   */
  constructor(client: MqttClient, clock: Clock, settings: MqttCommandSettings, guard: AnswerGuard) {
    this.#guard = guard;
    this.#client = client;
    this.#clock = clock;
    this.#settings = settings;
    this.#started = new Promise((resolve) => {
      this.#start = resolve;
    });
    client.handleMessage = (packet, goOn) => {
      this.#receive(packet);
      // mqtt.js sends no PUBACK after an error, and goes on with the next packet.
      goOn(packet.qos === 0 ? undefined : new Error('acknowledged later'));
    };
  }

  /** The session is up: subscribes, and takes the commands that have come already. */
  start(session: MqttSession): void {
    this.#startedMs = this.#clock.monotonicMs();
    const over = new AbortController();
    const detach = this.#settings.attach(SOURCE, {
      maxBytes: session.maxPayloadBytes,
      send: (answer) => this.#send(session, answer, over.signal),
    });
    void session.ended.then(() => {
      over.abort();
      detach();
    });
    this.#start();
    // Retained commands are refused: 2 = do not even send them, and keep the flag to know them by.
    const options = { qos: 1, rh: 2, rap: true, nl: false } as const;
    const topics = Object.fromEntries(this.#settings.topics.map((topic) => [topic, options]));
    this.#client.subscribe(topics, (error) => {
      if (error && !over.signal.aborted) this.#settings.onRefused(errorMessage(error));
    });
  }

  #receive(packet: IPublishPacket): void {
    const taken = this.#started.then(() => this.#submit(packet));
    const { messageId } = packet;
    if (packet.qos === 0 || messageId === undefined) return;
    this.#acknowledged = this.#acknowledged.then(async () => {
      if (await taken) this.#acknowledge(messageId);
    });
  }

  async #submit(packet: IPublishPacket): Promise<boolean> {
    if (!this.#settings.topics.includes(packet.topic)) {
      // The session remembers what an earlier configuration subscribed to.
      this.#client.unsubscribe(packet.topic);
      return true;
    }
    const payload =
      typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    return await this.#settings.submit({
      source: SOURCE,
      payload,
      retained: packet.retain,
      deliveryId: `${packet.messageId ?? 0}:${digest(payload)}`,
      redelivered: packet.dup,
    });
  }

  /** PUBACK: the same four bytes in MQTT 3.1.1 (3.4) and, for success, in MQTT 5 (3.4.2.1). */
  #acknowledge(messageId: number): void {
    const { stream } = this.#client;
    if (!stream.destroyed && stream.writable) {
      stream.write(Buffer.from([0x40, 2, messageId >> 8, messageId & 0xff]));
    }
  }

  /** A broker that will not have an answer must not hold up the next ones, nor the commands. */
  async #send(session: MqttSession, answer: string, over: AbortSignal): Promise<boolean> {
    await this.#untilTrusted(over);
    if (over.aborted) return false;
    for (let tries = 0; !over.aborted; tries += 1) {
      if (this.#guard.barred) {
        this.#settings.onAnswerRefused('connection_closed');
        return true;
      }
      const outcome = await session.answer(answer);
      if (outcome.kind === 'lost') break;
      if (outcome.kind === 'acknowledged') {
        this.#forbidden = false;
        this.#judged = true;
        this.#guard.acknowledged();
        return true;
      }
      const waitMs = outcome.kind === 'later' && !this.#forbidden ? LATER_MS[tries] : undefined;
      if (waitMs === undefined) {
        this.#forbidden ||= outcome.code === 'not_authorized';
        this.#settings.onAnswerRefused(outcome.code);
        return true;
      }
      await this.#clock.sleepMs(waitMs, over);
    }
    this.#lost(await session.ended);
    return false;
  }

  async #untilTrusted(over: AbortSignal): Promise<void> {
    const waitMs = this.#startedMs + this.#guard.stoodMs - this.#clock.monotonicMs();
    if (waitMs > 0 && !this.#guard.barred) await this.#clock.sleepMs(waitMs, over);
  }

  #lost({ reason }: SessionEnd): void {
    if (!this.#judged && HUNG_UP.has(reason)) this.#guard.struck();
    this.#judged = true;
  }
}

/** Tells one command without an id from another. */
function digest(payload: Uint8Array): string {
  if (payload.length > MAX_COMMAND_BYTES) return 'large';
  return createHash('sha256').update(payload).digest('hex').slice(0, 16);
}
