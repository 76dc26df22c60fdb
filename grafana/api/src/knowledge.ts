/** What is known now: asked from Redis at most once a second, whoever wants to know. */
import type { Clock } from '@holdfast/kit';
import { Cache } from './core/cache.ts';
import type { Knowledge, Memory } from './core/facts.ts';
import { remember } from './core/memory.ts';
import { seen, sensorsSeen } from './core/readings.ts';
import type { SensorSeen } from './core/readings.ts';
import { observe, silentMs } from './core/silence.ts';
import type { Silence } from './core/silence.ts';
import type { Store } from './ports.ts';

/** Younger answers are given again. */
export const LIVE_TTL_MS = 900;
/** Redis' own figures change slowly and cost it more. */
const MEMORY_TTL_MS = 5_000;
/** Readings looked at for the newest values; the first time more, for sensors that are slow. */
const NEWEST = 200;
const NEWEST_FIRST = 2_000;

export interface KnowerOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Shortened boot id; empty when it is not known. */
  readonly boot: string;
  readonly control: boolean;
  /** What people call the device. */
  readonly device: string;
}

export class Knower {
  readonly #options: KnowerOptions;
  readonly #known: Cache<Knowledge>;
  readonly #memory: Cache<Memory>;
  #sensors: ReadonlyMap<string, SensorSeen> = new Map();
  #silence: Silence | undefined;

  constructor(options: KnowerOptions) {
    this.#options = options;
    const nowMs = () => options.clock.monotonicMs();
    this.#known = new Cache(nowMs, 1, () => 0);
    this.#memory = new Cache(nowMs, 1, () => 0);
  }

  /** Rejects as the store does. */
  async now(): Promise<Knowledge> {
    return this.#known.get('', LIVE_TTL_MS, async () => this.#ask());
  }

  async #ask(): Promise<Knowledge> {
    const { store, clock, boot, control, device } = this.#options;
    const depth = this.#sensors.size === 0 ? NEWEST_FIRST : NEWEST;
    const [facts, entries, memory] = await Promise.all([
      store.facts(),
      store.newest(depth),
      this.#memory.get('', MEMORY_TTL_MS, async () => store.memory()),
    ]);
    const readings = entries.flatMap((entry) => seen(entry) ?? []);
    this.#sensors = remember(this.#sensors, sensorsSeen(readings));
    const monotonicMs = clock.monotonicMs();
    const { mqtthandler } = facts.hashes;
    const status = Object.keys(mqtthandler).length === 0 ? '' : JSON.stringify(mqtthandler);
    this.#silence = observe(this.#silence, status, entries[0]?.[0] ?? '', monotonicMs);
    return {
      now: { wallMs: clock.nowMs(), uptimeMs: monotonicMs, boot },
      facts,
      memory,
      sensors: this.#sensors,
      newest: readings[0],
      handlerSilentMs: silentMs(this.#silence, monotonicMs),
      control,
      device,
    };
  }
}
