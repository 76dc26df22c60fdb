/**
 * Whether the mqtthandler still reports. Its status has no heartbeat, because each write costs card
 * life; but it changes with every reading that comes. Readings that come while it does not change
 * for so long mean that nobody forwards them.
 */

const SILENT_MS = 30_000;

export interface Silence {
  readonly status: string;
  readonly changedMs: number;
  readonly newestId: string;
  /** The first reading after the last change was seen then. */
  readonly unreportedMs: number | undefined;
}

/** @param status the whole status as text, @param nowMs monotonic */
export function observe(
  before: Silence | undefined,
  status: string,
  newestId: string,
  nowMs: number,
): Silence {
  if (before === undefined || before.status !== status) {
    return { status, changedMs: nowMs, newestId, unreportedMs: undefined };
  }
  const news = before.newestId !== newestId;
  const unreportedMs = before.unreportedMs ?? (news ? nowMs : undefined);
  return { ...before, newestId, unreportedMs };
}

/** Milliseconds since the last change; undefined while that is no wonder. */
export function silentMs(
  { changedMs, unreportedMs, status }: Silence,
  nowMs: number,
): number | undefined {
  const late = unreportedMs !== undefined && nowMs - unreportedMs > SILENT_MS;
  return late && status !== '' ? nowMs - changedMs : undefined;
}
