/** Where panels stand: sections one below the other, panels in them from left to right. */
import type { Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';

/** Columns of Grafana's grid. */
export const WIDTH = 24;

export interface Section {
  /** Without a title there is no bar above the panels. */
  readonly title?: string;
  /** A collapsed section asks for its data only when it is opened. */
  readonly collapsed?: boolean;
  /** With `gridPos.w` and `gridPos.h`; a repeated panel takes the whole width. */
  readonly panels: readonly Panel[];
}

interface Place {
  x: number;
  y: number;
  /** Of the tallest panel in this line. */
  height: number;
}

/** The panels with ids from 1 and their positions, in the order of the sections. */
export function layout(sections: readonly Section[]): (Panel | RowPanel)[] {
  const placed: (Panel | RowPanel)[] = [];
  const place: Place = { x: 0, y: 0, height: 0 };
  let id = 0;
  for (const { title, collapsed = false, panels } of sections) {
    nextLine(place);
    const bar = title === undefined ? undefined : rowPanel(title, collapsed, (id += 1), place.y);
    if (bar !== undefined) {
      placed.push(bar);
      place.y += 1;
    }
    const into = bar !== undefined && collapsed ? bar.panels : placed;
    for (const panel of panels) into.push(put(panel, (id += 1), place));
  }
  return placed;
}

function nextLine(place: Place): void {
  place.x = 0;
  place.y += place.height;
  place.height = 0;
}

function put(panel: Panel, id: number, place: Place): Panel {
  const { w = WIDTH / 2, h = 8 } = panel.gridPos ?? {};
  const width = panel.repeat === undefined ? w : WIDTH;
  if (place.x + width > WIDTH) nextLine(place);
  const gridPos = { x: place.x, y: place.y, w: width, h };
  place.x += width;
  place.height = Math.max(place.height, h);
  return { ...panel, id, gridPos };
}

function rowPanel(title: string, collapsed: boolean, id: number, y: number): RowPanel {
  return { type: 'row', title, collapsed, id, gridPos: { x: 0, y, w: WIDTH, h: 1 }, panels: [] };
}
