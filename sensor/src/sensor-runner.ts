/**
 * One sensor at work: opened, measured at each tick, opened anew after a failure. Runs beside the
 * others: a sensor that is slow or hangs delays nobody, it misses its own ticks.
 */
import { errorCode, errorMessage } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import type { Reading } from '@holdfast/redis';
import { mayMeasure, step } from './core/health.ts';
import type { Health, HealthChange } from './core/health.ts';
import { judge } from './core/quality.ts';
import type { Probe, Quantities, Sensor } from './ports.ts';
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
      const quantities = await withTimeLimit(work, MEASURE_LIMIT_MS, clock, () =>
        timedOut(this.id, MEASURE_LIMIT_MS),
      );
      this.#deliver(quantities);
    } catch (error) {
      this.#probe = undefined;
      this.#failed(error);
      // A sensor that hangs is not asked a second time before it has let go.
      await work.catch(() => {});
    } finally {
      this.#measuring = undefined;
    }
  }

  async #measure(): Promise<Quantities> {
    const probe = this.#probe ?? (await this.#options.sensor.open());
    const quantities = await probe.measure();
    this.#probe = probe;
    return quantities;
  }

  #deliver(quantities: Quantities): void {
    const { clock, boot, sensor, onReading, onHealth } = this.#options;
    const judged = judge(quantities, sensor.ranges);
    // (_sensor, _boot, _uptime_ms) tells readings apart when an append is repeated: two of them
    // taken within a millisecond, a late one and a punctual one, must not look the same.
    this.#lastUptimeMs = Math.max(Math.round(clock.monotonicMs()), this.#lastUptimeMs + 1);
    const { state, change } = step(this.#health, { type: 'measured' });
    this.#health = state;
    onReading({
      sensor: sensor.id,
      boot,
      uptimeMs: this.#lastUptimeMs,
      quantities: judged.quantities,
      ...(judged.quality === undefined ? {} : { quality: judged.quality }),
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
