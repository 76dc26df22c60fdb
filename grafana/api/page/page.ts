/**
 * The page: asks the service again and again and draws what differs. Two rhythms: the present every
 * two seconds, curves as often as they can have a new point. It says so when it cannot ask any more.
 */
import { Chart } from './chart.ts';
import { plotsOf } from './core/plot.ts';
import { num, str, yes } from './core/rows.ts';
import type { Curves, Overview, Row } from './core/rows.ts';
import { ago } from './core/show.ts';
import { byId, draw, h } from './dom.ts';
import { laneViews } from './lanes.ts';
import * as panels from './panels.ts';
import { alarmView, cardViews, tileViews, verdictView } from './views.ts';

const OVERVIEW_MS = 2_000;
const CURVES_MS = { least: 2_000, most: 60_000 };
/** Without an answer for so long the page says that it is old. */
const STALE_MS = 7_000;
const TIMEOUT_MS = 8_000;
/** Charts are not narrower than this. */
const LEAST_SHOWN_MS = 60_000;
const RANGES = [
  ['15 min', 900_000],
  ['1 h', 3_600_000],
  ['6 h', 21_600_000],
  ['24 h', 86_400_000],
  ['7 d', 604_800_000],
] as const;
const MARKED = new Set([
  'measuring_paused',
  'measuring_resumed',
  'measuring_started',
  'measuring_stopped',
]);

let overview: Overview | undefined;
let curves: Curves | undefined;
let states: readonly Row[] = [];
let rangeMs: number = RANGES[0][1];
/** When the last answer came, on the clock of this browser that does not jump. */
let answeredMs = Number.NEGATIVE_INFINITY;
let trouble: string | undefined;
let switching = false;
const charts = new Map<string, Chart>();

/** What the service says instead of an answer. */
class Refused extends Error {}

async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(path, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.ok) return (await response.json()) as T;
  const body = (await response.json().catch(() => undefined)) as
    { error?: { message?: string } } | undefined;
  throw new Refused(body?.error?.message ?? `answer ${response.status}`);
}

const sinceMs = () => performance.now() - answeredMs;
const pause = async (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** While nobody looks, nobody asks. */
const untilVisible = async () =>
  new Promise<void>((resolve) => {
    if (!document.hidden) return resolve();
    document.addEventListener('visibilitychange', () => resolve(), { once: true });
  });

async function keepOverview(): Promise<never> {
  for (;;) {
    await untilVisible();
    const first = overview === undefined;
    try {
      overview = await ask<Overview>('/api/overview');
      [answeredMs, trouble] = [performance.now(), undefined];
      drawOverview(overview);
    } catch (error) {
      trouble = troubleOf(error);
    }
    drawContact();
    // The curves begin where the readings do, which only is known now.
    if (first && overview !== undefined) wake();
    await pause(OVERVIEW_MS);
  }
}

function troubleOf(error: unknown): string {
  return error instanceof Refused
    ? `The gateway answers, but it cannot read its data: ${error.message}.`
    : 'The gateway cannot be reached.';
}

let wake = () => {};

async function keepCurves(): Promise<never> {
  for (;;) {
    await untilVisible();
    if (overview !== undefined) await loadCurves().catch(() => {});
    const stepMs = curves?.step_ms ?? 0;
    const waitMs = Math.min(CURVES_MS.most, Math.max(CURVES_MS.least, stepMs));
    const woken = new Promise<void>((resolve) => (wake = resolve));
    await Promise.race([pause(waitMs), woken]);
  }
}

async function loadCurves(): Promise<void> {
  const asked = rangeMs;
  // By the clock of the device: that of this browser may be another.
  const toMs = Math.round(
    (num(overview?.status[0], 'time') ?? Date.now()) + (overview ? sinceMs() : 0),
  );
  // A young gateway: what there is fills the charts, until it fills the range.
  const oldestMs = num(overview?.status[0], 'oldest_reading') ?? 0;
  const fromMs = Math.max(toMs - asked, Math.min(oldestMs, toMs - LEAST_SHOWN_MS));
  const range = `from=${fromMs}&to=${toMs}`;
  const [nextCurves, nextStates] = await Promise.all([
    ask<Curves>(`/api/curves?${range}&points=300`),
    ask<Row[]>(`/api/states?${range}`),
  ]);
  // Somebody has chosen another range meanwhile.
  if (asked !== rangeMs) return;
  [curves, states] = [nextCurves, nextStates];
  drawCurves(nextCurves, fromMs, toMs);
}

function drawCurves(loaded: Curves, fromMs: number, toMs: number): void {
  const box = byId('curves');
  const plots = plotsOf(loaded);
  const marks = (overview?.events ?? []).filter((row) => MARKED.has(str(row, 'event')));
  for (const [quantity, chart] of charts) {
    if (plots.some((plot) => plot.quantity === quantity)) continue;
    chart.remove();
    charts.delete(quantity);
  }
  for (const [index, plot] of plots.entries()) {
    let chart = charts.get(plot.quantity);
    if (chart === undefined) charts.set(plot.quantity, (chart = new Chart(plot)));
    if (box.children[index] !== chart.element)
      box.insertBefore(chart.element, box.children[index] ?? null);
    chart.update(plot, fromMs, toMs, marks);
  }
  draw(byId('lanes'), laneViews(states, fromMs, toMs));
  drawAges();
}

function drawOverview(known: Overview): void {
  const [status] = known.status;
  const device = str(status, 'device') || str(status, 'device_id');
  draw(byId('device'), device);
  document.title = device === '' ? 'Holdfast' : `${device} · Holdfast`;
  draw(byId('verdict'), verdictView(known));
  draw(byId('tiles'), ...tileViews(known));
  draw(byId('delivery'), ...panels.deliveryPanel(known));
  draw(byId('provisioning'), ...panels.provisioningPanel(known));
  draw(byId('losses'), ...panels.lossesPanel(known));
  draw(byId('events'), ...panels.eventsPanel(known));
  draw(byId('services'), ...panels.servicesPanel(known));
  drawControl(status);
  drawAges();
}

/** What grows older by itself. */
function drawAges(): void {
  if (overview === undefined) return;
  draw(byId('cards'), ...cardViews(overview, curves, sinceMs()));
  draw(byId('sensors'), ...panels.sensorsPanel(overview, sinceMs()));
}

function drawContact(): void {
  const stale = sinceMs() > STALE_MS || (trouble !== undefined && overview === undefined);
  document.body.classList.toggle('stale', stale);
  const last = Number.isFinite(answeredMs)
    ? ` What you see is ${ago(sinceMs()).replace(' ago', '')} old.`
    : '';
  const ahead = str(overview?.status[0], 'clock') === 'ahead';
  const clock =
    'The clock of the device was set back: the newest readings carry a time that has not come yet.';
  const old = `${trouble ?? 'The gateway has not answered.'}${last}`;
  draw(byId('alarm'), alarmView(stale ? old : ahead ? clock : undefined));
  const words = overview === undefined ? 'connecting' : `live, ${ago(sinceMs())}`;
  byId('contact').className = stale ? 'contact' : 'contact beat';
  draw(byId('contact'), stale ? 'not live' : words);
}

function drawControl(status: Row | undefined): void {
  if (!yes(status, 'control')) return draw(byId('control'));
  const measuring = yes(status, 'measuring');
  const words = measuring ? 'Stop measuring' : 'Start measuring';
  const onclick = () => void switchMeasuring(!measuring);
  draw(
    byId('control'),
    h(
      'button',
      { class: 'switch', type: 'button', 'aria-disabled': switching ? 'true' : undefined, onclick },
      words,
    ),
  );
}

async function switchMeasuring(measuring: boolean): Promise<void> {
  if (switching) return;
  switching = true;
  drawControl(overview?.status[0]);
  try {
    await ask('/api/measuring', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Holdfast-Control': '1' },
      body: JSON.stringify({ measuring }),
    });
    // Answers may be a second old: the new state must be in the next one.
    await pause(1_000);
    overview = await ask<Overview>('/api/overview');
  } catch (error) {
    draw(byId('alarm'), alarmView(`Measuring could not be switched. ${troubleOf(error)}`));
  } finally {
    switching = false;
    if (overview !== undefined) drawOverview(overview);
  }
}

function drawRanges(): void {
  const inputs = RANGES.map(([label, ms]) => {
    const onchange = () => {
      rangeMs = ms;
      wake();
    };
    const input = h('input', {
      type: 'radio',
      name: 'range',
      value: ms,
      checked: ms === rangeMs,
      onchange,
    });
    return h('label', {}, input, label);
  });
  const box = { class: 'ranges', role: 'radiogroup', 'aria-label': 'Time shown' };
  draw(byId('ranges'), h('div', box, ...inputs));
  draw(
    byId('foot'),
    'Read from the gateway itself; works without the internet. The same as JSON: ',
    h('a', { href: '/openapi.json' }, 'all routes'),
    ', ',
    h('a', { href: '/api/overview' }, 'this page'),
    '.',
  );
}

drawRanges();
setInterval(() => {
  drawContact();
  drawAges();
}, 1_000);
void keepOverview();
void keepCurves();
