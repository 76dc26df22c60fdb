/** The VM as a device: Redis, the modelled bus, and the real services. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { HardwareClient } from '@holdfast/lab/hardware';
import { ManagedProcess, service, startRedis, until } from '@holdfast/lab/servers';
import type { RedisServer } from '@holdfast/lab/servers';

export type Fields = Readonly<Record<string, string>>;
export type ChipFault = 'none' | 'nak' | 'short' | 'badcrc' | 'hang';

/** QEMU translates every instruction: a service needs some seconds to start. */
export const SLOW_MS = 60_000;
const BUS = '/run/holdfast-i2c.sock';
/** From lab/hardware/dist/. */
const BUS_PROGRAM = fileURLToPath(new URL('../bus/main.js', import.meta.url));

export class World implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly #processes: ManagedProcess[] = [];
  #hand: HardwareClient | undefined;
  #bus = 0;

  private constructor(redis: RedisServer) {
    this.redis = redis;
  }

  /** Redis alone; the button needs no more. */
  static async start(): Promise<World> {
    return new World(await startRedis());
  }

  static async startWithBus(): Promise<World> {
    const world = await World.start();
    const args = [BUS_PROGRAM, BUS];
    const adapter = new ManagedProcess({ name: 'i2c', command: process.execPath, args });
    world.#processes.push(adapter);
    adapter.start();
    const line = await adapter.untilLine(/^ready \d+$/, SLOW_MS);
    world.#bus = Number(line.split(' ')[1]);
    world.#hand = await HardwareClient.connect(BUS);
    return world;
  }

  get hand(): HardwareClient {
    if (this.#hand === undefined) throw new Error('this world has no bus');
    return this.#hand;
  }

  /** Number of the modelled bus: the kernel gives it. */
  get bus(): number {
    return this.#bus;
  }

  /** Starts a service; resolves when it has printed a line that matches. */
  async start(name: string, env: Fields, ready: RegExp): Promise<ManagedProcess> {
    const started = service(name, { ...this.redis.env, ...env });
    this.#processes.push(started);
    started.start();
    await started.untilLine(ready, SLOW_MS);
    return started;
  }

  async plug(chip: string, address: number, values: Readonly<Record<string, number>> = {}) {
    await this.hand.request('i2c_add', { address, chip, values });
  }

  async set(address: number, values: Readonly<Record<string, number>>) {
    await this.hand.request('i2c_set', { address, values });
  }

  async unplug(address: number) {
    await this.hand.request('i2c_remove', { address });
  }

  async break(address: number, fault: ChipFault) {
    await this.hand.request('i2c_fault', { address, fault });
  }

  /** The whole adapter, out of its socket and into it again. */
  async pullAdapter() {
    await this.hand.request('i2c_pull');
  }

  async plugAdapter() {
    await this.hand.request('i2c_plug');
  }

  async chips(): Promise<readonly string[]> {
    return (await this.hand.request('i2c_chips'))['chips'] as readonly string[];
  }

  /** Every reading, oldest first; `_id` is the entry's. */
  async readings(): Promise<Fields[]> {
    return entries(await this.redis.client.xrange('measurement:values', '-', '+'));
  }

  async events(): Promise<Fields[]> {
    return entries(await this.redis.client.xrange('events', '-', '+'));
  }

  async status(name: string): Promise<Fields> {
    return this.redis.client.hgetall(`${name}:status`);
  }

  /** The newest reading of a sensor that is younger than `afterId`. */
  async nextReading(
    sensor: string,
    accept: (reading: Fields) => boolean = () => true,
    timeoutMs = SLOW_MS,
  ): Promise<Fields> {
    const after = (await this.readings()).at(-1)?.['_id'] ?? '-';
    const start = after === '-' ? '-' : `(${after}`;
    const find = async () =>
      entries(await this.redis.client.xrange('measurement:values', start, '+')).find(
        (reading) => reading['_sensor'] === sensor && accept(reading),
      );
    return until(`a reading of ${sensor}`, find, timeoutMs).catch(async (error: unknown) => {
      const status = JSON.stringify(await this.status('sensor'));
      throw new Error(`${String(error)}; status: ${status}`, { cause: error });
    });
  }

  async untilEvent(event: string, count: number, member: Fields = {}): Promise<void> {
    const matches = (entry: Fields) =>
      entry['event'] === event &&
      Object.entries(member).every(([name, value]) => entry[name] === value);
    const enough = async () => (await this.events()).filter(matches).length >= count;
    await until(`${count} times ${event} ${JSON.stringify(member)}`, enough, SLOW_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hand?.[Symbol.asyncDispose]();
    for (const process of this.#processes.toReversed()) if (process.running) await process.kill();
    await this.redis[Symbol.asyncDispose]();
    await rm(BUS, { force: true });
  }
}

function entries(raw: readonly [id: string, fields: readonly string[]][]): Fields[] {
  return raw.map(([id, fields]) => ({
    _id: id,
    ...Object.fromEntries(
      fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : [])),
    ),
  }));
}

/** Sequence numbers are 1, 2, 3, ... without a hole: no reading was lost. */
export function assertWhole(readings: readonly Fields[]): void {
  assert.deepEqual(
    readings.map((reading) => Number(reading['_seq'])),
    readings.map((_, i) => i + 1),
  );
}
