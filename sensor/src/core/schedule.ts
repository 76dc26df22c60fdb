/**
 * When to measure. Tick n is due at start + n * interval on the monotonic clock: a late tick shifts
 * no later one, and the wall clock may jump as it likes. Ticks that passed altogether while the
 * machine was busy are counted, not made up.
 *
 * States
 * - `waiting`    started, the settings in Redis are not known yet. Left when they are, or when
 *                `untilMs` has passed: a device without Redis measures too, at its default interval.
 * - `measuring`  due at `startMs + tick * intervalMs`. Left by `measurement:enabled` = 0.
 * - `paused`     nothing is due. Left by any other value of `measurement:enabled`; measures at once.
 *
 * A new interval counts from the last tick, and from now when that moment has passed already. A value
 * that is no interval changes nothing and is reported once.
 */
import { KEYS, parseNumber } from '@holdfast/redis';

/** What `measurement:interval` says; missing = the default of the environment. */
export type IntervalSetting =
  | { readonly kind: 'default' }
  | { readonly kind: 'set'; readonly intervalMs: number }
  | { readonly kind: 'refused'; readonly raw: string };

interface Common {
  readonly defaultMs: number;
  readonly intervalMs: number;
  /** The value refused last, so that it is reported once. */
  readonly refused: string | undefined;
}

export type Schedule = Common &
  (
    | { readonly kind: 'waiting'; readonly untilMs: number }
    | {
        readonly kind: 'measuring';
        readonly startMs: number;
        /** Number of the next tick, from 0. */
        readonly tick: number;
      }
    | { readonly kind: 'paused' }
  );

export type ScheduleEvent =
  | { readonly type: 'clock'; readonly nowMs: number }
  | {
      readonly type: 'settings';
      readonly nowMs: number;
      readonly interval: IntervalSetting;
      readonly enabled: boolean;
    };

export type ScheduleEffect =
  | { readonly type: 'measure' }
  | { readonly type: 'missed'; readonly ticks: number }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  | { readonly type: 'interval_changed'; readonly intervalMs: number }
  | { readonly type: 'interval_refused'; readonly raw: string };

export interface ScheduleStep {
  readonly state: Schedule;
  readonly effects: readonly ScheduleEffect[];
}

/** @param graceMs how long to wait for the settings in Redis before measuring without them */
export function startSchedule(nowMs: number, defaultMs: number, graceMs: number): Schedule {
  return {
    kind: 'waiting',
    untilMs: nowMs + graceMs,
    defaultMs,
    intervalMs: defaultMs,
    refused: undefined,
  };
}

/** The moment (monotonic) at which a `clock` event is wanted; undefined = none. */
export function dueMs(state: Schedule): number | undefined {
  switch (state.kind) {
    case 'waiting':
      return state.untilMs;
    case 'measuring':
      return state.startMs + state.tick * state.intervalMs;
    case 'paused':
      return undefined;
  }
}

export function step(state: Schedule, event: ScheduleEvent): ScheduleStep {
  switch (event.type) {
    case 'clock':
      return onClock(state, event.nowMs);
    case 'settings':
      return onSettings(state, event);
  }
}

function onClock(state: Schedule, nowMs: number): ScheduleStep {
  const due = dueMs(state);
  if (due === undefined || nowMs < due) return { state, effects: [] };
  if (state.kind !== 'measuring') return onClock(measuringFrom(state, nowMs), nowMs);
  // Division may fall just short of the tick that is due by multiplication.
  const current = Math.max(state.tick, Math.floor((nowMs - state.startMs) / state.intervalMs));
  const missed = current - state.tick;
  const effects: ScheduleEffect[] = [{ type: 'measure' }];
  if (missed > 0) effects.push({ type: 'missed', ticks: missed });
  return { state: { ...state, tick: current + 1 }, effects };
}

function measuringFrom(common: Common, startMs: number): Schedule {
  const { defaultMs, intervalMs, refused } = common;
  return { kind: 'measuring', startMs, tick: 0, defaultMs, intervalMs, refused };
}

type Settings = Extract<ScheduleEvent, { type: 'settings' }>;

function onSettings(state: Schedule, event: Settings): ScheduleStep {
  const { nowMs, interval } = event;
  const effects: ScheduleEffect[] = [];
  const refused = interval.kind === 'refused' ? interval.raw : undefined;
  if (refused !== undefined && refused !== state.refused) {
    effects.push({ type: 'interval_refused', raw: refused });
  }
  const intervalMs = wantedInterval(state, interval);
  const changed = intervalMs !== state.intervalMs;
  if (changed) effects.push({ type: 'interval_changed', intervalMs });
  const common = { defaultMs: state.defaultMs, intervalMs, refused };

  if (!event.enabled) {
    if (state.kind !== 'paused') effects.push({ type: 'paused' });
    return { state: { kind: 'paused', ...common }, effects };
  }
  if (state.kind !== 'measuring') {
    if (state.kind === 'paused') effects.push({ type: 'resumed' });
    return { state: measuringFrom(common, nowMs), effects };
  }
  if (!changed) return { state: { ...state, refused }, effects };
  const lastMs = state.startMs + (state.tick - 1) * state.intervalMs;
  const startMs = state.tick === 0 ? nowMs : Math.max(nowMs, lastMs + intervalMs);
  return { state: measuringFrom(common, startMs), effects };
}

function wantedInterval(state: Schedule, setting: IntervalSetting): number {
  switch (setting.kind) {
    case 'default':
      return state.defaultMs;
    case 'set':
      return setting.intervalMs;
    case 'refused':
      return state.intervalMs;
  }
}

/** Reads `measurement:interval`, null when it is not set. */
export function intervalSetting(raw: string | null): IntervalSetting {
  if (raw === null) return { kind: 'default' };
  const parsed = parseNumber(raw, KEYS.interval.value);
  return parsed.ok ? { kind: 'set', intervalMs: parsed.value * 1000 } : { kind: 'refused', raw };
}
