/** Tells what becomes of the sensors, without letting one with a loose contact flood the events. */
import { onChange, onTime, startFlapping } from './core/flapping.ts';
import type { Flapping } from './core/flapping.ts';
import type { Health, HealthChange } from './core/health.ts';
import type { StatusFields } from './status-board.ts';

type HealthEventName = 'sensor_found' | 'sensor_lost' | 'sensor_flapping';

export class HealthTeller {
  readonly #tell: (event: HealthEventName, fields: StatusFields) => void;
  readonly #sensors = new Map<string, { flapping: Flapping; health: Health }>();

  constructor(tell: (event: HealthEventName, fields: StatusFields) => void) {
    this.#tell = tell;
  }

  /** A sensor has changed. */
  changed(
    sensor: string,
    change: Exclude<HealthChange, undefined>,
    health: Health,
    nowMs: number,
  ): void {
    const before = this.#sensors.get(sensor)?.flapping ?? startFlapping(nowMs);
    const { state, tell, summary } = onChange(before, nowMs);
    this.#summarise(sensor, summary, health);
    this.#sensors.set(sensor, { flapping: state, health });
    if (!tell) return;
    if (change === 'found' || health.kind !== 'lost') this.#tell('sensor_found', { sensor });
    else this.#tell('sensor_lost', { sensor, code: health.code, error: health.message });
  }

  /** Time passes: what was only counted is told. */
  passed(nowMs: number): void {
    for (const [sensor, { flapping, health }] of this.#sensors) {
      const { state, summary } = onTime(flapping, nowMs);
      this.#sensors.set(sensor, { flapping: state, health });
      this.#summarise(sensor, summary, health);
    }
  }

  #summarise(sensor: string, changes: number, health: Health): void {
    if (changes === 0) return;
    const state = health.kind === 'lost' ? 'lost' : 'ok';
    this.#tell('sensor_flapping', { sensor, changes, state });
  }
}
