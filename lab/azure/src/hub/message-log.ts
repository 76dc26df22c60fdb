/**
 * Every device-to-cloud message a hub accepted, with a checksum, for proofs that nothing was lost
 * or came twice. Bounded in memory: the newest messages are kept, the counters are complete, and a
 * subscriber sees all of them.
 */
import type { PropertyBag } from '../core/property-bag.ts';

export interface ReceivedMessage {
  /** Counts 1, 2, 3 ... per hub, in order of acceptance. */
  readonly sequence: number;
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly deviceId: string;
  /** `$.mid`. */
  readonly messageId: string | undefined;
  readonly system: PropertyBag['system'];
  readonly properties: PropertyBag['user'];
  /** Empty when the log keeps checksums only. */
  readonly body: Buffer;
  /** Size of the body. */
  readonly bytes: number;
  /** Of the body, hexadecimal. */
  readonly sha256: string;
  /** Metering blocks. */
  readonly blocks: number;
  /** The DUP flag of MQTT: the device says it sends this again. */
  readonly duplicate: boolean;
  /** False when a fault withheld the PUBACK. */
  readonly acknowledged: boolean;
}

export interface MessageLogOptions {
  /** `checksums`: without bodies. `counters`: none are kept. Default `all`. */
  readonly keep?: 'all' | 'checksums' | 'counters';
  /** Default 100 000. */
  readonly maxMessages?: number;
  /** Of bodies; default 64 MB. */
  readonly maxBytes?: number;
}

const WAIT_MS = 15_000;
const NO_BODY = Buffer.alloc(0);

export class MessageLog {
  readonly #keep: 'all' | 'checksums' | 'counters';
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #subscribers = new Set<(message: ReceivedMessage) => void>();
  readonly #byDevice = new Map<string, number>();
  /** By sequence, oldest first. */
  readonly #messages = new Map<number, ReceivedMessage>();
  #oldest = 1;
  #keptBytes = 0;
  #total = 0;
  #totalBytes = 0;

  constructor(options: MessageLogOptions = {}) {
    this.#keep = options.keep ?? 'all';
    this.#maxMessages = options.maxMessages ?? 100_000;
    this.#maxBytes = options.maxBytes ?? 64 * 2 ** 20;
  }

  /** Kept messages, oldest first. */
  get all(): readonly ReceivedMessage[] {
    return [...this.#messages.values()];
  }

  /** Messages accepted since the start, kept or not. */
  get total(): number {
    return this.#total;
  }

  /** Bytes of the bodies accepted since the start. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Messages of one device accepted since the start. */
  countOf(deviceId: string): number {
    return this.#byDevice.get(deviceId) ?? 0;
  }

  /** Kept messages of one device. */
  of(deviceId: string): readonly ReceivedMessage[] {
    return this.all.filter((message) => message.deviceId === deviceId);
  }

  /** Told every message with its body, whatever is kept. @returns a function that ends it */
  subscribe(subscriber: (message: ReceivedMessage) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /**
   * The first kept message that satisfies `wanted`, at once or when it comes.
   * @throws Error after `timeoutMs` (real time)
   */
  async waitFor(
    wanted: (message: ReceivedMessage) => boolean,
    timeoutMs = WAIT_MS,
  ): Promise<ReceivedMessage> {
    const known = this.all.find(wanted);
    if (known !== undefined) return known;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        unsubscribe();
        reject(new Error(`no such message within ${timeoutMs} ms; ${this.#total} came`));
      }, timeoutMs);
      const unsubscribe = this.subscribe((message) => {
        if (!wanted(message)) return;
        clearTimeout(timer);
        unsubscribe();
        resolve(message);
      });
    });
  }

  /** Resolves when at least so many messages have come since the start. */
  async waitForTotal(count: number, timeoutMs = WAIT_MS): Promise<void> {
    if (this.#total < count)
      await this.waitForNew((message) => message.sequence >= count, timeoutMs);
  }

  /** As {@link waitFor}, without those already there. */
  async waitForNew(
    wanted: (message: ReceivedMessage) => boolean,
    timeoutMs = WAIT_MS,
  ): Promise<ReceivedMessage> {
    const after = this.#total;
    return this.waitFor((message) => message.sequence > after && wanted(message), timeoutMs);
  }

  /** Forgets the kept messages; counters stay. */
  clear(): void {
    this.#messages.clear();
    this.#oldest = this.#total + 1;
    this.#keptBytes = 0;
  }

  /** For the hub. */
  append(message: Omit<ReceivedMessage, 'sequence'>): ReceivedMessage {
    this.#total += 1;
    this.#totalBytes += message.bytes;
    this.#byDevice.set(message.deviceId, this.countOf(message.deviceId) + 1);
    const complete = { sequence: this.#total, ...message };
    if (this.#keep !== 'counters') this.#store(complete);
    for (const subscriber of this.#subscribers) subscriber(complete);
    return complete;
  }

  #store(message: ReceivedMessage): void {
    // A copy: what the parser gives is a window on a larger piece of network traffic.
    const body = this.#keep === 'all' ? Buffer.from(message.body) : NO_BODY;
    this.#messages.set(message.sequence, { ...message, body });
    this.#keptBytes += body.length;
    while (this.#isOver()) {
      this.#keptBytes -= this.#messages.get(this.#oldest)?.body.length ?? 0;
      this.#messages.delete(this.#oldest);
      this.#oldest += 1;
    }
  }

  #isOver(): boolean {
    const { size } = this.#messages;
    return size > this.#maxMessages || (size > 1 && this.#keptBytes > this.#maxBytes);
  }
}
