/**
 * What the demo knows of the stream and of what became of its entries. Times are milliseconds of the
 * monotonic clock since boot, which `_uptime_ms` is too.
 */
import { compareIds, fieldOf, identityOf } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import type { Deliveries } from './deliveries.ts';
import { foreignName, readingName } from './deliveries.ts';
import { quantities } from './quantities.ts';
import { Rate } from './rates.ts';
import type { SensorView } from './view.ts';

const TEMPERATURES = 240;
const STREAM_ID = /^\d+-\d+$/;

interface SensorState {
  readonly rate: Rate;
  values: readonly string[];
}

export class Tracker {
  readonly #deliveries: Deliveries;
  readonly #sensors = new Map<string, SensorState>();
  readonly #produced = new Set<string>();
  /** Stored and not received: name -> newest id. */
  readonly #waiting = new Map<string, string>();
  #unacknowledged: string[] = [];
  #acknowledgedId = '';
  #lastId = '-';
  readonly #temperatures: number[] = [];
  readonly #deliveredRate = new Rate();

  constructor(deliveries: Deliveries) {
    this.#deliveries = deliveries;
  }

  /** Id of the newest entry seen, `-` before the first. */
  get lastId(): string {
    return this.#lastId;
  }

  get produced(): number {
    return this.#produced.size;
  }

  get notDelivered(): number {
    return this.#waiting.size;
  }

  /**
   * Acknowledged and not received: lost, where the receiver is known to have everything that it
   * acknowledges.
   */
  get missing(): number {
    const upTo = this.#acknowledgedId;
    if (!STREAM_ID.test(upTo)) return 0;
    return [...this.#waiting.values()].filter((id) => compareIds(id, upTo) <= 0).length;
  }

  get notAcknowledged(): number {
    return this.#unacknowledged.length;
  }

  get acknowledgedId(): string {
    return this.#acknowledgedId;
  }

  get temperatures(): readonly number[] {
    return this.#temperatures;
  }

  sensors(nowMs: number): SensorView[] {
    return [...this.#sensors]
      .map(([id, { rate, values }]) => ({ id, perSecond: rate.perSecond(nowMs), values }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  deliveredHistory(nowMs: number, seconds: number): number[] {
    return this.#deliveredRate.history(nowMs, seconds);
  }

  /** Entries of the stream that follow `lastId`. */
  stored(entries: readonly StreamEntry[], nowMs: number): void {
    for (const [id, fields] of entries) {
      this.#lastId = id;
      this.#unacknowledged.push(id);
      const identity = identityOf(fields);
      if (identity === undefined && fieldOf(fields, '_gap') !== undefined) continue;
      const name =
        identity === undefined ? foreignName(id) : readingName(identity.epoch, identity.seq);
      // A reading put back after a restart of Redis stands in the stream under a second id.
      if (!this.#deliveries.has(name)) this.#waiting.set(name, id);
      if (this.#produced.has(name)) continue;
      this.#produced.add(name);
      this.#show(fields, nowMs);
    }
  }

  /** Readings that have been received. */
  delivered(names: readonly string[], nowMs: number): void {
    for (const name of names) this.#waiting.delete(name);
    this.#deliveredRate.add(nowMs, names.length);
  }

  /** The cursor of the destination as it stands. */
  acknowledged(id: string): void {
    this.#acknowledgedId = id;
    if (!STREAM_ID.test(id)) return;
    this.#unacknowledged = this.#unacknowledged.filter((one) => compareIds(one, id) > 0);
  }

  #show(fields: readonly string[], nowMs: number): void {
    const sensor = fieldOf(fields, '_sensor') ?? 'other';
    const state = this.#sensors.get(sensor) ?? { rate: new Rate(), values: [] };
    // When it was measured: readings that had to wait for Redis come all at once. The same clock.
    const measuredMs = Number(fieldOf(fields, '_uptime_ms') ?? Number.NaN);
    state.rate.add(Number.isFinite(measuredMs) ? measuredMs : nowMs);
    state.values = quantities(fields);
    this.#sensors.set(sensor, state);
    const temperature = Number(fieldOf(fields, 'temperature_celsius'));
    if (!Number.isFinite(temperature)) return;
    this.#temperatures.push(temperature);
    if (this.#temperatures.length > TEMPERATURES) this.#temperatures.shift();
  }
}
