import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GpioSimulation, HardwareClient, startHardwareSimulator } from '@holdfast/lab/hardware';
import { service, startRedis, until } from '@holdfast/lab/servers';
import type { ManagedProcess, RedisServer } from '@holdfast/lab/servers';

type Fields = Record<string, string>;

/** A device without sensors: Redis, simulated hardware, and as many buttons as a test wants. */
export class Device implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly path: string;
  #hand: HardwareClient | undefined;
  readonly #dir: string;
  readonly #simulators: AsyncDisposable[] = [];
  readonly #services: ManagedProcess[] = [];

  private constructor(redis: RedisServer, dir: string) {
    this.redis = redis;
    this.#dir = dir;
    this.path = join(dir, 'hardware.sock');
  }

  /** Who presses the button. */
  get hand(): HardwareClient {
    if (this.#hand === undefined) throw new Error('there is no hardware');
    return this.#hand;
  }

  static async start(): Promise<Device> {
    const dir = await mkdtemp(join(tmpdir(), 'holdfast-button-'));
    const device = new Device(await startRedis(), dir);
    await device.plugHardware();
    return device;
  }

  async plugHardware(): Promise<void> {
    const handlers = { gpio: new GpioSimulation() };
    this.#simulators.push(await startHardwareSimulator({ path: this.path, handlers }));
    this.#hand = await HardwareClient.connect(this.path);
  }

  async unplugHardware(): Promise<void> {
    await this.#hand?.[Symbol.asyncDispose]();
    await this.#simulators.pop()?.[Symbol.asyncDispose]();
  }

  /** Starts the service; resolves when it listens to its line. */
  async button(env: Fields = {}): Promise<ManagedProcess> {
    const process = this.process(env);
    process.start();
    await process.untilLine(/"event":"line_opened"/);
    return process;
  }

  process(env: Fields = {}): ManagedProcess {
    const process = service('startstopbutton', {
      ...this.redis.env,
      HARDWARE_SIMULATOR: this.path,
      // A machine that runs other tests beside may not look at the line for 20 ms.
      BUTTON_BOUNCE_MILLIS: '50',
      ...env,
    });
    this.#services.push(process);
    return process;
  }

  /** Events of the service, oldest first. */
  async events(): Promise<Fields[]> {
    const entries = await this.redis.client.xrange('events', '-', '+').catch(() => []);
    return entries.map(([, fields]) =>
      Object.fromEntries(
        fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : [])),
      ),
    );
  }

  async untilToggles(count: number): Promise<Fields[]> {
    const toggles = async () =>
      (await this.events()).filter(({ event }) => event?.startsWith('measuring_'));
    await until(`${count} toggles`, async () => (await toggles()).length >= count);
    const found = await toggles();
    assert.equal(found.length, count);
    return found;
  }

  /** One press, and the rest after it that lets the next one count. */
  async press(line: number, holdMs: number, bounce: boolean): Promise<void> {
    await this.hand.press(line, { holdMs, bounce });
    await this.hand.play(line, [{ level: 'idle', holdMicros: 120_000 }]);
  }

  /** Leaves the button alone for so long that even a busy machine has taken the press for one. */
  async rest(line: number): Promise<void> {
    await this.hand.play(line, [{ level: 'idle', holdMicros: 1_000_000 }]);
  }

  enabled(): Promise<string | null> {
    return this.redis.client.get('measurement:enabled');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#services) if (process.running) await process.kill();
    await this.unplugHardware();
    await this.redis[Symbol.asyncDispose]();
    await rm(this.#dir, { recursive: true, force: true });
  }
}
