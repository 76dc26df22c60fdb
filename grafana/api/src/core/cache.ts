/**
 * What was worked out a moment ago, for everybody who asks the same: one of them does the work while
 * the others wait for it. Failures are not kept.
 */

interface Entry<T> {
  readonly value: Promise<T>;
  /** Infinity while it is worked out. */
  untilMs: number;
  bytes: number;
}

export class Cache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #nowMs: () => number;
  readonly #maxBytes: number;
  readonly #sizeOf: (value: T) => number;
  #bytes = 0;

  /**
   * @param nowMs monotonic
   * @param maxBytes of all values together; the ones not used for longest go first
   */
  constructor(nowMs: () => number, maxBytes: number, sizeOf: (value: T) => number) {
    this.#nowMs = nowMs;
    this.#maxBytes = maxBytes;
    this.#sizeOf = sizeOf;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The value of `key`, not older than `ttlMs`; rejects as `load` does, for all who wait for it. */
  async get(key: string, ttlMs: number, load: () => Promise<T>): Promise<T> {
    const found = this.#entries.get(key);
    if (found !== undefined && found.untilMs > this.#nowMs()) {
      // Last used last.
      this.#entries.delete(key);
      this.#entries.set(key, found);
      return found.value;
    }
    this.#drop(key);
    const entry: Entry<T> = { value: load(), untilMs: Infinity, bytes: 0 };
    this.#entries.set(key, entry);
    try {
      const value = await entry.value;
      entry.untilMs = this.#nowMs() + ttlMs;
      if (this.#entries.get(key) === entry) {
        entry.bytes = this.#sizeOf(value);
        this.#bytes += entry.bytes;
        this.#evict();
      }
      return value;
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#drop(key);
      throw error;
    }
  }

  #evict(): void {
    const nowMs = this.#nowMs();
    for (const [key, entry] of this.#entries) {
      const working = entry.untilMs === Infinity;
      if (!working && (entry.untilMs <= nowMs || this.#bytes > this.#maxBytes)) this.#drop(key);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }
}
