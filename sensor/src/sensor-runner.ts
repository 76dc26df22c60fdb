/**
 * One sensor at work: opened, measured at each tick, opened anew after a failure. Runs beside the
 * others: a sensor that is slow or hangs delays nobody, it misses its own ticks.
 */
import { errorCode, errorMessage } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import type { Reading } from '@holdfast/redis';
import { mayMeasure, step } from './core/health.ts';
import type { Health, HealthChange } from './core/health.ts';
import type { Measurement } from './core/measurement.ts';
import { judge } from './core/quality.ts';
import { isStuck, repeated } from './core/stuck.ts';
import type { Repetition } from './core/stuck.ts';
import type { Probe, Sensor } from './ports.ts';
import { timedOut, withTimeLimit } from './time-limit.ts';

/** For opening and measuring together, whatever the driver does. */
const MEASURE_LIMIT_MS = 10_000;

export interface RunnerOptions {
  readonly sensor: Sensor;
  readonly boot: string;
  readonly clock: Clock;
  readonly onReading: (reading: Reading) => void;
  readonly onHealth: (change: HealthChange, health: Health) => void;
}

export class SensorRunner {
  readonly #options: RunnerOptions;
  #health: Health = { kind: 'new' };
  #probe: Probe | undefined;
  #measuring: Promise<void> | undefined;
  #repetition: Repetition | undefined;
  #lastUptimeMs = 0;
  #busyTicks = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#options.sensor.id;
  }

  get health(): Health {
    return this.#health;
  }

  /** Ticks at which the measurement before was still under way. */
  get busyTicks(): number {
    return this.#busyTicks;
  }

  /** Starts a measurement, unless one is under way or the sensor is lost and not yet due again. */
  tick(): void {
    if (this.#measuring !== undefined) {
      this.#busyTicks += 1;
      return;
    }
    if (!mayMeasure(this.#health, this.#options.clock.monotonicMs())) return;
    this.#measuring = this.#run();
  }

  /** Resolves when no measurement is under way. */
  async settled(): Promise<void> {
    await this.#measuring;
  }

  async #run(): Promise<void> {
    const work = this.#measure();
    const { clock } = this.#options;
    try {
      const measurement = await withTimeLimit(work, MEASURE_LIMIT_MS, clock, () =>
        timedOut(this.id, MEASURE_LIMIT_MS),
      );
      this.#deliver(measurement);
    } catch (error) {
      this.#failed(error);
      if (this.#health.kind !== 'unsure') this.#forget();
      // A sensor that hangs is not asked a second time before it has let go.
      await work.catch(() => {});
    } finally {
      this.#measuring = undefined;
    }
  }

  async #measure(): Promise<Measurement> {
    const probe = this.#probe ?? (await this.#options.sensor.open());
    const measurement = await probe.measure();
    this.#probe = probe;
    return measurement;
  }

  /** What comes next may be another chip. */
  #forget(): void {
    this.#probe = undefined;
    this.#repetition = undefined;
  }

  #deliver(measurement: Measurement): void {
    const { clock, boot, sensor, onReading, onHealth } = this.#options;
    const judged = judge(measurement.quantities, sensor.ranges);
    const nowMs = clock.monotonicMs();
    this.#repetition = repeated(this.#repetition, measurement.raw, nowMs);
    const stuck = isStuck(this.#repetition, sensor.stuck, nowMs) ? 'stuck' : undefined;
    // One word only: the gravest. Values that are missing come first.
    const quality = judged.quality ?? stuck ?? measurement.quality;
    // (_sensor, _boot, _uptime_ms) tells readings apart when an append is repeated: two of them
    // taken within a millisecond, a late one and a punctual one, must not look the same.
    this.#lastUptimeMs = Math.max(Math.round(nowMs), this.#lastUptimeMs + 1);
    const { state, change } = step(this.#health, { type: 'measured' });
    this.#health = state;
    onReading({
      sensor: sensor.id,
      boot,
      uptimeMs: this.#lastUptimeMs,
      quantities: judged.quantities,
      ...(quality === undefined ? {} : { quality }),
    });
    onHealth(change, state);
  }

  #failed(error: unknown): void {
    const { state, change } = step(this.#health, {
      type: 'failed',
      code: errorCode(error),
      message: errorMessage(error),
      nowMs: this.#options.clock.monotonicMs(),
    });
    this.#health = state;
    this.#options.onHealth(change, state);
  }
}
