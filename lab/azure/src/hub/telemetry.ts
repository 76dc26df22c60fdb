/**
 * The way of a device-to-cloud message into the hub: quota, traffic shaping, metering, log. Sends
 * above the tier's rate wait in a queue, and so do their PUBACKs; when the queue is longer than the
 * hub's patience the device loses its connection (MQTT has no 429).
 */
import { createHash } from 'node:crypto';
import type { Clock } from '@holdfast/kit';
import { RateLimiter, SHAPING_MS } from '../core/limits.ts';
import type { HubLimits, Meter } from '../core/limits.ts';
import { messageBytes } from '../core/property-bag.ts';
import type { PropertyBag } from '../core/property-bag.ts';
import type { EventLog } from '../event-log.ts';
import type { MessageLog } from './message-log.ts';

export interface Incoming {
  readonly deviceId: string;
  readonly body: Buffer;
  readonly bag: PropertyBag;
  readonly duplicate: boolean;
  /** Whether the device will be told. */
  readonly acknowledged: boolean;
}

export type Outcome = 'accepted' | 'throttled' | 'quota';

export interface TelemetryParts {
  readonly hub: string;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly messages: MessageLog;
  readonly meter: Meter;
  readonly limits: () => HubLimits;
}

interface Waiting {
  readonly dueMs: number;
  readonly pass: () => void;
}

export class Telemetry {
  readonly #parts: TelemetryParts;
  readonly #rate = new RateLimiter();
  readonly #end = new AbortController();
  #queue: Waiting[] = [];
  #pumping = false;

  constructor(parts: TelemetryParts) {
    this.#parts = parts;
  }

  /** Messages held back at present. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Takes a message in, now or when the rate allows it; accepted even if the device is gone by then.
   * @param done called exactly once, unless the hub is closed before
   */
  offer(message: Incoming, done: (outcome: Outcome) => void): void {
    const { clock, limits, meter } = this.#parts;
    const { sendsPerSecond, shapingMs = SHAPING_MS } = limits();
    const nowMs = clock.monotonicMs();
    if (meter.exhausted(limits(), clock.nowMs())) return done('quota');
    const delayMs = this.#rate.take(sendsPerSecond, nowMs, shapingMs);
    if (delayMs === undefined) return done('throttled');
    const pass = () => {
      this.#accept(message);
      done('accepted');
    };
    if (delayMs === 0 && this.#queue.length === 0) return pass();
    this.#queue.push({ dueMs: nowMs + delayMs, pass });
    if (!this.#pumping) void this.#pump();
  }

  /** Forgets what waits. */
  close(): void {
    this.#end.abort();
    this.#queue = [];
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    const { clock } = this.#parts;
    while (this.#queue.length > 0) {
      const waitMs = (this.#queue[0]?.dueMs ?? 0) - clock.monotonicMs();
      if (waitMs > 0) await clock.sleepMs(waitMs, this.#end.signal);
      const nowMs = clock.monotonicMs();
      let due = 0;
      while (due < this.#queue.length && (this.#queue[due]?.dueMs ?? 0) <= nowMs) due += 1;
      for (const { pass } of this.#queue.splice(0, due)) pass();
    }
    this.#pumping = false;
  }

  #accept(message: Incoming): void {
    const { hub, clock, log, messages, meter, limits } = this.#parts;
    const { deviceId, body, bag, acknowledged } = message;
    const atMs = clock.nowMs();
    const messageId = bag.system['$.mid'];
    const sha256 = createHash('sha256').update(body).digest('hex');
    const { sequence } = messages.append({
      atMs,
      deviceId,
      messageId,
      system: bag.system,
      properties: bag.user,
      body,
      bytes: body.length,
      sha256,
      blocks: meter.charge(limits(), messageBytes(body.length, bag), atMs),
      duplicate: message.duplicate,
      acknowledged,
    });
    log.append({
      event: 'message',
      hub,
      deviceId,
      sequence,
      ...(messageId === undefined ? {} : { messageId }),
      bytes: body.length,
      sha256,
      acknowledged,
    });
  }
}
