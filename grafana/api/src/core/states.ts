/**
 * States over time, from the events that changed them. Before the first event about a subject its
 * state is unknown: events are kept for a while only. What is known of the present comes last.
 */
import type { Level, Row } from './contract/index.ts';
import type { Event } from './events.ts';
import type { Knowledge } from './facts.ts';
import { isMeasuring, sensorIds, sensorStateOf } from './latest.ts';
import { linkOf } from './links.ts';
import { provisioningLevel, provisioningOf } from './provisioning.ts';
import { short } from './values.ts';

export interface Change {
  readonly timeMs: number;
  readonly subject: string;
  readonly state: string;
  readonly level: Level;
  readonly source: string;
}

const UNKNOWN = { state: 'unknown', level: 'unknown', source: '' } as const;

/** What an event says about a state; undefined when nothing. */
export function changeOf({ timeMs, event, fields }: Event): Change | undefined {
  const change = (subject: string, state: string, level: Level): Change => ({
    timeMs,
    subject,
    state,
    level,
    source: short(fields['source'] ?? '', 40),
  });
  switch (event) {
    case 'measuring_started':
    case 'measuring_resumed':
      return change('measuring', 'on', 'good');
    case 'measuring_stopped':
    case 'measuring_paused':
      return change('measuring', 'off', 'idle');
    case 'link_up':
      return change(fields['destination'] ?? 'mqtt', 'connected', 'good');
    case 'link_down':
      return change(fields['destination'] ?? 'mqtt', 'lost', 'bad');
    case 'sensor_found':
      return change(`sensor:${fields['sensor'] ?? '?'}`, 'ok', 'good');
    case 'sensor_lost':
      return change(`sensor:${fields['sensor'] ?? '?'}`, 'lost', 'bad');
    default: {
      const state = Object.hasOwn(PROVISIONING, event) ? PROVISIONING[event] : undefined;
      if (state === undefined) return undefined;
      return change('provisioning', state, provisioningLevel(state));
    }
  }
}

/** Events of the provisioner that begin a state; of the others nothing follows. */
const PROVISIONING: Readonly<Record<string, string>> = {
  provisioning_started: 'registering',
  lookup_started: 'looking_up',
  provisioning_waiting: 'waiting',
  provisioning_blocked: 'blocked',
  provisioning_clock_wrong: 'clock_wrong',
  provisioning_refused: 'refused',
  provisioned: 'assigned',
};

/** What was before a first change: only what is on can be switched off, only what was there is lost. */
const BEFORE: Readonly<Record<string, { readonly state: string; readonly level: Level }>> = {
  on: { state: 'off', level: 'idle' },
  off: { state: 'on', level: 'good' },
};
const BEFORE_LOSS: Readonly<Record<string, { readonly state: string; readonly level: Level }>> = {
  mqtt: { state: 'connected', level: 'good' },
  hub: { state: 'connected', level: 'good' },
};

function impliedBefore({ subject, state, timeMs }: Change, sinceMs: number): Change[] {
  const lost = subject.startsWith('sensor:')
    ? ({ state: 'ok', level: 'good' } as const)
    : BEFORE_LOSS[subject];
  const implied = state === 'lost' ? lost : subject === 'measuring' ? BEFORE[state] : undefined;
  if (implied === undefined || sinceMs >= timeMs) return [];
  return [{ timeMs: sinceMs, subject, ...implied, source: '' }];
}

/** How things stand now, by subject. */
export function present(known: Knowledge): Change[] {
  const timeMs = known.now.wallMs;
  const measuring = isMeasuring(known);
  const changes: Change[] = [
    {
      timeMs,
      subject: 'measuring',
      state: measuring ? 'on' : 'off',
      level: measuring ? 'good' : 'idle',
      source: '',
    },
  ];
  for (const subject of ['mqtt', 'hub'] as const) {
    const { configured, state, level } = linkOf(known, subject);
    // Between two attempts a link changes its state all the time; for a time line it is lost.
    const lasting = level === 'bad' || level === 'warning' ? 'lost' : state;
    const shown = state === 'silent' ? 'unknown' : lasting;
    if (configured) changes.push({ timeMs, subject, state: shown, level, source: '' });
  }
  const { configured, state } = provisioningOf(known);
  // Once assigned, how the hub fares is told by its own lane.
  const lasting = ['connected', 'hub_failing', 'hub_refused'].includes(state) ? 'assigned' : state;
  const shown = { state: lasting, level: provisioningLevel(lasting) };
  if (configured) changes.push({ timeMs, subject: 'provisioning', ...shown, source: '' });
  for (const sensor of sensorIds(known)) {
    const told = sensorStateOf(known, sensor);
    if (told.state === 'unknown') continue;
    changes.push({
      timeMs,
      subject: `sensor:${sensor}`,
      state: told.state,
      level: told.level,
      source: '',
    });
  }
  return changes;
}

/**
 * The rows of `states`.
 * @param changes in the order of the stream
 * @param current how things stand now
 * @param sinceMs of the oldest event of all: between it and the first change nothing has changed
 */
export function stateRows(
  changes: readonly Change[],
  current: readonly Change[],
  fromMs: number,
  toMs: number,
  sinceMs: number,
): Row[] {
  const subjects = [...new Set([...current, ...changes].map(({ subject }) => subject))].sort();
  return subjects.flatMap((subject) => {
    const told = changes.filter((change) => change.subject === subject);
    const [first] = told;
    const own = first === undefined ? told : [...impliedBefore(first, sinceMs), ...told];
    const last = current.find((change) => change.subject === subject);
    return timeline(own, last, fromMs, toMs).map((change) => row({ ...change, subject }));
  });
}

function timeline(
  own: readonly Change[],
  current: Change | undefined,
  fromMs: number,
  toMs: number,
): Omit<Change, 'subject'>[] {
  // Two services tell the same: the one that came first knows who caused it.
  const changes = own.filter((change, i) => change.state !== own[i - 1]?.state);
  const before = changes.findLast(({ timeMs }) => timeMs <= fromMs);
  // Without a single event the present is all there is to say.
  const first = before ?? (own.length === 0 ? current : undefined) ?? UNKNOWN;
  const rows: Omit<Change, 'subject'>[] = [{ ...first, timeMs: fromMs }];
  const inside = changes.filter(({ timeMs }) => timeMs > fromMs && timeMs <= toMs);
  const upToNow = current !== undefined && current.timeMs <= toMs ? [current] : [];
  for (const change of [...inside, ...upToNow]) {
    if (rows.at(-1)?.state !== change.state) rows.push(change);
  }
  const end = rows.at(-1);
  const endMs = Math.min(toMs, Math.max(fromMs, current?.timeMs ?? toMs));
  if (end !== undefined && end.timeMs < endMs) rows.push({ ...end, timeMs: endMs });
  return rows;
}

function row({ timeMs, subject, state, level, source }: Change): Row {
  return { time: timeMs, subject, state, level, source };
}
