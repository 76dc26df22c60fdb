/**
 * When to send what has arrived. A quiet stream is forwarded at once; a busy one is gathered for
 * `COALESCE_MS`, because one wake-up, PUBLISH and cursor write per reading costs twenty times the
 * work of doing it for several together. `mqtt_sender:interval` asks for longer gathering.
 */

/** Two sends of the live lane are at least this far apart. */
export const COALESCE_MS = 20;
/** The same while a backlog goes out: the process is awake anyway, and a reading has enough to wait for. */
export const COALESCE_BESIDE_BACKLOG_MS = 5;
/** While readings gather, somebody may set the cursor: it is looked at so often, as on a quiet stream. */
export const CURSOR_LOOK_MS = 5_000;

/**
 * How long to go on gathering after the first reading has arrived.
 * @param sinceLastSendMs since the live lane last sent
 * @param intervalSeconds longest time a reading may wait to be batched; 0 = at once
 * @param backlog whether older readings go out beside
 */
export function gatherMs(
  sinceLastSendMs: number,
  intervalSeconds: number,
  backlog: boolean,
): number {
  const apartMs = backlog ? COALESCE_BESIDE_BACKLOG_MS : COALESCE_MS;
  const coalesceMs = Math.max(0, apartMs - sinceLastSendMs);
  return Math.max(coalesceMs, intervalSeconds * 1_000);
}
