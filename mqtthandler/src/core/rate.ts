/** A rate limit on messages and bytes per second: a token bucket that holds one second's worth. */

export interface RateLimits {
  /** Infinity = unlimited. */
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** When the next message may go: the times at which each debt is paid off, monotonic milliseconds. */
export interface RateState {
  readonly messagesFreeAtMs: number;
  readonly bytesFreeAtMs: number;
}

export const RATE_START: RateState = { messagesFreeAtMs: -Infinity, bytesFreeAtMs: -Infinity };

/** One second's worth may go at once after a pause. */
const BURST_MS = 1_000;

/** How long to wait before a message may be sent; 0 = now. */
export function rateWaitMs(state: RateState, nowMs: number): number {
  return Math.max(0, state.messagesFreeAtMs - nowMs, state.bytesFreeAtMs - nowMs);
}

/** The state after a message of `bytes` was sent. */
export function rateAfter(
  state: RateState,
  limits: RateLimits,
  nowMs: number,
  bytes: number,
): RateState {
  const pay = (freeAtMs: number, cost: number, perSecond: number) =>
    Math.max(freeAtMs, nowMs - BURST_MS) + (cost / perSecond) * 1_000;
  return {
    messagesFreeAtMs: pay(state.messagesFreeAtMs, 1, limits.messagesPerSecond),
    bytesFreeAtMs: pay(state.bytesFreeAtMs, bytes, limits.bytesPerSecond),
  };
}
