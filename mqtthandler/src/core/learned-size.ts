/**
 * The size limit of a destination that does not announce one, learned while suspects are tested one
 * at a time: below what failed, as large as what passed. A link that broke by chance teaches a limit
 * that is too small, which costs some speed; so it is forgotten after a while.
 */
export interface LearnedSize {
  /** Largest message that passed while testing, bytes; 0 before the first. */
  readonly passedBytes: number;
  /** Smallest message of several readings that failed, bytes. */
  readonly failedBytes: number;
  /** Monotonic time at which all this is forgotten. */
  readonly untilMs: number;
}

export const NOTHING_LEARNED: LearnedSize = {
  passedBytes: 0,
  failedBytes: Infinity,
  untilMs: Infinity,
};

const REMEMBERED_MS = 3_600_000;

/** @param count readings in the message: one alone may have failed for what it is */
export function learnSize(
  known: LearnedSize,
  { bytes, count }: { readonly bytes: number; readonly count: number },
  passed: boolean,
  nowMs: number,
): LearnedSize {
  const { passedBytes, failedBytes } = nowMs < known.untilMs ? known : NOTHING_LEARNED;
  const untilMs = nowMs + REMEMBERED_MS;
  if (passed) {
    // What has passed now cannot be why something of that size failed before.
    const stillFailed = failedBytes > bytes ? failedBytes : Infinity;
    return { passedBytes: Math.max(passedBytes, bytes), failedBytes: stillFailed, untilMs };
  }
  if (count === 1) return { passedBytes, failedBytes, untilMs };
  return {
    passedBytes: passedBytes < bytes ? passedBytes : 0,
    failedBytes: Math.min(failedBytes, bytes),
    untilMs,
  };
}

/** How large messages of several readings should be at most, bytes; Infinity = nothing is known. */
export function learnedLimitBytes(known: LearnedSize, nowMs: number): number {
  const { passedBytes, failedBytes, untilMs } = known;
  if (nowMs >= untilMs || failedBytes === Infinity || passedBytes === 0) return Infinity;
  return passedBytes;
}
