/** States over time as strips under one another, on the same axis as the curves. */
import { h } from './dom.ts';
import type { Node } from './dom.ts';
import { levelOf, num, str } from './core/rows.ts';
import type { Row } from './core/rows.ts';
import { clockTime } from './core/plot.ts';
import { sentence } from '../src/core/words.ts';

const WIDTH = 1_000;
const TITLES: Readonly<Record<string, string>> = {
  measuring: 'Measuring',
  mqtt: 'MQTT broker',
  hub: 'IoT Hub',
  provisioning: 'Provisioning',
};

export function laneViews(states: readonly Row[], fromMs: number, toMs: number): Node | undefined {
  const subjects = [...new Set(states.map((row) => str(row, 'subject')))];
  const rank = (subject: string) => {
    const index = Object.keys(TITLES).indexOf(subject);
    return index === -1 ? 9 : index;
  };
  const lanes = subjects
    .toSorted((a, b) => rank(a) - rank(b))
    .flatMap((subject) => {
      const own = states.filter((row) => str(row, 'subject') === subject);
      return [h('span', {}, titleOf(subject)), lane(own, fromMs, toMs)];
    });
  return lanes.length === 0 ? undefined : h('div', { class: 'lanes card' }, ...lanes);
}

const titleOf = (subject: string) => TITLES[subject] ?? subject.replace(/^sensor:/, '');

function lane(rows: readonly Row[], fromMs: number, toMs: number): Node {
  const x = (ms: number) => Math.round(((ms - fromMs) / Math.max(1, toMs - fromMs)) * WIDTH);
  const parts: Node[] = [];
  const words: string[] = [];
  for (const [index, row] of rows.entries()) {
    const begin = num(row, 'time') ?? fromMs;
    const end = num(rows[index + 1], 'time') ?? toMs;
    const level = levelOf(row);
    const width = Math.max(2, x(end) - x(begin));
    const what = `${sentence(str(row, 'state'))} from ${clockTime(begin, toMs)}`;
    if (words.length < 6 && rows[index + 1] !== undefined) words.push(what);
    const title = h('title', {}, what);
    parts.push(h('rect', { class: `lane-${level}`, x: x(begin), y: 0, width, height: 16 }, title));
    // What is wrong is struck through as well as coloured.
    if (level === 'bad') {
      parts.push(
        h('path', { class: 'lane-dash', d: `M${x(begin)} 8h${width}`, 'stroke-dasharray': '6 5' }),
      );
    }
  }
  const label = `${titleOf(str(rows[0], 'subject'))}: ${words.join(', ')}`;
  const box = {
    viewBox: `0 0 ${WIDTH} 16`,
    preserveAspectRatio: 'none',
    role: 'img',
    'aria-label': label,
  };
  return h('svg', box, ...parts);
}
