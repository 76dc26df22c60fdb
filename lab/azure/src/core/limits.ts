/**
 * Limits of a hub's tier. Numbers: "IoT Hub quotas and throttling", per unit as far as they depend
 * on units. What is undefined is not limited.
 */

export interface HubLimits {
  readonly connectsPerSecond?: number;
  /** Device-to-cloud messages. */
  readonly sendsPerSecond?: number;
  /**
   * How long the hub holds sends above the rate back before it gives up on the device, milliseconds:
   * "traffic shaping".
   */
  readonly shapingMs?: number;
  /** Metering blocks a day (UTC); one message takes at least one. */
  readonly dailyBlocks?: number;
  /** 4 096, or 512 on the free tier. */
  readonly blockBytes?: number;
  readonly twinReadsPerSecond?: number;
  readonly twinUpdatesPerSecond?: number;
}

export type Tier = 'F1' | 'S1' | 'S2' | 'S3';

export const BLOCK_BYTES = 4096;
/** Azure says "one to two minutes". */
export const SHAPING_MS = 60_000;
const DAY_MS = 86_400_000;

/** The limits of so many units of a tier. */
export function tierLimits(tier: Tier, units = 1): HubLimits {
  const perUnit = (rate: number) => (tier === 'S2' || tier === 'S3' ? rate * units : rate);
  const sends = { F1: 100, S1: Math.max(100, 12 * units), S2: 120, S3: 6000 }[tier];
  const twinReads = { F1: 100, S1: 100, S2: Math.max(100, 10 * units), S3: 500 * units }[tier];
  const twinUpdates = { F1: 50, S1: 50, S2: Math.max(50, 5 * units), S3: 250 * units }[tier];
  return {
    connectsPerSecond: perUnit(sends),
    sendsPerSecond: perUnit(sends),
    shapingMs: SHAPING_MS,
    dailyBlocks: { F1: 8_000, S1: 400_000, S2: 6_000_000, S3: 300_000_000 }[tier] * units,
    blockBytes: tier === 'F1' ? 512 : BLOCK_BYTES,
    twinReadsPerSecond: twinReads,
    twinUpdatesPerSecond: twinUpdates,
  };
}

/** A rate with one second's burst. Times are monotonic milliseconds. */
export class RateLimiter {
  #nextMs = Number.NEGATIVE_INFINITY;

  /**
   * When the next one may pass.
   * @param patienceMs longest acceptable wait
   * @returns milliseconds to wait, or undefined when that would be too long; then nothing is taken
   */
  take(perSecond: number | undefined, nowMs: number, patienceMs = 0): number | undefined {
    if (perSecond === undefined) return 0;
    const slotMs = Math.max(this.#nextMs, nowMs - 1000) + 1000 / perSecond;
    const delayMs = Math.max(0, slotMs - nowMs);
    if (delayMs > patienceMs) return undefined;
    this.#nextMs = slotMs;
    return delayMs;
  }
}

export interface Usage {
  /** Blocks used since the last midnight, UTC. */
  readonly blocksToday: number;
  readonly blocksTotal: number;
}

/** Counts metering blocks by day. Times are wall-clock milliseconds. */
export class Meter {
  #day = Number.NaN;
  #today = 0;
  #total = 0;

  usage(nowMs: number): Usage {
    this.#turnDay(nowMs);
    return { blocksToday: this.#today, blocksTotal: this.#total };
  }

  /** Whether the day's blocks are used up. */
  exhausted(limits: HubLimits, nowMs: number): boolean {
    this.#turnDay(nowMs);
    return limits.dailyBlocks !== undefined && this.#today >= limits.dailyBlocks;
  }

  /** @returns the blocks of a message of this size */
  charge(limits: HubLimits, bytes: number, nowMs: number): number {
    this.#turnDay(nowMs);
    const blocks = Math.max(1, Math.ceil(bytes / (limits.blockBytes ?? BLOCK_BYTES)));
    this.#today += blocks;
    this.#total += blocks;
    return blocks;
  }

  #turnDay(nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS);
    if (day === this.#day) return;
    this.#day = day;
    this.#today = 0;
  }
}
