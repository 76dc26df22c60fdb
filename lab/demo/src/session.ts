/** One run of the demo: the gateway, what is observed of it, and what a person does to it. */
import { systemClock } from '@holdfast/kit';
import { KEYS, openRedis } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';
import type { Action } from './core/keys.ts';
import { Deliveries } from './core/deliveries.ts';
import type { Accepted } from './core/deliveries.ts';
import { PARTS } from './core/parts.ts';
import type { Destination, PartName } from './core/parts.ts';
import { prove } from './core/proof.ts';
import type { Proof, ReceiverCount } from './core/proof.ts';
import { Tracker } from './core/tracker.ts';
import type { DemoView, EventView } from './core/view.ts';
import { nextAttemptMs, tell } from './core/words.ts';
import type { FarSide, FarView, OpenFarSide } from './far-side.ts';
import { Observer } from './observer.ts';
import { Stack } from './stack.ts';
import { waitFor } from './wait.ts';

const LOOK_EVERY_MS = 200;
const EVENTS_KEPT = 200;
const HISTORY_SECONDS = 240;
/** For the sensor to hand over what it holds, should Redis just be on its way back. */
const REST_DEADLINE_MS = 20_000;
/**
 * For the rest of the way. The longest wait between two attempts to connect to the broker is 45 s; a
 * hub that threw us out again and again is left alone for up to 90 s, and then perhaps once more.
 */
const DELIVERY_DEADLINE_MS = { mqtt: 90_000, azure: 240_000 };

export interface SessionOptions {
  readonly destination: Destination;
  readonly openFar: OpenFarSide;
  /** Monotonic time of the moment the command was typed, milliseconds. */
  readonly startedMs: number;
  readonly limitSeconds: number | undefined;
  readonly onEvent: (event: EventView) => void;
}

export class Session implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly #deliveries = new Deliveries();
  readonly #tracker = new Tracker(this.#deliveries);
  readonly #stack: Stack;
  readonly #far: FarSide;
  readonly #ended = new AbortController();
  readonly #connections: Redis[] = [];
  readonly #events: EventView[] = [];
  #observer: Observer | undefined;
  #firstDeliveredMs: number | undefined;
  #nextAttemptAtMs = 0;
  #pageUrl: string | undefined;
  #proving = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#stack = Stack.create({
      onLine: (part, line) => this.#onLine(part, line),
      onEnd: (part) => this.#say(part, 'ended, is started again in 1 s', 'warn'),
      onPage: (url) => {
        this.#pageUrl = url;
        this.#say('page', `open ${url} in a browser`);
      },
      order: PARTS[options.destination],
    });
    this.#far = options.openFar({
      take: (payload) => this.#take(payload),
      say: (source, text, level) => this.#say(source, text, level),
    });
  }

  /** Starts everything. Rejects when a server cannot be started, with its last lines. */
  async start(): Promise<void> {
    await this.#stack.startRedis();
    // As a dashboard sees it.
    this.#observer = new Observer(this.#connect('grafana'), this.#tracker, this.#far.watched);
    void this.#look(this.#observer);
    await this.#stack.startRest(this.#far);
  }

  /** Seconds from the command to the first reading at the subscriber; undefined before it. */
  get firstDeliveredSeconds(): number | undefined {
    return this.#firstDeliveredMs === undefined
      ? undefined
      : (this.#firstDeliveredMs - this.#options.startedMs) / 1_000;
  }

  /** What each of several receivers has taken; empty where there is one. */
  get receivers(): readonly ReceiverCount[] {
    return this.#farView().cloud?.hubs ?? [];
  }

  /** Does what a key or the script says; what it takes beyond that is done behind. */
  act(action: Exclude<Action, { kind: 'quit' }>): void {
    this.#carryOut(action).catch((error: unknown) =>
      this.#say('you', `that did not work: ${String(error)}`, 'warn'),
    );
  }

  view(): DemoView {
    const nowMs = systemClock.monotonicMs();
    const waitMs = this.#nextAttemptAtMs - nowMs;
    const phase = this.#firstDeliveredMs === undefined ? 'starting' : 'running';
    return {
      elapsedSeconds: this.#elapsedSeconds(),
      limitSeconds: this.#options.limitSeconds,
      phase: this.#proving ? 'proving' : phase,
      parts: this.#stack.parts.map((part) => part.view),
      ...this.#farView(),
      measuring: this.#observer?.measuring ?? true,
      sensors: this.#tracker.sensors(nowMs),
      temperatures: this.#tracker.temperatures,
      deliveredHistory: this.#tracker.deliveredHistory(nowMs, HISTORY_SECONDS),
      produced: this.#tracker.produced,
      delivered: this.#deliveries.count,
      notDelivered: this.#tracker.notDelivered,
      missing: this.#tracker.missing,
      notAcknowledged: this.#tracker.notAcknowledged,
      acknowledgedId: this.#tracker.acknowledgedId,
      link: this.#observer?.link ?? '',
      nextAttemptInSeconds: waitMs > 0 ? waitMs / 1_000 : undefined,
      buffer: this.#observer?.buffer,
      duplicates: this.#deliveries.duplicates,
      gapReadings: this.#deliveries.gapReadings,
      firstDeliveredSeconds: this.firstDeliveredSeconds,
      events: this.#events,
      pageUrl: this.#pageUrl,
      choosing: false,
    };
  }

  /**
   * Stops measuring, waits until everything is delivered or `skip` aborts, and compares. Undefined
   * when it was not waited to the end.
   */
  async finish(skip: AbortSignal): Promise<Proof | undefined> {
    this.#proving = true;
    await this.#far.restore();
    await this.#stopMeasuring(skip);
    const deadlineMs = DELIVERY_DEADLINE_MS[this.#options.destination];
    await waitFor(() => this.#allAcknowledged(), deadlineMs, skip);
    if (skip.aborted || this.#observer === undefined) return undefined;
    return prove(await this.#observer.stream(), this.#deliveries);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    for (const redis of this.#connections) redis.disconnect();
    await this.#stack[Symbol.asyncDispose]();
  }

  async #carryOut(action: Exclude<Action, { kind: 'quit' }>): Promise<void> {
    switch (action.kind) {
      case 'press':
        this.#say('you', 'press the button');
        return this.#stack.pressButton();
      case 'kill':
        this.#say('you', `kill -9 ${action.part}`);
        return this.#stack.kill(action.part);
      case 'network':
      case 'move':
      case 'throttle':
      case 'disable':
      case 'reprovision':
      case 'hub':
        return this.#far.act(action.kind);
    }
  }

  #farView(): FarView {
    return this.#far.view(this.#observer?.hash ?? (() => ({})));
  }

  /** After this nothing is added to the stream any more. */
  async #stopMeasuring(skip: AbortSignal): Promise<void> {
    const admin = this.#connect('redis');
    let told = false;
    const tellSensor = () => {
      if (told || admin.status !== 'ready') return told;
      admin.set(KEYS.enabled.key, '0').then(
        () => (told = true),
        () => {},
      );
      return told;
    };
    await waitFor(tellSensor, REST_DEADLINE_MS, skip);
    await waitFor(() => this.#observer?.sensorAtRest === true, REST_DEADLINE_MS, skip);
    await this.#stack.retire('sensor');
    // One more whole look, so that what the sensor stored last is known.
    await this.#observer?.look();
  }

  #allAcknowledged(): boolean {
    return this.#tracker.notDelivered === 0 && this.#tracker.notAcknowledged === 0;
  }

  async #look(observer: Observer): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await observer.look();
      await systemClock.sleepMs(LOOK_EVERY_MS, signal);
    }
  }

  #connect(user: string): Redis {
    const redis = openRedis(this.#stack.redisSettings(user), `demo-${user}`, () => {});
    this.#connections.push(redis);
    return redis;
  }

  #take(payload: string): Accepted {
    const accepted = this.#deliveries.take(payload);
    const nowMs = systemClock.monotonicMs();
    if (accepted.fresh.length > 0) this.#firstDeliveredMs ??= nowMs;
    this.#tracker.delivered(accepted.fresh, nowMs);
    return accepted;
  }

  #onLine(part: PartName, line: string): void {
    const told = tell(line);
    if (told !== undefined) this.#say(part, told.text, told.level);
    const waitMs = part === 'mqtthandler' ? nextAttemptMs(line) : undefined;
    if (waitMs !== undefined) this.#nextAttemptAtMs = systemClock.monotonicMs() + waitMs;
  }

  #say(source: string, text: string, level: EventView['level'] = 'info'): void {
    const event = { elapsedSeconds: this.#elapsedSeconds(), source, text, level };
    this.#events.push(event);
    if (this.#events.length > EVENTS_KEPT) this.#events.shift();
    this.#options.onEvent(event);
  }

  #elapsedSeconds(): number {
    return (systemClock.monotonicMs() - this.#options.startedMs) / 1_000;
  }
}
