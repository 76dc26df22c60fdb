/** Appends readings as the sensor service does, at a steady rate, through every failure of Redis. */
import { Appender, openRedis } from '@holdfast/redis';
import type { Redis } from '@holdfast/redis';

const TICK_MS = 20;

export class Producer implements AsyncDisposable {
  /** `epoch seq` of everything stored. */
  readonly appended = new Set<string>();
  readonly ids: string[] = [];
  readonly #redis: Redis;
  readonly #appender: Appender;
  readonly #stop = new AbortController();
  #uptimeMs = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(port: number) {
    this.#redis = openRedis({ host: '127.0.0.1', port, db: 0 }, 'producer', () => {});
    this.#appender = new Appender(this.#redis);
  }

  /** Runs at this rate until `stop`. */
  start(perSecond: number): void {
    this.#running = this.#run(perSecond);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Stores so many at once. */
  async produce(count: number, further: readonly string[] = []): Promise<void> {
    for (let left = count; left > 0; left -= 200) {
      const batch = Array.from({ length: Math.min(left, 200) }, () => this.#append(further));
      await Promise.all(batch);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#redis.disconnect();
  }

  async #run(perSecond: number): Promise<void> {
    const startMs = performance.now();
    let made = 0;
    while (!this.#stop.signal.aborted) {
      const due = Math.floor(((performance.now() - startMs) / 1_000) * perSecond);
      await this.produce(due - made);
      made = due;
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  }

  async #append(further: readonly string[]): Promise<void> {
    this.#uptimeMs += 1;
    const head = ['_sensor', 'bme280-1-76', '_boot', 'b00t', '_uptime_ms', String(this.#uptimeMs)];
    const fields = [
      ...head,
      'temperature_celsius',
      '21.53',
      'humidity_percent',
      '45.2',
      ...further,
    ];
    for (let retry = false; ; retry = true) {
      try {
        const { epoch, seq, id } = await this.#appender.append(fields, { retry, skipped: 0 });
        this.appended.add(`${epoch} ${seq}`);
        this.ids.push(id);
        return;
      } catch {
        if (this.#stop.signal.aborted && this.#redis.status !== 'ready') return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}
