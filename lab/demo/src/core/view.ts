/** The picture of the running gateway: state -> rows. Colours never say what words do not. */
import { cloudKeys, cloudRows, cloudSummary, dpsCell } from './cloud-view.ts';
import type { CloudView } from './cloud-view.ts';
import {
  bytes,
  clip,
  countline,
  duration,
  fit,
  gauge,
  paint,
  sparkline,
  spread,
  stopwatch,
  toAscii,
} from './format.ts';
import type { PartName } from './parts.ts';

export type { CloudView };

export interface PartView {
  readonly name: PartName;
  readonly pid: number | undefined;
  readonly up: boolean;
  readonly restarts: number;
}

export interface SensorView {
  readonly id: string;
  readonly perSecond: number;
  /** Values with units, as `quantities` makes them. */
  readonly values: readonly string[];
}

export interface BufferView {
  readonly usedBytes: number;
  readonly capacityBytes: number;
  /** At the present rates; undefined = never, or not known yet. */
  readonly fullInSeconds: number | undefined;
  readonly drainedInSeconds: number | undefined;
}

export interface EventView {
  readonly elapsedSeconds: number;
  readonly source: string;
  readonly text: string;
  readonly level: 'info' | 'warn' | 'error';
}

export interface DemoView {
  readonly elapsedSeconds: number;
  readonly limitSeconds: number | undefined;
  /** `proving`: measuring has stopped, the last readings are on their way. */
  readonly phase: 'starting' | 'running' | 'proving';
  readonly parts: readonly PartView[];
  readonly networkCut: boolean;
  /** Where the readings go; undefined = to a broker. */
  readonly cloud: CloudView | undefined;
  readonly measuring: boolean;
  readonly sensors: readonly SensorView[];
  /** Temperatures measured, oldest first. */
  readonly temperatures: readonly number[];
  /** Readings delivered in each past second, oldest first. */
  readonly deliveredHistory: readonly number[];
  readonly produced: number;
  readonly delivered: number;
  /** Stored and not yet received. */
  readonly notDelivered: number;
  /** Acknowledged by a hub that has not received it. */
  readonly missing: number;
  /** Stored and not yet acknowledged by the broker or hub. */
  readonly notAcknowledged: number;
  readonly acknowledgedId: string;
  /** As mqtthandler says: `connected`, `connecting`, `waiting`, `failed (connack_5)`, ... */
  readonly link: string;
  readonly nextAttemptInSeconds: number | undefined;
  readonly buffer: BufferView | undefined;
  readonly duplicates: number;
  readonly gapReadings: number;
  readonly firstDeliveredSeconds: number | undefined;
  readonly events: readonly EventView[];
  /** Where the page in the browser is; undefined before it answers. */
  readonly pageUrl: string | undefined;
  /** The next key says which process to kill. */
  readonly choosing: boolean;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Columns of the names on the left. */
const LABEL = 12;

/** At most `size.rows` rows of at most `size.columns` columns. */
export function render(view: DemoView, size: Size, unicode = true): string[] {
  const width = Math.max(20, size.columns);
  const rule = paint('dim', '─'.repeat(width));
  const top = [
    title(view, width),
    paint('cyan', addresses(view)),
    rule,
    ...processRows(view, width),
    rule,
    ...sensorRows(view, width),
    rule,
    ...deliveryRows(view, width),
    rule,
  ];
  const bottom = [rule, keys(view)];
  const room = Math.max(0, size.rows - top.length - bottom.length);
  const rows = [...top, ...eventRows(view, room), ...bottom].slice(0, size.rows);
  return rows.map((row) => clip(unicode ? row : toAscii(row), size.columns));
}

/** The same in one line, for a log. */
export function summary(view: DemoView): string {
  const rates = view.sensors.map((one) => `${one.id} ${one.perSecond.toFixed(1)}/s`).join('  ');
  const state = view.measuring ? '' : '  paused';
  const cloud = view.cloud === undefined ? '' : `  ${cloudSummary(view.cloud)}`;
  return (
    `${rates}${state}  stored ${view.produced}  delivered ${view.delivered}` +
    `  backlog ${view.notDelivered}  link ${linkText(view)}${cloud}`
  );
}

/** Where there is more to see. */
function addresses({ pageUrl = 'in a moment', cloud }: DemoView): string {
  const page = `In your browser: ${pageUrl}`;
  return cloud?.command === undefined ? page : `${page}   The cloud: ${cloud.command}`;
}

function title(view: DemoView, width: number): string {
  const { elapsedSeconds, limitSeconds, phase } = view;
  const limit = limitSeconds === undefined ? '' : ` of ${stopwatch(limitSeconds)}`;
  const target = view.cloud === undefined ? 'an MQTT subscriber' : 'an Azure IoT Hub';
  const state = {
    starting: 'starting',
    running: view.measuring
      ? `measuring; every reading goes to ${target}`
      : paint('yellow', 'PAUSED by the button'),
    proving: paint('yellow', `measuring stopped, ${view.notDelivered} readings on their way`),
  }[phase];
  return spread(
    `${paint('bold', 'Holdfast')}  ${state}`,
    ` ${stopwatch(elapsedSeconds)}${limit}`,
    width,
  );
}

/** Two processes side by side; the network or DPS is the sixth. */
function processRows(view: DemoView, width: number): string[] {
  const half = Math.floor(width / 2);
  const cells = view.parts.map((part, index) => processCell(part, index + 1, half >= 45));
  const open = view.networkCut ? paint('red', 'CUT') : paint('green', 'open');
  cells.push(view.cloud === undefined ? `n ${fit('network', 16)}${open}` : dpsCell(view.cloud));
  const rows: string[] = [];
  for (let i = 0; i < cells.length; i += 2) {
    rows.push(`${fit(cells[i] ?? '', half - 1)} ${cells[i + 1] ?? ''}`);
  }
  return rows;
}

function processCell(part: PartView, key: number, wide: boolean): string {
  const state = part.up ? paint('green', 'up') : paint('red', 'DOWN');
  const pid = part.up && part.pid !== undefined ? `${wide ? ' pid' : ''} ${part.pid}` : '';
  const restarts = part.restarts > 0 ? paint('yellow', ` restarts ${part.restarts}`) : '';
  return `${paint('dim', String(key))} ${fit(part.name, 16)}${state}${pid}${restarts}`;
}

function sensorRows(view: DemoView, width: number): string[] {
  const rows = view.sensors.map(
    ({ id, perSecond, values }) =>
      `${fit(id, LABEL)} ${paint('cyan', `${perSecond.toFixed(1)}/s`.padStart(6))}  ${values.join('  ')}`,
  );
  // Rows that are still to come keep their place, so that the picture does not jump.
  while (rows.length < 2) rows.push(paint('dim', '-'));
  const last = view.temperatures.at(-1);
  const shown = width - LABEL - 14;
  return [
    ...rows,
    `${fit('temperature', LABEL)} ${sparkline(view.temperatures, shown)} ${last === undefined ? '' : `${last.toFixed(2)} °C`}`,
    `${fit('delivered/s', LABEL)} ${countline(view.deliveredHistory, shown)} ${view.deliveredHistory.at(-1) ?? ''}`,
  ];
}

function deliveryRows(view: DemoView, width: number): string[] {
  const { cloud, notDelivered, firstDeliveredSeconds: first } = view;
  const link = `link ${linkColoured(view)}  acknowledged up to ${view.acknowledgedId || '-'}`;
  const buffer = bufferRow(view.buffer, notDelivered);
  if (cloud !== undefined) {
    const lost = view.missing > 0 ? paint('red', String(view.missing)) : '0';
    const counts = `${countsOf(view, 'hubs')}  lost ${lost}  gaps ${view.gapReadings}`;
    return [counts, link, ...cloudRows(cloud), buffer];
  }
  return [
    countsOf(view, 'subscriber'),
    link,
    buffer,
    spread(
      `duplicates dropped ${view.duplicates}  recorded as gap ${view.gapReadings}`,
      first === undefined ? '' : paint('dim', ` first reading after ${first.toFixed(1)} s`),
      width,
    ),
  ];
}

function countsOf(view: DemoView, receiver: string): string {
  const { produced, delivered, notDelivered, notAcknowledged } = view;
  const backlog = String(notDelivered);
  const shownBacklog = notDelivered > 0 ? paint('yellow', backlog) : backlog;
  return (
    `stored ${paint('bold', String(produced))}  at the ${receiver} ${paint('bold', String(delivered))}` +
    `  backlog ${shownBacklog}  unacknowledged ${notAcknowledged}`
  );
}

function linkText({ link, nextAttemptInSeconds }: DemoView): string {
  const words = link.replaceAll('_', ' ') || 'unknown';
  if (link === 'connected' || nextAttemptInSeconds === undefined) return words;
  return `${words}, next attempt in ${nextAttemptInSeconds.toFixed(0)} s`;
}

function linkColoured(view: DemoView): string {
  return paint(view.link === 'connected' ? 'green' : 'red', linkText(view));
}

function bufferRow(buffer: BufferView | undefined, backlog: number): string {
  if (buffer === undefined) return 'buffer -';
  const { usedBytes, capacityBytes, fullInSeconds, drainedInSeconds } = buffer;
  // Unknown to the service after its start, until it has looked twice.
  const endless = backlog > 0 ? 'how long it will last is not known yet' : 'not filling up';
  const lasts = fullInSeconds === undefined ? endless : `lasts ${duration(fullInSeconds)}`;
  const drained =
    backlog > 0 && drainedInSeconds !== undefined && drainedInSeconds > 0
      ? `, backlog gone in ${duration(drainedInSeconds)}`
      : '';
  return `buffer ${gauge(usedBytes, capacityBytes, 10)} ${bytes(usedBytes)} of ${bytes(capacityBytes)}, ${lasts}${drained}`;
}

function eventRows(view: DemoView, room: number): string[] {
  const rows = view.events.slice(-room).map((event) => {
    const row = `${stopwatch(event.elapsedSeconds)} ${fit(event.source, 16)}${event.text}`;
    return event.level === 'info' ? row : paint(event.level === 'warn' ? 'yellow' : 'red', row);
  });
  return room === 0 ? [] : [...rows, ...Array.from({ length: room - rows.length }, () => '')];
}

function keys(view: DemoView): string {
  if (view.phase === 'proving') return 'waiting for the last readings   q end at once';
  if (view.choosing) {
    const names = view.parts.map(({ name }, i) => `${paint('bold', String(i + 1))} ${name}`);
    return `kill -9: ${names.join('  ')}`;
  }
  if (view.cloud !== undefined) {
    const own: KeyWord[] = [['b', 'button'], ...cloudKeys(view.cloud)];
    return keyRow([...own, ['1-5', 'kill'], ['q', 'end']], '  ');
  }
  const cut = view.networkCut ? 'restore network' : 'cut network';
  const shown = [
    ['b', 'button'],
    ['n', cut],
    ['1-5', 'kill -9 a process'],
    ['k', 'choose'],
    ['q', 'quit and prove'],
  ] as const;
  return keyRow(shown, '   ');
}

type KeyWord = readonly [key: string, word: string];

function keyRow(shown: readonly KeyWord[], between: string): string {
  return shown.map(([key, word]) => `${paint('bold', key)} ${word}`).join(between);
}
