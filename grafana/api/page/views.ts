/** The parts of the page at the top: verdict, tiles, values. */
import { h } from './dom.ts';
import type { Node } from './dom.ts';
import { sparkOf } from './core/plot.ts';
import { levelOf, num, str, yes } from './core/rows.ts';
import type { Curves, Level, Overview, Row } from './core/rows.ts';
import { LEVEL_WORDS, MARKS, ago, ahead, measured } from './core/show.ts';
import { verdictOf } from './core/verdict.ts';
import { count, sentence } from '../src/core/words.ts';

/** A sign that tells a level by shape, colour and word. */
export function mark(level: Level): Node {
  return h(
    'span',
    { class: `mark ${level}` },
    h('span', { 'aria-hidden': 'true' }, MARKS[level]),
    h('span', { class: 'sr' }, `${LEVEL_WORDS[level]}:`),
  );
}

export function verdictView(overview: Overview): Node {
  const { level, title, detail } = verdictOf(overview);
  return h('div', { class: level }, mark(level), h('p', {}, h('strong', {}, title), detail));
}

function tile(title: string, level: Level, state: string, detail: string): Node {
  return h(
    'div',
    { class: `tile ${level}` },
    h('h3', {}, title),
    h('p', {}, mark(level), state),
    detail !== '' && h('small', {}, detail),
  );
}

export function tileViews(overview: Overview): Node[] {
  const [status] = overview.status;
  const [provisioning] = overview.provisioning;
  const tiles = [measuringTile(status)];
  for (const link of overview.links) {
    if (!yes(link, 'configured') && str(link, 'destination') === 'hub') continue;
    tiles.push(
      tile(str(link, 'label'), levelOf(link), sentence(str(link, 'state')), linkDetail(link)),
    );
  }
  tiles.push(backlogTile(status));
  if (provisioning !== undefined && yes(provisioning, 'configured')) {
    const detail = provisioningDetail(provisioning);
    tiles.push(
      tile('Provisioning', levelOf(provisioning), sentence(str(provisioning, 'state')), detail),
    );
  }
  return tiles;
}

function measuringTile(status: Row | undefined): Node {
  const state = str(status, 'measuring_state');
  const words: Readonly<Record<string, string>> = { measuring: 'On', paused: 'Paused' };
  const age = num(status, 'last_reading_age_ms');
  const detail = age === null ? 'no reading yet' : `last reading ${ago(age)}`;
  const late = state === 'measuring' && ['late', 'old'].includes(str(status, 'freshness'));
  const level = late ? 'warning' : levelOf(status, 'measuring_level');
  return tile('Measuring', level, words[state] ?? sentence(state), detail);
}

function linkDetail(link: Row): string {
  if (!yes(link, 'configured')) return 'not set up';
  const detail = str(link, 'detail');
  const age = num(link, 'last_age_ms');
  if (levelOf(link) !== 'good') return detail;
  return age === null ? detail : `acknowledged up to ${ago(age)}`;
}

function backlogTile(status: Row | undefined): Node {
  const backlog = num(status, 'backlog');
  const used = num(status, 'buffer_used_percent');
  const level = backlog === null ? 'unknown' : used !== null && used > 80 ? 'warning' : 'good';
  const state = backlog === null ? 'Not known' : `${count(backlog)} waiting`;
  return tile('Backlog', level, state, str(status, 'forecast'));
}

function provisioningDetail(row: Row): string {
  const next = num(row, 'next_attempt_in_ms');
  if (levelOf(row) === 'good') return str(row, 'hub_host');
  const when = next === null ? '' : `next attempt ${ahead(next)}`;
  return [str(row, 'reason'), when].filter((part) => part !== '').join('; ');
}

/** A card for each value. @param sinceMs since the answer was given */
export function cardViews(
  { latest }: Overview,
  curves: Curves | undefined,
  sinceMs: number,
): Node[] {
  if (latest.length === 0) return [h('p', { class: 'none' }, 'No values yet.')];
  return latest.map((row) => card(row, curves, sinceMs));
}

function card(row: Row, curves: Curves | undefined, sinceMs: number): Node {
  const value = num(row, 'value');
  const [number, unit] = value === null ? [textOf(row), ''] : measured(value, str(row, 'unit'));
  const freshness = str(row, 'freshness');
  const age = num(row, 'age_ms');
  const aged = freshness === 'late' || freshness === 'old';
  return h(
    'article',
    { class: `card value ${aged ? 'old' : ''}` },
    h('h3', {}, str(row, 'label')),
    h('p', { class: 'number' }, number, h('span', {}, unit)),
    quality(row),
    sparkline(row, curves),
    h('small', {}, `${str(row, 'sensor')} · ${age === null ? 'never' : ago(age + sinceMs)}`),
  );
}

/** A text as it was stored; a yes or no where that is meant. */
function textOf(row: Row): string {
  return str(row, 'text') || 'missing';
}

function quality(row: Row): Node | undefined {
  const word = str(row, 'quality');
  const freshness = str(row, 'freshness');
  const badge = (level: Level, words: string) =>
    h('span', { class: `badge ${level}` }, mark(level), words);
  if (freshness === 'old') return badge('bad', 'no new value');
  if (word !== 'good') return badge('warning', word.replaceAll('_', ' '));
  if (freshness === 'late') return badge('warning', 'late');
  return undefined;
}

function sparkline(row: Row, curves: Curves | undefined): Node {
  const curve = curves?.curves.find(
    ({ sensor, quantity }) => sensor === str(row, 'sensor') && quantity === str(row, 'quantity'),
  );
  const spark = curves === undefined || curve === undefined ? undefined : sparkOf(curves, curve);
  const paths =
    spark === undefined
      ? []
      : [h('path', { class: 'area', d: spark.area }), h('path', { d: spark.line })];
  const box = { viewBox: '0 0 200 34', preserveAspectRatio: 'none', 'aria-hidden': 'true' };
  return h('svg', box, ...paths);
}

/** What is wrong with the page itself; undefined when it is live. */
export function alarmView(trouble: string | undefined): Node | undefined {
  return trouble === undefined
    ? undefined
    : h('div', { class: 'bad' }, mark('bad'), h('p', {}, trouble));
}
