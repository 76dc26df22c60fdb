/** What a contact does to a line: levels and how long each is held. */
import type { Random } from '@holdfast/kit';
import type { Level } from './bank.ts';

export interface PlayStep {
  /** `idle` lets go of the line: the pull decides. */
  readonly level: Level | 'idle';
  /** How long this level stays before the next step. */
  readonly holdMicros: number;
}

/** Real push buttons settle within a few milliseconds. */
const BOUNCES = { min: 2, max: 8 };
const BOUNCE_MICROS = { min: 50, max: 900 };

function between(range: { min: number; max: number }, random: Random): number {
  return Math.floor(range.min + (range.max - range.min + 1) * random.next());
}

function chatter(settled: Level | 'idle', other: Level | 'idle', random: Random): PlayStep[] {
  return Array.from({ length: between(BOUNCES, random) }, () => [
    { level: settled, holdMicros: between(BOUNCE_MICROS, random) },
    { level: other, holdMicros: between(BOUNCE_MICROS, random) },
  ]).flat();
}

/**
 * One press of a push button: to `active`, held for `holdMs`, back to idle. With `random` the
 * contact chatters before it settles, both ways.
 */
export function pressSteps(active: Level, holdMs: number, random: Random | undefined): PlayStep[] {
  return [
    ...(random === undefined ? [] : chatter(active, 'idle', random)),
    { level: active, holdMicros: holdMs * 1000 },
    ...(random === undefined ? [] : chatter('idle', active, random)),
    { level: 'idle', holdMicros: 0 },
  ];
}
