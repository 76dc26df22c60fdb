/** One chart per quantity, drawn by uPlot: lines with bands, gaps as gaps, starts and stops marked. */
import uPlot from 'uplot';
import { draw, h } from './dom.ts';
import type { Plot } from './core/plot.ts';
import { plotWords, timeMarks } from './core/plot.ts';
import { num, str } from './core/rows.ts';
import type { Row } from './core/rows.ts';
import { bytes, measured } from './core/show.ts';

const HEIGHT = 190;
/** A line is known by its dashes as well as by its colour. */
const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 2], [14, 4]];
const COLOURS = DASHES.length;

const css = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colourOf = (index: number) => `--c${index % COLOURS}`;

export class Chart {
  readonly element: HTMLElement;
  readonly #caption = document.createElement('figcaption');
  readonly #box = document.createElement('div');
  #plot: Plot;
  #uplot: uPlot | undefined;
  #shape = '';
  #marks: readonly Row[] = [];
  #cursor: number | null = null;

  constructor(plot: Plot) {
    this.#plot = plot;
    this.element = document.createElement('figure');
    this.element.className = 'chart card';
    this.#box.setAttribute('role', 'img');
    this.element.append(this.#caption, this.#box);
    new ResizeObserver(() => this.#fit()).observe(this.element);
  }

  /** @param marks events to draw as lines */
  update(plot: Plot, fromMs: number, toMs: number, marks: readonly Row[]): void {
    this.#plot = plot;
    this.#marks = marks;
    this.#box.setAttribute('aria-label', plotWords(plot));
    const shape = JSON.stringify([
      plot.lines.map(({ sensor, min }) => [sensor, min.length]),
      css('--ink'),
    ]);
    const columns = plot.lines.flatMap(({ value, min, max }) =>
      min.length > 0 ? [value, min, max] : [value],
    );
    const data = [plot.time, ...columns] as unknown as uPlot.AlignedData;
    if (this.#uplot === undefined || shape !== this.#shape) {
      this.#uplot?.destroy();
      this.#uplot = new uPlot(this.#options(), data, this.#box);
      this.#shape = shape;
    } else {
      this.#uplot.setData(data, false);
    }
    this.#uplot.setScale('x', { min: fromMs, max: toMs });
    this.#legend();
  }

  remove(): void {
    this.#uplot?.destroy();
    this.element.remove();
  }

  #fit(): void {
    const width = this.#box.clientWidth;
    if (this.#uplot !== undefined && width > 0 && width !== this.#uplot.width) {
      this.#uplot.setSize({ width, height: HEIGHT });
    }
  }

  #options(): uPlot.Options {
    const axis = {
      stroke: css('--soft'),
      grid: { stroke: css('--grid'), width: 1 },
      ticks: { show: false },
    };
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const { unit } = this.#plot;
    return {
      width: Math.max(100, this.#box.clientWidth),
      height: HEIGHT,
      ms: 1,
      legend: { show: false },
      padding: [10, 18, 0, 0],
      cursor: {
        sync: { key: 'charts' },
        y: false,
        drag: { x: false, y: false },
        points: { size: 7 },
      },
      scales: { x: { time: true }, y: { range: (_u, low, high) => padded(low, high) } },
      series: [{}, ...this.#series()],
      bands: this.#bands(),
      axes: [
        {
          ...axis,
          font,
          size: 26,
          space: 72,
          values: (_u, times, _axis, _space, spacing) => timeMarks(times, spacing),
        },
        {
          ...axis,
          font,
          size: unit === 'B' ? 72 : 58,
          space: 34,
          values: (_u, marks) => marks.map((m) => mark(m, unit)),
        },
      ],
      hooks: {
        setCursor: [(u) => this.#point(u.cursor.idx ?? null)],
        drawClear: [(u) => this.#events(u)],
      },
    };
  }

  #series(): uPlot.Series[] {
    return this.#plot.lines.flatMap(({ min }, index): uPlot.Series[] => {
      const stroke = css(colourOf(index));
      const dash = [...(DASHES[index % COLOURS] ?? [])];
      const line: uPlot.Series = {
        stroke,
        width: 2,
        dash,
        points: { show: false },
        spanGaps: false,
      };
      const edge: uPlot.Series = { stroke: 'transparent', width: 0, points: { show: false } };
      return min.length > 0 ? [line, edge, edge] : [line];
    });
  }

  #bands(): uPlot.Band[] {
    let at = 1;
    return this.#plot.lines.flatMap(({ min }, index): uPlot.Band[] => {
      const banded = min.length > 0;
      const series: [number, number] = [at + 2, at + 1];
      at += banded ? 3 : 1;
      return banded ? [{ series, fill: `${css(colourOf(index))}2e` }] : [];
    });
  }

  /** Starts and stops as lines, the stops dashed. */
  #events(u: uPlot): void {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = css('--soft');
    ctx.lineWidth = devicePixelRatio;
    for (const row of this.#marks) {
      const x = Math.round(u.valToPos(num(row, 'time') ?? 0, 'x', true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      const stopped = str(row, 'level') !== 'good';
      ctx.setLineDash(stopped ? [3 * devicePixelRatio, 3 * devicePixelRatio] : []);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  #point(index: number | null): void {
    if (index === this.#cursor) return;
    this.#cursor = index;
    this.#legend();
  }

  /** The caption: what is drawn, and the values under the pointer or the last ones. */
  #legend(): void {
    const { label, unit, lines, time } = this.#plot;
    const index = this.#cursor;
    const keys = lines.map(({ sensor, value, min, max }, line) => {
      const at = index ?? value.findLastIndex((one) => typeof one === 'number');
      const shown = numberAt(value, at, unit);
      const [low, high] = [min[at], max[at]];
      const wide = typeof low === 'number' && typeof high === 'number' && low !== high;
      const band =
        index !== null && wide ? ` (${measured(low, unit)[0]} to ${measured(high, unit)[0]})` : '';
      return h('span', { class: 'key' }, swatch(line), `${sensor} `, h('b', {}, `${shown}${band}`));
    });
    const timeMs = index === null ? undefined : time[index];
    const when = timeMs === undefined ? '' : ` at ${timeMarks([timeMs], 1_000)[0] ?? ''}`;
    draw(this.#caption, h('span', {}, `${label}${when}`), ...keys);
  }
}

function numberAt(values: Plot['lines'][number]['value'], index: number, unit: string): string {
  const value = values[index];
  return typeof value === 'number' ? measured(value, unit).join(' ').trim() : 'no value';
}

function swatch(index: number) {
  const dash = DASHES[index % COLOURS]?.join(' ');
  const style = {
    stroke: `var(${colourOf(index)})`,
    'stroke-width': 3,
    'stroke-dasharray': dash || undefined,
  };
  return h(
    'svg',
    { viewBox: '0 0 22 8', 'aria-hidden': 'true' },
    h('path', { d: 'M0 4h22', ...style }),
  );
}

/** Some room above and below; a curve that does not move lies in the middle. */
function padded(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const room = Math.max((high - low) * 0.12, Math.abs(high) * 5e-4, 1e-3);
  return [low - room, high + room];
}

function mark(value: number, unit: string): string {
  return unit === 'B' ? bytes(value, 2) : measured(value, '')[0];
}
