/**
 * Forwards readings to one destination, for as long as the service lives.
 *
 * States of the link (`ForwarderStatus.link`)
 * - waiting_redis: Redis is away; leaves when it answers.
 * - connecting: an attempt to open a session is under way.
 * - waiting: the last attempt or session failed; leaves after the backoff (floor 0.5 s, cap 15 s).
 * - connected: a session is up and the lanes run (or `mqtt_sender:enabled` is 0: paused).
 *
 * A session is worked through in passes. A pass runs the lanes until the session ends or something
 * changes that they must be started anew for: the cursor was set by somebody else, Redis was away,
 * forwarding was paused, a message is suspected (then the pass tests suspects one at a time).
 */
import { TransientError, backoffMs, errorCode, errorMessage } from '@holdfast/kit';
import { Bell } from './bell.ts';
import { CursorCare } from './cursor-care.ts';
import { splitOpen, openRange } from './core/progress.ts';
import { Flight } from './flight.ts';
import { LaneRunner } from './lane-runner.ts';
import type { ForwarderParts } from './forwarder-parts.ts';
import type { Session, SessionEnd } from './ports.ts';
import { Pacer } from './pacer.ts';
import { Slots } from './slots.ts';
import { Tally } from './tally.ts';

export type LinkState = 'waiting_redis' | 'connecting' | 'waiting' | 'connected';

/** Between attempts: quick after a blip, unhurried in a long outage. */
const BACKOFF = { floorMs: 500, capMs: 15_000 };
/** While suspects are tested each failure costs a connection: new readings wait, so be quick. */
const TESTING_BACKOFF = { floorMs: 500, capMs: 2_000 };
/** So many, or what one read does not hold, are sent beside the live lane instead of before it. */
const PART_AT_READINGS = 200;
/** The same failure of Redis is told at most this often: it comes with each read and each write. */
const TELL_AGAIN_MS = 60_000;
/** Until a cursor that Redis did not take is offered again. */
const STORE_AGAIN_MS = 1_000;
/** On SIGTERM: for acknowledgements under way. */
const DRAIN_MS = 2_000;

export class Forwarder {
  readonly tally = new Tally();
  readonly flight: Flight;
  readonly moreWork = new Bell();
  readonly #parts: ForwarderParts;
  readonly #runner: LaneRunner;
  readonly #care: CursorCare;
  readonly #changed = new Bell();
  #redisFailure = { error: '', toldAtMs: -Infinity };
  #link: LinkState = 'waiting_redis';
  #lastError = '';
  #enabled = true;
  #intervalSeconds = 0;
  #stale = true;
  #loading: Promise<void> | undefined;
  #nextAttemptMs = 0;
  #storingAgain = false;
  #signal = AbortSignal.abort();
  /** The last session was ended to open another one at once. */
  #resuming = false;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    this.flight = new Flight(parts.ledger, parts.clock, {
      onStoreFailed: (error) => void this.#storeAgain(error),
      onForeignCursor: () => this.reload(),
    });
    this.#runner = new LaneRunner(parts, this.flight, this.tally, this.moreWork);
    this.#care = new CursorCare(parts, this.flight, () => this.reload());
  }

  get name(): string {
    return this.#parts.destination.name;
  }

  /** Readings that may be under way at a time. */
  get windowReadings(): number {
    return this.#parts.settings.maxInFlight * this.#parts.settings.maxReadings;
  }

  get link(): LinkState {
    return this.#link;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  get lastError(): string {
    return this.#lastError;
  }

  /** Milliseconds until the next attempt to connect; 0 when none is planned. */
  get nextAttemptMs(): number {
    const { attempts } = this.#parts.destination;
    if (attempts !== undefined) return attempts.nextMs;
    return Math.max(0, this.#nextAttemptMs - this.#parts.clock.monotonicMs());
  }

  setEnabled(enabled: boolean): void {
    if (this.#enabled === enabled) return;
    this.#enabled = enabled;
    this.#runner.endPass();
    this.#changed.ring();
  }

  setIntervalSeconds(seconds: number): void {
    if (this.#intervalSeconds === seconds) return;
    this.#intervalSeconds = seconds;
    // A lane may be gathering for the old interval.
    this.#runner.endPass();
  }

  /** The stored cursor counts, not what is in memory: it was set by hand, or Redis was away. */
  reload(): void {
    this.#stale = true;
    this.#runner.endPass();
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { destination, redisReady } = this.#parts;
    this.#signal = signal;
    let attempt = 0;
    while (!signal.aborted) {
      this.#link = 'waiting_redis';
      if (!(await redisReady(signal))) break;
      this.#link = 'waiting';
      await destination.attempts?.due(signal);
      if (signal.aborted) break;
      this.#link = 'connecting';
      let failure: unknown;
      try {
        const session = await destination.connect(signal);
        const before = this.tally.acknowledgedMessages;
        const sinceMs = this.#parts.clock.monotonicMs();
        await this.#runSession(session, signal);
        // A quiet device that loses a good connection now and then is no reason to hold back.
        const lastedMs = this.#parts.clock.monotonicMs() - sinceMs;
        if (this.tally.acknowledgedMessages > before || lastedMs > BACKOFF.capMs) attempt = 0;
      } catch (error) {
        failure = error;
      }
      attempt += 1;
      if (!signal.aborted) await this.#waitBeforeAttempt(attempt, failure, signal);
    }
  }

  async #waitBeforeAttempt(attempt: number, failure: unknown, signal: AbortSignal): Promise<void> {
    const { clock, random, report, destination } = this.#parts;
    const policy = this.#runner.hurries(attempt) ? TESTING_BACKOFF : BACKOFF;
    const askedMs = failure instanceof TransientError ? (failure.retryAfterMs ?? 0) : 0;
    const ownMs = Math.max(askedMs, backoffMs(policy, attempt, random));
    const delayMs = Math.round(destination.attempts?.nextMs ?? ownMs);
    if (failure !== undefined) {
      const [code, error] = [errorCode(failure), errorMessage(failure)];
      this.#lastError = error;
      const fields = { destination: destination.name, code, error, attempt, delayMs };
      report('warn', 'connect_failed', fields);
    }
    this.#link = 'waiting';
    if (destination.attempts !== undefined) return;
    this.#nextAttemptMs = clock.monotonicMs() + delayMs;
    await clock.sleepMs(delayMs, signal);
    this.#nextAttemptMs = 0;
  }

  async #runSession(session: Session, signal: AbortSignal): Promise<void> {
    const { clock, destination, report, settings } = this.#parts;
    this.#link = 'connected';
    const { maxPayloadBytes, maxInFlight } = session;
    const { name, address } = destination;
    report('info', this.#resuming ? 'link_resumed' : 'link_up', {
      destination: name,
      address,
      maxPayloadBytes,
      maxInFlight,
    });
    this.#resuming = false;
    const over = new AbortController();
    let end: SessionEnd | undefined;
    void session.ended.then((reason) => {
      end = reason;
      over.abort();
    });
    const pacer = new Pacer(clock, settings.backlogRate);
    const slots = new Slots(Math.max(1, maxInFlight), this.#parts.gate);
    const stop = AbortSignal.any([signal, over.signal]);
    const acknowledgedBefore = this.tally.acknowledgedMessages;
    while (!stop.aborted) {
      await this.#pass(session, slots, pacer, stop);
    }
    if (end === undefined) await this.#goodbye(session);
    const underway = this.flight.underway;
    this.flight.landAll();
    await this.flight.settled();
    if (signal.aborted) return;
    const reason = end ?? (await session.ended);
    if (reason.planned === true) {
      this.#resuming = true;
      report('info', 'link_closed', { destination: name, reason: reason.reason });
      this.#runner.sessionClosed();
      return;
    }
    this.#lastError = reason.detail ?? reason.reason;
    report('warn', 'link_down', { destination: name, ...reason, unacknowledged: underway.length });
    this.#runner.sessionEnded(underway, this.tally.acknowledgedMessages - acknowledgedBefore);
  }

  async #pass(session: Session, slots: Slots, pacer: Pacer, stop: AbortSignal): Promise<void> {
    this.#runner.preparePass();
    if (!this.#enabled) {
      await this.#changed.wait(stop);
      return;
    }
    if (!(await this.#parts.redisReady(stop))) return;
    try {
      await this.ensureLoaded();
      if (!this.#runner.testing) await this.#partLanes();
      const hooks = {
        intervalSeconds: () => this.#intervalSeconds,
        onIdle: () => this.#care.whenIdle(),
      };
      await this.#runner.pass(session, slots, pacer, hooks, stop);
    } catch (error) {
      // Redis failed in the middle: what it remembers counts, not what we do.
      this.#redisFailed(error);
      this.#stale = true;
      await this.#parts.clock.sleepMs(100, stop);
    }
  }

  /** Reads the cursor from Redis if it is not known. Rejects with Redis' error. */
  async ensureLoaded(): Promise<void> {
    if (!this.#stale) return;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  async #load(): Promise<void> {
    this.#stale = false;
    try {
      const kind = await this.flight.load();
      const { report, destination } = this.#parts;
      const fields = { destination: destination.name, kind, lastId: this.flight.lowWater };
      report('info', 'cursor_loaded', fields);
      if (kind === 'unreadable') {
        report('warn', 'cursor_reset', { destination: destination.name, reason: 'unreadable' });
      }
      await this.#care.afterLoad();
    } catch (error) {
      this.#stale = true;
      throw error;
    }
  }

  /** A backlog gets a lane of its own, so that what is measured now goes out now. */
  async #partLanes(): Promise<void> {
    const { readings, settings } = this.#parts;
    if (settings.lanes === 1) return;
    const open = openRange(this.flight.available);
    const waiting = await readings.chunk(open.after, null, PART_AT_READINGS);
    if (waiting.exhausted) return;
    const at = await readings.lastId();
    this.flight.replace((progress) => splitOpen(progress, at));
    await this.#care.mark();
  }

  /** SIGTERM: nothing new is sent; what is under way may still be acknowledged. */
  async #goodbye(session: Session): Promise<void> {
    const { clock } = this.#parts;
    const untilMs = clock.monotonicMs() + DRAIN_MS;
    while (this.flight.underway.length > 0 && clock.monotonicMs() < untilMs) {
      await clock.sleepMs(20);
    }
    await session.close(true);
  }

  #redisFailed(error: unknown): void {
    const { clock, report } = this.#parts;
    const [told, message] = [this.#redisFailure, errorMessage(error)];
    this.#lastError = message;
    const nowMs = clock.monotonicMs();
    if (told.error === message && nowMs - told.toldAtMs < TELL_AGAIN_MS) return;
    this.#redisFailure = { error: message, toldAtMs: nowMs };
    report('warn', 'redis_failed', { error: message });
  }

  /** With nothing new to acknowledge nobody else would move the cursor once Redis takes it again. */
  async #storeAgain(error: unknown): Promise<void> {
    this.#redisFailed(error);
    if (this.#storingAgain) return;
    this.#storingAgain = true;
    await this.#parts.clock.sleepMs(STORE_AGAIN_MS, this.#signal);
    this.#storingAgain = false;
    if (!this.#signal.aborted) this.flight.retryStore();
  }
}
