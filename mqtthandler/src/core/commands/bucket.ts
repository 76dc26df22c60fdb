/** A token bucket: so many per second, and a burst after a pause. */

export interface BucketLimits {
  readonly perSecond: number;
  readonly burst: number;
}

export interface BucketState {
  readonly tokens: number;
  /** Monotonic milliseconds. */
  readonly atMs: number;
}

export function fullBucket(limits: BucketLimits, nowMs: number): BucketState {
  return { tokens: limits.burst, atMs: nowMs };
}

/** Takes one token if there is one. */
export function takeToken(
  state: BucketState,
  limits: BucketLimits,
  nowMs: number,
): { readonly taken: boolean; readonly state: BucketState } {
  const grown = state.tokens + (Math.max(0, nowMs - state.atMs) / 1_000) * limits.perSecond;
  const tokens = Math.min(limits.burst, grown);
  const taken = tokens >= 1;
  return { taken, state: { tokens: taken ? tokens - 1 : tokens, atMs: nowMs } };
}
