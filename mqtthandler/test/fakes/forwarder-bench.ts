/** A forwarder between fakes, on a clock that moves only when told to. */
import { ManualClock, seededRandom } from '@holdfast/kit/testing';
import { MessagePacker, deviceMembers } from '../../src/core/message.ts';
import { Transcoder } from '../../src/core/transcode.ts';
import { Forwarder } from '../../src/forwarder.ts';
import type { ForwarderParts } from '../../src/forwarder-parts.ts';
import { FakeDestination } from './fake-destination.ts';
import { FakeLedger } from './fake-ledger.ts';
import { FakeReadings } from './fake-readings.ts';
import { FakeSensor } from './sensor.ts';

export const DEVICE = { uuid: 'u1', type: 'test', appId: '1', appName: 'app' };

export interface Reported {
  readonly level: string;
  readonly event: string;
  readonly fields: object;
}

export class ForwarderBench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly readings = new FakeReadings(this.clock, new Transcoder(deviceMembers(DEVICE)));
  readonly ledger = new FakeLedger();
  readonly destination = new FakeDestination();
  readonly sensor = new FakeSensor();
  readonly reported: Reported[] = [];
  readonly #settings: Partial<ForwarderParts['settings']>;
  readonly #random;
  forwarder: Forwarder;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(settings: Partial<ForwarderParts['settings']> = {}, seed = 1) {
    this.#settings = settings;
    this.#random = seededRandom(seed);
    this.forwarder = this.#forwarder();
  }

  /** Appends `count` readings. */
  produce(count: number, further: Readonly<Record<string, string>> = {}): void {
    for (let i = 0; i < count; i += 1) this.readings.append(this.sensor.next(further));
  }

  start(): void {
    this.#stop = new AbortController();
    this.forwarder = this.#forwarder();
    this.#running = this.forwarder.run(this.#stop.signal);
  }

  /** SIGTERM. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.destination.cut('stopped');
    const over = this.#running.then(() => true);
    while (!(await Promise.race([over, this.clock.advance(100)]))) continue;
  }

  /** SIGKILL and a new start: what was not stored is forgotten. */
  async crash(): Promise<void> {
    const before = this.ledger.failure;
    this.ledger.failure ??= new Error('killed');
    await this.stop();
    this.ledger.failure = before;
    this.start();
  }

  /** Redis comes back after a failure. */
  redisBack(): void {
    this.readings.failure = undefined;
    this.ledger.failure = undefined;
    this.forwarder.reload();
  }

  redisDown(): void {
    const failure = new Error('Connection is closed.');
    this.readings.failure = failure;
    this.ledger.failure = failure;
    this.readings.interrupt();
  }

  /** Lets time pass until `done`, at most `limitMs`; returns whether it came to that. */
  async until(done: () => boolean, limitMs = 600_000, stepMs = 100): Promise<boolean> {
    for (let passedMs = 0; passedMs < limitMs; passedMs += stepMs) {
      await this.clock.advance(stepMs);
      if (done()) return true;
    }
    return done();
  }

  /** Sequence numbers the destination took, in order, repeats included. */
  get takenSeqs(): number[] {
    return this.destination.taken
      .flat()
      .filter((reading) => reading['_gap'] === undefined)
      .map((reading) => Number(reading['_seq']));
  }

  /** Gap records the destination took. */
  get takenGaps(): Record<string, unknown>[] {
    return this.destination.taken
      .flat()
      .filter((reading) => reading['_gap'] !== undefined)
      .map((reading) => reading['_gap'] as Record<string, unknown>);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #forwarder(): Forwarder {
    return new Forwarder({
      destination: this.destination,
      readings: this.readings,
      ledger: this.ledger,
      packer: new MessagePacker(DEVICE),
      clock: this.clock,
      random: this.#random,
      settings: {
        lanes: 2,
        maxReadings: 10,
        maxInFlight: 8,
        backlogOrder: 'oldest',
        backlogRate: { messagesPerSecond: Infinity, bytesPerSecond: Infinity },
        ...this.#settings,
      },
      report: (level, event, fields) => this.reported.push({ level, event, fields }),
      redisReady: async (signal) => {
        while (this.readings.failure !== undefined && !signal.aborted) {
          await this.clock.sleepMs(50, signal);
        }
        return !signal.aborted;
      },
    });
  }
}
