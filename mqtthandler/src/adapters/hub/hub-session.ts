/** One connection to the hub that is up, as the forwarder uses it. */
import { createHash } from 'node:crypto';
import type { Clock } from '@holdfast/kit';
import { messageId } from '../../core/hub/wire.ts';
import type { MessageIds, Payload, PublishOutcome, Session, SessionEnd } from '../../ports.ts';

/** A connection that is up: what a session needs of the SDK's client. */
export interface HubConnection {
  /** Resolves when it is gone, with the words of whoever knows why. */
  readonly closed: Promise<string>;
  /** Sends one message, QoS 1; true when the hub has acknowledged it. Never rejects. */
  send(body: string, messageId: string): Promise<boolean>;
  close(graceful: boolean): Promise<void>;
}

export interface HubSessionSettings {
  readonly deviceId: string;
  readonly maxPayloadBytes: number;
  readonly maxInFlight: number;
  readonly pubackTimeoutMs: number;
}

/** How often the age of the oldest unacknowledged message is looked at. */
const PUBACK_CHECK_MS = 500;
/** Before we change over to another connection: for acknowledgements under way. */
const DRAIN_MS = 5_000;
const DRAIN_LOOK_MS = 10;

interface Underway {
  readonly sentAtMs: number;
  readonly resolve: (outcome: PublishOutcome) => void;
}

export class HubSession implements Session {
  readonly maxPayloadBytes: number;
  readonly maxInFlight: number;
  readonly ended: Promise<SessionEnd>;
  readonly #client: HubConnection;
  readonly #clock: Clock;
  readonly #settings: HubSessionSettings;
  readonly #underway = new Set<Underway>();
  /** Came while the connection was being given up: not sent. */
  readonly #unsent: ((outcome: PublishOutcome) => void)[] = [];
  readonly #timer: NodeJS.Timeout;
  #resolveEnded: (end: SessionEnd) => void = () => {};
  #end: SessionEnd | undefined;
  #retiring = false;
  /** Why we say goodbye: the closed connection that follows is no failure. */
  #leaving: SessionEnd | undefined;
  #lastAnswerMs = -Infinity;

  constructor(client: HubConnection, clock: Clock, settings: HubSessionSettings) {
    this.#client = client;
    this.#clock = clock;
    this.#settings = settings;
    this.maxPayloadBytes = settings.maxPayloadBytes;
    this.maxInFlight = settings.maxInFlight;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    void client.closed.then((detail) => {
      this.#finish(this.#leaving ?? { reason: 'closed_by_peer', detail });
    });
    this.#timer = setInterval(() => this.#checkPubacks(), PUBACK_CHECK_MS);
  }

  publish(payload: Payload, ids: MessageIds): Promise<PublishOutcome> {
    if (this.#end !== undefined) return Promise.resolve({ kind: 'lost' });
    const body = typeof payload === 'string' ? payload : new TextDecoder().decode(payload);
    return new Promise((resolve) => {
      if (this.#retiring) this.#unsent.push(resolve);
      else this.#send(body, ids, resolve);
    });
  }

  async close(graceful: boolean): Promise<void> {
    await this.#leave({ reason: 'stopped' }, graceful);
  }

  /**
   * Gives the connection up for another one: nothing new is sent, what is under way may still be
   * acknowledged for a while. The session then ends as planned.
   */
  async retire(reason: string): Promise<void> {
    if (this.#end !== undefined || this.#retiring) return;
    this.#retiring = true;
    const untilMs = this.#clock.monotonicMs() + DRAIN_MS;
    while (this.#underway.size > 0 && this.#clock.monotonicMs() < untilMs) {
      if (this.#isOver()) return;
      await this.#clock.sleepMs(DRAIN_LOOK_MS);
    }
    await this.#leave({ reason, planned: true }, true);
  }

  async #leave(end: SessionEnd, graceful: boolean): Promise<void> {
    if (this.#isOver()) return;
    this.#leaving ??= end;
    await this.#client.close(graceful);
    this.#finish(this.#leaving);
  }

  #isOver(): boolean {
    return this.#end !== undefined;
  }

  #send(body: string, ids: MessageIds, resolve: Underway['resolve']): void {
    const underway: Underway = { sentAtMs: this.#clock.monotonicMs(), resolve };
    this.#underway.add(underway);
    const digest = createHash('sha1').update(body).digest('hex').slice(0, 8);
    const id = messageId(this.#settings.deviceId, ids, digest);
    void this.#client.send(body, id).then((acknowledged) => {
      const [oldest] = this.#underway;
      if (!this.#underway.delete(underway)) return;
      // PUBACKs come in the order of the messages [MQTT-4.6.0-2]: one out of turn is no progress.
      if (oldest === underway) this.#lastAnswerMs = this.#clock.monotonicMs();
      resolve({ kind: acknowledged ? 'acknowledged' : 'lost' });
      // A message that failed alone leaves nobody to send it again: the session ends with it.
      if (!acknowledged) this.#finish({ reason: 'send_failed' });
    });
  }

  /** Each answer is progress: on a slow line a whole window may take longer than one message may. */
  #checkPubacks(): void {
    const [oldest] = this.#underway;
    if (oldest === undefined) return;
    const waitingSinceMs = Math.max(oldest.sentAtMs, this.#lastAnswerMs);
    if (this.#clock.monotonicMs() - waitingSinceMs > this.#settings.pubackTimeoutMs) {
      this.#finish({ reason: 'puback_timeout' });
    }
  }

  #finish(end: SessionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    clearInterval(this.#timer);
    void this.#client.close(false);
    for (const { resolve } of this.#underway) resolve({ kind: 'lost' });
    for (const resolve of this.#unsent) resolve({ kind: 'lost' });
    this.#underway.clear();
    this.#unsent.length = 0;
    this.#resolveEnded(end);
  }
}
