/** The stream id just before another one: the end of a range that excludes it. */
const LAST_N = (1n << 64n) - 1n;

/** @param id canonical, not `0-0` */
export function previousId(id: string): string {
  const dash = id.indexOf('-');
  const ms = BigInt(id.slice(0, dash));
  const n = BigInt(id.slice(dash + 1));
  return n > 0n ? `${ms}-${n - 1n}` : `${ms - 1n}-${LAST_N}`;
}
