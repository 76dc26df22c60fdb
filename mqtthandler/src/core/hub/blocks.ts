/**
 * Filling metering blocks: the hub counts messages in blocks of 4 KB (free tier: 0.5 KB), body and
 * properties together. A message of 5 KB costs two of them, so what does not fill a block waits for
 * more, within the interval.
 */

/** Bytes of a message that holds entries of these sizes: brackets, commas, properties. */
export function messageBytes(sizes: readonly number[], overheadBytes: number): number {
  return sizes.reduce((sum, size) => sum + size + 1, overheadBytes + 1);
}

/**
 * How many of the first entries to send so that whole blocks are filled and as little as can be of a
 * further one is paid for in vain. All of them when they do not fill one, or cannot be parted so.
 */
export function fillingCount(
  sizes: readonly number[],
  blockBytes: number,
  overheadBytes: number,
): number {
  const whole = Math.floor(messageBytes(sizes, overheadBytes) / blockBytes) * blockBytes;
  if (whole === 0) return sizes.length;
  let bytes = overheadBytes + 1;
  let count = 0;
  for (const size of sizes) {
    bytes += size + 1;
    if (bytes > whole) break;
    count += 1;
  }
  return count === 0 ? sizes.length : count;
}

/**
 * How much longer a reading may wait for others.
 * @param readingMs when it was stored, by the wall clock, which may have jumped since
 */
export function patienceMs(readingMs: number, nowMs: number, intervalMs: number): number {
  return Math.min(intervalMs, Math.max(0, readingMs + intervalMs - nowMs));
}
