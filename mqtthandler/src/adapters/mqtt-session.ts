/** One MQTT connection that is up: publishing with QoS 1, and noticing in bounded time that it died. */
import type { IDisconnectPacket, MqttClient } from 'mqtt';
import { errorCode, errorMessage } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import { classifyPuback, disconnectReason } from '../core/classify.ts';
import type { Payload, PublishOutcome, Session, SessionEnd } from '../ports.ts';
import type { PayloadPool } from './payload-pool.ts';

export interface MqttSessionSettings {
  readonly topic: string;
  /** Where answers to commands go. */
  readonly answerTopic: string;
  /** The broker's Receive Maximum: messages and answers that may be unacknowledged together. */
  readonly window: number;
  readonly maxPayloadBytes: number;
  readonly maxInFlight: number;
  readonly pubackTimeoutMs: number;
}

/** A graceful DISCONNECT that gets no further is cut off. */
const GOODBYE_MS = 1_000;

interface Waiting {
  readonly topic: string;
  readonly payload: Payload;
  readonly resolve: (outcome: PublishOutcome) => void;
}

interface Underway {
  readonly sentAtMs: number;
  readonly resolve: (outcome: PublishOutcome) => void;
}

export class MqttSession implements Session {
  readonly maxPayloadBytes: number;
  readonly maxInFlight: number;
  readonly ended: Promise<SessionEnd>;
  readonly #client: MqttClient;
  readonly #clock: Clock;
  readonly #topic: string;
  readonly #answerTopic: string;
  readonly #window: number;
  readonly #pubackTimeoutMs: number;
  /** In the order sent: a broker acknowledges in that order [MQTT-4.6.0-2]. */
  readonly #underway = new Set<Underway>();
  readonly #payloads: PayloadPool;
  /** More than the window takes: answers beside a full window of readings. */
  #waiting: Waiting[] = [];
  /** Set while a message is under way, for the time when the oldest is overdue. */
  #timer: NodeJS.Timeout | undefined;
  #resolveEnded: (end: SessionEnd) => void = () => {};
  #end: SessionEnd | undefined;
  #lastAnswerMs = -Infinity;
  #stopping = false;

  /** Takes over a client that has just received its CONNACK. */
  constructor(
    client: MqttClient,
    clock: Clock,
    payloads: PayloadPool,
    settings: MqttSessionSettings,
  ) {
    this.#client = client;
    this.#payloads = payloads;
    this.#clock = clock;
    this.#topic = settings.topic;
    this.#answerTopic = settings.answerTopic;
    this.#window = settings.window;
    this.#pubackTimeoutMs = settings.pubackTimeoutMs;
    this.maxPayloadBytes = settings.maxPayloadBytes;
    this.maxInFlight = settings.maxInFlight;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    client.on('disconnect', (packet: IDisconnectPacket) => {
      this.#finish({ reason: disconnectReason(packet.reasonCode ?? 0) });
    });
    client.on('error', (error) => {
      this.#finish({ reason: errorCode(error), detail: errorMessage(error) });
    });
    client.on('close', () => {
      this.#finish({ reason: this.#stopping ? 'stopped' : 'closed_by_peer' });
    });
  }

  publish(payload: Payload): Promise<PublishOutcome> {
    return this.#enqueue(this.#topic, payload);
  }

  /** Sends an answer to a command, QoS 1; never rejects. */
  answer(payload: string): Promise<PublishOutcome> {
    return this.#enqueue(this.#answerTopic, payload);
  }

  async close(graceful: boolean): Promise<void> {
    this.#stopping = true;
    if (this.#end === undefined && graceful) {
      await Promise.race([
        this.#client.endAsync(false).catch(() => {}),
        this.#clock.sleepMs(GOODBYE_MS),
      ]);
    }
    this.#finish({ reason: 'stopped' });
  }

  #enqueue(topic: string, payload: Payload): Promise<PublishOutcome> {
    if (this.#end !== undefined) return Promise.resolve({ kind: 'lost' });
    return new Promise((resolve) => {
      this.#waiting.push({ topic, payload, resolve });
      this.#sendWaiting();
    });
  }

  #sendWaiting(): void {
    while (this.#underway.size < this.#window) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#send(next);
    }
  }

  #send({ topic, payload, resolve }: Waiting): void {
    const underway: Underway = { sentAtMs: this.#clock.monotonicMs(), resolve };
    this.#underway.add(underway);
    this.#timer ??= setTimeout(() => this.#checkPubacks(), this.#pubackTimeoutMs);
    const encoded =
      typeof payload === 'string' ? this.#payloads.encode(payload) : asBuffer(payload);
    this.#client.publish(topic, encoded, { qos: 1 }, (error) => {
      if (!this.#underway.delete(underway)) return;
      this.#payloads.giveBack(encoded);
      this.#lastAnswerMs = this.#clock.monotonicMs();
      resolve(error ? this.#failed(error) : { kind: 'acknowledged' });
      this.#sendWaiting();
    });
  }

  #failed(error: Error): PublishOutcome {
    const code = Number(errorCode(error));
    if (!Number.isInteger(code)) {
      this.#finish({ reason: errorCode(error), detail: errorMessage(error) });
      return { kind: 'lost' };
    }
    const { verdict, reason } = classifyPuback(code);
    return verdict === 'acknowledged' ? { kind: 'acknowledged' } : { kind: verdict, code: reason };
  }

  /** On a slow line a whole window may take longer than one message may: each answer is progress. */
  #checkPubacks(): void {
    this.#timer = undefined;
    const [oldest] = this.#underway;
    if (oldest === undefined) return;
    const waitingSinceMs = Math.max(oldest.sentAtMs, this.#lastAnswerMs);
    const leftMs = waitingSinceMs + this.#pubackTimeoutMs - this.#clock.monotonicMs();
    if (leftMs <= 0) this.#finish({ reason: 'puback_timeout' });
    else this.#timer = setTimeout(() => this.#checkPubacks(), Math.ceil(leftMs));
  }

  #finish(end: SessionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    clearTimeout(this.#timer);
    this.#client.end(true);
    // A goodbye under way makes end() do nothing; the socket must go all the same.
    this.#client.stream.destroy();
    for (const { resolve } of [...this.#underway, ...this.#waiting]) resolve({ kind: 'lost' });
    this.#underway.clear();
    this.#waiting = [];
    this.#resolveEnded(end);
  }
}

/** The same memory: mqtt.js takes nothing but a Buffer. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
