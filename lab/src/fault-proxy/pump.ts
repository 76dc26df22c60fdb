/**
 * One direction of one connection. Chunks wait in a queue for their latency, the rate and the
 * destination; a full queue pauses the source, so memory stays bounded however long the line is
 * frozen: TCP then fills the sender's own buffers, as on a dead network.
 */
import type { Socket } from 'node:net';
import type { Faults } from './faults.ts';

/** A source is paused when this much waits. */
const QUEUE_LIMIT_BYTES = 256 * 1024;
/** A rate is kept in pieces of this length, so a slow line trickles instead of jumping. */
const SLICE_SECONDS = 0.02;

/** The rate of one direction, shared by all connections. */
export interface Pace {
  /** The line is busy until then, monotonic milliseconds. */
  busyUntilMs: number;
}

interface Waiting {
  readonly chunk: Buffer;
  readonly arrivedMs: number;
}

export interface PumpOptions {
  readonly source: Socket;
  readonly destination: Socket;
  readonly faults: Faults;
  readonly pace: Pace;
  /** Gets each chunk before it waits; returns what is left of it, undefined for nothing. */
  readonly admit: (chunk: Buffer) => Buffer | undefined;
  readonly onSent: (bytes: number) => void;
}

export class Pump {
  readonly #options: PumpOptions;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  /** Set when the source will send no more: how the destination is to learn of it. */
  #ending: 'end' | 'reset' | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PumpOptions) {
    this.#options = options;
    const { source, destination } = options;
    source.on('data', (chunk) => this.#take(chunk));
    source.on('end', () => this.#finish('end'));
    // Errors end in 'close'; an orderly close has ended before.
    source.on('error', () => {});
    source.on('close', () => this.#finish('reset'));
    destination.on('drain', () => this.run());
  }

  /** Passes on what may pass now; called again whenever a fault changes. */
  run(): void {
    clearTimeout(this.#timer);
    const { source, destination, faults } = this.#options;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (destination.destroyed) return;
      if (faults.state === 'frozen' || destination.writableNeedDrain) return;
      const waitMs = this.#readyAtMs(next) - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.run(), waitMs);
        return;
      }
      this.#send(next);
      if (this.#queuedBytes < QUEUE_LIMIT_BYTES) source.resume();
    }
    if (faults.state === 'frozen' || destination.destroyed) return;
    if (this.#ending === 'end') destination.end();
    if (this.#ending === 'reset') destination.resetAndDestroy();
  }

  /** Forgets what waits. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #take(received: Buffer): void {
    const chunk = this.#options.admit(received);
    if (chunk === undefined || chunk.length === 0) return;
    this.#queue.push({ chunk, arrivedMs: performance.now() });
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= QUEUE_LIMIT_BYTES) this.#options.source.pause();
    this.run();
  }

  #finish(how: 'end' | 'reset'): void {
    this.#ending ??= how;
    this.run();
  }

  #readyAtMs(next: Waiting): number {
    const { faults, pace } = this.#options;
    const rateMs = faults.bytesPerSecond === undefined ? 0 : pace.busyUntilMs;
    return Math.max(next.arrivedMs + faults.delayMs, rateMs);
  }

  #send(next: Waiting): void {
    const { destination, faults, pace, onSent } = this.#options;
    const rate = faults.bytesPerSecond;
    const bytes =
      rate === undefined
        ? next.chunk.length
        : Math.min(next.chunk.length, Math.max(1, Math.floor(rate * SLICE_SECONDS)));
    if (rate !== undefined) {
      pace.busyUntilMs = Math.max(performance.now(), pace.busyUntilMs) + (bytes / rate) * 1000;
    }
    destination.write(next.chunk.subarray(0, bytes));
    this.#queuedBytes -= bytes;
    onSent(bytes);
    if (bytes === next.chunk.length) this.#queue.shift();
    else this.#queue[0] = { ...next, chunk: next.chunk.subarray(bytes) };
  }
}
