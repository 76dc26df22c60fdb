/** Numbers, times and states as people read them. */
import { count, duration } from '../../src/core/words.ts';
import type { Level } from './rows.ts';

/** The shape says what the colour says. */
export const MARKS: Readonly<Record<Level, string>> = {
  good: '✓',
  idle: '–',
  warning: '!',
  bad: '✕',
  unknown: '?',
};

/** For screen readers, beside the mark. */
export const LEVEL_WORDS: Readonly<Record<Level, string>> = {
  good: 'good',
  idle: 'idle',
  warning: 'attention',
  bad: 'fault',
  unknown: 'not known',
};

const PREFIXES = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

/** `1.9 GB`, `512 B`; from 100 on without decimals unless some are wanted. */
export function bytes(value: number, decimals?: number): string {
  const [factor, prefix] = PREFIXES.find(([factor]) => Math.abs(value) >= factor) ?? [1, ''];
  const scaled = value / factor;
  const shown = factor === 1 ? 0 : (decimals ?? (scaled >= 100 ? 0 : 1));
  return `${scaled.toFixed(shown)} ${prefix}B`;
}

/** A measured number with its unit: four or five digits are what a sensor means. */
export function measured(value: number, unit: string): readonly [number: string, unit: string] {
  if (unit === 'B') {
    const [number = '', shown = ''] = bytes(value).split(' ');
    return [number, shown];
  }
  const size = Math.abs(value);
  const decimals = size >= 10_000 ? 0 : size >= 1_000 ? 1 : size >= 1 || size === 0 ? 2 : 3;
  const text = value
    .toFixed(decimals)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
  // A temperature that is just 21 keeps its place among 20.9 and 21.1.
  const padded = unit === '°C' || unit === '%' ? value.toFixed(1) : text;
  return [padded === '-0' || padded === '-0.0' ? padded.slice(1) : grouped(padded), unit];
}

function grouped(text: string): string {
  const [whole = '', decimals] = text.split('.');
  const head = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',');
  return decimals === undefined ? head : `${head}.${decimals}`;
}

/** `just now`, `12 s ago`. */
export function ago(ms: number): string {
  return ms < 4_000 ? 'just now' : `${duration(ms)} ago`;
}

/** `in 12 s`, `now`. */
export function ahead(ms: number): string {
  return ms < 1_000 ? 'now' : `in ${duration(ms)}`;
}

/** `5.0 /s`, `12 /min`: whatever gives a number to grasp. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return '0 /s';
  if (perSecond >= 100) return `${count(perSecond)} /s`;
  if (perSecond >= 0.5) return `${perSecond.toFixed(1)} /s`;
  return `${(perSecond * 60).toFixed(1)} /min`;
}
