/**
 * The service: asks the schedule what to do, lets the sensors measure, hands readings to the writer
 * and keeps everybody informed (log, events, status).
 */
import type { Clock, Log, Random } from '@holdfast/kit';
import { KEYS, parseEnabled } from '@holdfast/redis';
import { healthText } from './core/health.ts';
import type { Health, HealthChange } from './core/health.ts';
import { PendingReadings } from './core/pending.ts';
import { dueMs, intervalSetting, startSchedule, step } from './core/schedule.ts';
import type { Schedule, ScheduleEffect, ScheduleEvent } from './core/schedule.ts';
import { HealthTeller } from './health-teller.ts';
import { Journal } from './journal.ts';
import type { SensorLog } from './log.ts';
import type { AppendOutcome, PendingFile, ReadingStore, Sensor } from './ports.ts';
import { SensorRunner } from './sensor-runner.ts';
import { StatusBoard } from './status-board.ts';
import type { StatusFields } from './status-board.ts';
import { Wakeup } from './wakeup.ts';
import { Writer, troubleOf } from './writer.ts';

/** A device whose Redis does not answer measures at its default interval after this time. */
const SETTINGS_GRACE_MS = 2_000;
/** At the end: for measurements under way, then for readings on their way to Redis. */
const SETTLE_MS = 1_000;
const FLUSH_MS = 2_000;
/** And then, for writing down what could not be handed over. */
const KEEP_MS = 1_000;
const IDLE_MS = 3_600_000;
const SHOWN_CHARACTERS = 80;

export interface AppOptions {
  readonly intervalSeconds: number;
  readonly pendingMax: number;
  /** Where readings that wait are kept beside the memory; undefined = nowhere. */
  readonly pendingFile: PendingFile | undefined;
  readonly boot: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log<SensorLog>;
  readonly store: ReadingStore;
  readonly writeEvent: (event: string, fields: StatusFields) => void;
  readonly writeStatus: (fields: StatusFields) => Promise<boolean>;
}

export class SensorApp {
  readonly #options: AppOptions;
  readonly #runners: SensorRunner[] = [];
  readonly #pending: PendingReadings;
  readonly #journal: Journal | undefined;
  readonly #writer: Writer;
  readonly #board: StatusBoard;
  readonly #wakeup = new Wakeup();
  readonly #started: string;
  #schedule: Schedule;
  #stopped = false;
  #readings = 0;
  #missedTicks = 0;
  #lastError = '';
  #storeTrouble: string | undefined;
  #detection = '';
  #tried = '';
  readonly #teller = new HealthTeller((event, fields) => this.#tell(event, fields));

  constructor(options: AppOptions) {
    const { clock, random, store, pendingFile: file } = options;
    this.#options = options;
    this.#started = new Date(clock.nowMs()).toISOString();
    this.#pending = new PendingReadings(options.pendingMax);
    if (file !== undefined) this.#journal = this.#makeJournal(file);
    this.#writer = new Writer({
      pending: this.#pending,
      store,
      clock,
      random,
      onOutcome: (outcome, skipped) => this.#onOutcome(outcome, skipped),
      onStored: this.#journal?.stored,
      onLosing: this.#journal?.losing,
    });
    this.#board = new StatusBoard({
      clock,
      render: () => this.#status(),
      write: options.writeStatus,
    });
    this.#schedule = startSchedule(
      clock.monotonicMs(),
      options.intervalSeconds * 1000,
      SETTINGS_GRACE_MS,
    );
  }

  /** Readings that an earlier life of the service could not hand over; to be called first of all. */
  async carryOver(): Promise<void> {
    const count = (await this.#journal?.load()) ?? 0;
    if (count > 0) this.#tell('readings_carried_over', { count });
  }

  /** A further sensor; measured at once while measuring, then at every tick. */
  add(sensor: Sensor): void {
    const runner = new SensorRunner({
      sensor,
      boot: this.#options.boot,
      clock: this.#options.clock,
      onReading: (reading) => {
        this.#readings += 1;
        this.#writer.add(reading);
      },
      onHealth: (change, health) => this.#onHealth(sensor.id, change, health),
    });
    this.#runners.push(runner);
    if (this.#schedule.kind === 'measuring') runner.tick();
    this.#board.touch(true);
  }

  has(sensorId: string): boolean {
    return this.#runners.some((runner) => runner.id === sensorId);
  }

  isLost(sensorId: string): boolean {
    return this.#runners.some(({ id, health }) => id === sensorId && health.kind === 'lost');
  }

  /** What looking for sensors has come to, for the status: in short, and address by address. */
  detection(text: string, tried: string): void {
    if (text === this.#detection && tried === this.#tried) return;
    this.#board.touch(text !== this.#detection);
    this.#detection = text;
    this.#tried = tried;
  }

  /** The button is on a wire of the sensors' bus. */
  gpioConflict(pin: string, text: string): void {
    this.#lastError = text;
    this.#options.log.warn('gpio_conflict', { pin, error: text });
    this.#options.writeEvent('gpio_conflict', { pin, error: text });
    this.#board.touch(true);
  }

  /** Values of `measurement:interval` and `measurement:enabled` as they stand in Redis. */
  settings(interval: string | null, enabled: string | null): void {
    this.#dispatch({
      type: 'settings',
      nowMs: this.#options.clock.monotonicMs(),
      interval: intervalSetting(interval),
      enabled: parseEnabled(enabled),
    });
    this.#wakeup.ring();
  }

  connected(): void {
    this.#board.forget();
  }

  /** Measures until `signal` aborts, then hands over what it can. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, writeEvent, log, intervalSeconds } = this.#options;
    const sensors = this.#runners.map((runner) => runner.id).join(' ');
    log.info('started', { sensors, intervalSeconds });
    writeEvent('service_started', { sensors, interval_seconds: intervalSeconds });
    this.#board.touch(true);
    const background = [this.#writer.run(signal), this.#board.run(signal)];
    void this.#journal?.run(signal);
    const stop = () => this.#wakeup.ring();
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      const waitMs = (dueMs(this.#schedule) ?? Number.POSITIVE_INFINITY) - clock.monotonicMs();
      // Whole milliseconds, upwards: a timer that is early would only have to wait again.
      if (waitMs > 0) await this.#wakeup.sleepMs(clock, Math.min(IDLE_MS, Math.ceil(waitMs)));
      else this.#dispatch({ type: 'clock', nowMs: clock.monotonicMs() });
    }
    await this.#finish(background);
  }

  async #finish(background: readonly Promise<void>[]): Promise<void> {
    const { clock } = this.#options;
    const settled = Promise.all(this.#runners.map(async (runner) => runner.settled()));
    const limit = new AbortController();
    await Promise.race([settled, clock.sleepMs(SETTLE_MS, limit.signal)]);
    limit.abort();
    const endMs = clock.monotonicMs() + FLUSH_MS;
    const flushed = Promise.all(background).then(async () => {
      await this.#writer.flush(endMs);
      this.#stopped = true;
      await this.#board.flush();
    });
    await Promise.race([flushed, clock.sleepMs(FLUSH_MS)]);
    const kept = this.#journal?.look(true).then(() => true) ?? true;
    if (await Promise.race([kept, clock.sleepMs(KEEP_MS)])) return;
    this.#notKept('ETIMEDOUT', `${this.#pending.size} readings not written within ${KEEP_MS} ms`);
  }

  #makeJournal(file: PendingFile): Journal {
    const { clock, random } = this.#options;
    return new Journal({
      pending: this.#pending,
      file,
      clock,
      random,
      onFailed: (code, error) => this.#notKept(code, error),
      onBadFile: (badLine, aside) => this.#tell('pending_file_damaged', { line: badLine, aside }),
    });
  }

  #notKept(code: string, error: string): void {
    const file = this.#options.pendingFile?.path ?? '';
    this.#lastError = `${file}: ${code}`;
    this.#options.log.warn('pending_not_kept', { file, code, error });
    this.#board.touch(true);
  }

  #dispatch(event: ScheduleEvent): void {
    const { state, effects } = step(this.#schedule, event);
    this.#schedule = state;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: ScheduleEffect): void {
    switch (effect.type) {
      case 'measure':
        for (const runner of this.#runners) runner.tick();
        this.#teller.passed(this.#options.clock.monotonicMs());
        this.#board.touch(false);
        return;
      case 'missed':
        this.#missedTicks += effect.ticks;
        return;
      case 'paused':
      case 'resumed':
        this.#tell(`measuring_${effect.type}`, {});
        return;
      case 'interval_changed':
        this.#tell('interval_changed', { interval_seconds: effect.intervalMs / 1000 });
        return;
      case 'interval_refused': {
        const { min, max } = KEYS.interval.value;
        this.#tell('interval_refused', {
          value: effect.raw.slice(0, SHOWN_CHARACTERS),
          kept_seconds: this.#schedule.intervalMs / 1000,
          allowed: `${min} to ${max}`,
        });
      }
    }
  }

  /** A change of state: one log line, one event, status soon. */
  #tell(event: keyof SensorLog, fields: StatusFields): void {
    this.#options.log.info(event, fields);
    this.#options.writeEvent(event, fields);
    this.#board.touch(true);
  }

  #onHealth(sensor: string, change: HealthChange, health: Health): void {
    if (health.kind === 'lost' || health.kind === 'unsure') {
      this.#lastError = `${sensor}: ${health.code} ${health.message}`;
    }
    if (change === undefined) this.#board.touch(false);
    else this.#teller.changed(sensor, change, health, this.#options.clock.monotonicMs());
  }

  #onOutcome(outcome: AppendOutcome, skipped: number): void {
    if (skipped > 0) this.#tell('readings_dropped', { count: skipped });
    const trouble = troubleOf(outcome);
    if (trouble === this.#storeTrouble) return;
    this.#storeTrouble = trouble;
    if (trouble === undefined) {
      this.#options.log.info('storing_again', { pending: this.#pending.size });
      this.#board.touch(true);
      return;
    }
    this.#lastError = `redis: ${trouble}`;
    if (outcome.kind === 'full') this.#tell('redis_full', { pending: this.#pending.size });
    else this.#options.log.warn('not_stored', { code: trouble });
  }

  #status(): StatusFields {
    const { kind, intervalMs } = this.#schedule;
    const sum = (of: (runner: SensorRunner) => number) =>
      this.#runners.reduce((total, runner) => total + of(runner), 0);
    return {
      started: this.#started,
      state: this.#stopped ? 'stopped' : kind,
      interval_seconds: intervalMs / 1000,
      ...Object.fromEntries(this.#runners.map((r) => [`sensor:${r.id}`, healthText(r.health)])),
      readings: this.#readings,
      pending: this.#pending.size,
      dropped: this.#pending.dropped,
      missed_ticks: this.#missedTicks,
      busy_ticks: sum((runner) => runner.busyTicks),
      last_error: this.#lastError,
      detection: this.#detection,
      tried: this.#tried,
    };
  }
}
