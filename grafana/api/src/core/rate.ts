/** How many requests a client may send: a bucket of tokens per address that fills at a steady rate. */

interface Client {
  tokens: number;
  atMs: number;
}

/** More addresses than any home has; the oldest are forgotten. */
const MAX_CLIENTS = 1_000;

export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clients = new Map<string, Client>();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes a token; returns 0, or the seconds after which there will be one. */
  take(address: string, nowMs: number): number {
    const before = this.#clients.get(address) ?? { tokens: this.#burst, atMs: nowMs };
    const filled = before.tokens + (Math.max(0, nowMs - before.atMs) * this.#perSecond) / 1_000;
    const tokens = Math.min(this.#burst, filled);
    const allowed = tokens >= 1;
    // Last used last: the first of the map is the one to forget.
    this.#clients.delete(address);
    this.#clients.set(address, { tokens: allowed ? tokens - 1 : tokens, atMs: nowMs });
    for (const oldest of this.#clients.keys()) {
      if (this.#clients.size <= MAX_CLIENTS) break;
      this.#clients.delete(oldest);
    }
    return allowed ? 0 : (1 - tokens) / this.#perSecond;
  }
}
