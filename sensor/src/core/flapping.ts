/**
 * Limits the events of a sensor with a loose contact. Within a minute `MAX_TOLD` changes are told one
 * by one; those beyond are counted, and the count is told together with the state at the end of each
 * such minute.
 */

export const MAX_TOLD = 6;
export const WINDOW_MS = 60_000;

export interface Flapping {
  readonly sinceMs: number;
  readonly told: number;
  /** Changes in this window that were not told. */
  readonly untold: number;
}

export function startFlapping(nowMs: number): Flapping {
  return { sinceMs: nowMs, told: 0, untold: 0 };
}

/** A change happens. `summary` > 0: so many of the window that has ended are to be told first. */
export function onChange(
  state: Flapping,
  nowMs: number,
): { readonly state: Flapping; readonly tell: boolean; readonly summary: number } {
  const { state: current, summary } = onTime(state, nowMs);
  const tell = current.told < MAX_TOLD;
  return {
    state: {
      ...current,
      told: current.told + (tell ? 1 : 0),
      untold: current.untold + (tell ? 0 : 1),
    },
    tell,
    summary,
  };
}

/** Time passes: a window may end. */
export function onTime(
  state: Flapping,
  nowMs: number,
): { readonly state: Flapping; readonly summary: number } {
  if (nowMs - state.sinceMs < WINDOW_MS) return { state, summary: 0 };
  return { state: startFlapping(nowMs), summary: state.untold };
}
