/**
 * What states look like: a sign, a word and a colour, so that the colour is never the only signal.
 */
import { MappingType, SpecialValueMatch } from '@grafana/grafana-foundation-sdk/dashboard';
import type { ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { LEVELS } from '@holdfast/grafana-api/contract';
import type { Level } from '@holdfast/grafana-api/contract';

/** Names of Grafana's palette: it knows a light and a dark form of each. */
export const COLOURS = {
  good: 'green',
  idle: 'blue',
  warning: 'orange',
  bad: 'red',
  unknown: 'gray',
} as const satisfies Record<Level, string>;

const SIGNS: Readonly<Record<Level, string>> = {
  good: '✔',
  idle: '○',
  warning: '▲',
  bad: '✖',
  unknown: '?',
};

interface Word {
  readonly level: Level;
  readonly text: string;
}

/** Texts -> sign, word and colour; texts that are not in the table stand as they are. */
export function wordMapping(words: Readonly<Record<string, Word>>): ValueMapping {
  const entries = Object.entries(words).map(([value, { level, text }], index) => [
    value,
    { text: `${SIGNS[level]} ${text}`, color: COLOURS[level], index },
  ]);
  return { type: MappingType.ValueToText, options: Object.fromEntries(entries) as never };
}

/** What stands where a value is missing. */
export function missing(text: string): ValueMapping {
  return {
    type: MappingType.SpecialValue,
    options: { match: SpecialValueMatch.NullAndNan, result: { text, color: COLOURS.unknown } },
  };
}

/** The column `level`, which stands beside every state. */
export const levelMapping = wordMapping(
  Object.fromEntries(LEVELS.map((level) => [level, { level, text: level }])),
);

/** The column `freshness`. */
export const freshnessMapping = wordMapping({
  fresh: { level: 'good', text: 'fresh' },
  late: { level: 'warning', text: 'late' },
  old: { level: 'bad', text: 'old' },
  paused: { level: 'idle', text: 'paused' },
});

/** The column `quality`: what is not in the table is a reason for doubt, in its own words. */
export const qualityMappings: readonly ValueMapping[] = [
  wordMapping({ good: { level: 'good', text: 'good' } }),
  {
    type: MappingType.RegexToText,
    options: { pattern: '(.+)', result: { text: `${SIGNS.warning} $1`, color: COLOURS.warning } },
  },
];

/** States of links, measuring, provisioning and sensors, for time lines. */
export const stateMapping = wordMapping({
  on: { level: 'good', text: 'on' },
  measuring: { level: 'good', text: 'measuring' },
  connected: { level: 'good', text: 'connected' },
  ok: { level: 'good', text: 'ok' },
  assigned: { level: 'good', text: 'assigned' },
  off: { level: 'idle', text: 'off' },
  paused: { level: 'idle', text: 'paused' },
  new: { level: 'idle', text: 'new' },
  waiting: { level: 'warning', text: 'waiting' },
  connecting: { level: 'warning', text: 'connecting' },
  waiting_redis: { level: 'warning', text: 'waiting for Redis' },
  unsure: { level: 'warning', text: 'unsure' },
  lost: { level: 'bad', text: 'lost' },
  failed: { level: 'bad', text: 'failed' },
  stopped: { level: 'bad', text: 'stopped' },
  silent: { level: 'bad', text: 'silent' },
  unknown: { level: 'unknown', text: 'unknown' },
});
