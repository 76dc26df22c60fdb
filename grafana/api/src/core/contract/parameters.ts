/** Parameters of the routes, with their limits; one table for parsing, the OpenAPI document and the README. */

export interface Parameter {
  readonly name: string;
  readonly kind: 'time' | 'integer' | 'list';
  readonly help: string;
  /** What counts when it is missing or empty, in words. */
  readonly fallback: string;
  readonly min?: number;
  readonly max?: number;
}

/** Limits on what one request may cost. */
export const LIMITS = {
  minPoints: 2,
  maxPoints: 2_000,
  defaultPoints: 300,
  /** Rows of an answer, whatever was asked for. */
  maxRows: 20_000,
  defaultRangeMs: 3_600_000,
  minRangeMs: 1_000,
  maxRangeMs: 400 * 86_400_000,
  /** Times this far apart from 1970 are times; a Date of JavaScript ends there. */
  maxTimeMs: 8.64e15,
  maxEvents: 1_000,
  defaultEvents: 200,
  maxReadings: 500,
  defaultReadings: 50,
  /** Names in a list. */
  maxNames: 64,
  maxNameCharacters: 128,
} as const;

const time = (name: string, help: string, fallback: string): Parameter => ({
  name,
  kind: 'time',
  help: `${help}, unix milliseconds`,
  fallback,
  min: 0,
  max: LIMITS.maxTimeMs,
});

const list = (name: string, help: string): Parameter => ({
  name,
  kind: 'list',
  help: `${help}, separated by commas`,
  fallback: 'all (also `*`, `All`, `$__all`)',
});

export const RANGE: readonly Parameter[] = [
  time('from', 'begin', 'an hour before `to`'),
  time('to', 'end', 'now'),
];

export const POINTS: Parameter = {
  name: 'points',
  kind: 'integer',
  help: 'steps per series',
  fallback: String(LIMITS.defaultPoints),
  min: LIMITS.minPoints,
  max: LIMITS.maxPoints,
};

export const SENSOR = list('sensor', 'ids of sensors');
export const QUANTITY = list('quantity', 'names of quantities');
export const SUBJECT = list('subject', 'what to tell about');
export const SERVICE = list('service', 'who tells it');
export const EVENT = list('event', 'names of events');

export const limit = (fallback: number, max: number): Parameter => ({
  name: 'limit',
  kind: 'integer',
  help: 'rows at most, the newest',
  fallback: String(fallback),
  min: 1,
  max,
});

/** Of `/api/curves`: those of `series`. */
export const CURVE_PARAMETERS: readonly Parameter[] = [SENSOR, QUANTITY, ...RANGE, POINTS];
