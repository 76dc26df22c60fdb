/** The device in one sentence: the gravest thing first. */
import { counted, duration, sentence, spacing } from '../../src/core/words.ts';
import { levelOf, num, str, yes } from './rows.ts';
import type { Level, Overview, Row } from './rows.ts';

export interface Verdict {
  readonly level: Level;
  readonly title: string;
  readonly detail: string;
}

/** As in the service's forecast: so few are always under way. */
const SMALL_BACKLOG = 25;

export function verdictOf(overview: Overview): Verdict {
  const [status] = overview.status;
  return (
    sensorTrouble(overview, status) ??
    linkTrouble(overview, status) ??
    backlog(status) ??
    paused(status) ??
    allWell(overview, status)
  );
}

function sensorTrouble({ sensors }: Overview, status: Row | undefined): Verdict | undefined {
  const age = num(status, 'last_reading_age_ms');
  if (age === null) {
    const detail = 'As soon as a sensor answers, its values appear here by themselves.';
    return { level: 'idle', title: 'Waiting for the first reading', detail };
  }
  if (str(status, 'freshness') === 'old') {
    const detail = 'Measuring is switched on. Is the sensor service running?';
    return { level: 'bad', title: `No new reading for ${duration(age)}`, detail };
  }
  const lost = sensors.filter((row) => str(row, 'state') === 'lost');
  const [first] = lost;
  if (first === undefined) return undefined;
  const others = lost.length > 1 ? ` and ${lost.length - 1} more` : '';
  const verb = lost.length > 1 ? 'do' : 'does';
  const title = `${str(first, 'sensor')}${others} ${verb} not answer`;
  const detail = str(first, 'detail') || 'The other sensors go on.';
  return { level: 'bad', title, detail };
}

function linkTrouble({ links }: Overview, status: Row | undefined): Verdict | undefined {
  const down = links.filter((row) => yes(row, 'configured') && levelOf(row) === 'bad');
  const [first] = down;
  if (first === undefined) return undefined;
  const silent = str(first, 'state') === 'silent';
  const title = silent
    ? 'Nothing is being forwarded'
    : `${down.map((row) => str(row, 'label')).join(' and ')} cannot be reached`;
  const few = (num(status, 'backlog') ?? 0) <= SMALL_BACKLOG;
  const until = few ? 'it is back' : str(status, 'forecast');
  const detail = silent
    ? `${sentence(str(first, 'detail'))}. Every reading is kept in the buffer.`
    : `Every reading is kept in the buffer${few ? ' until ' : ': '}${until}.`;
  return { level: silent ? 'bad' : 'warning', title, detail };
}

function backlog(status: Row | undefined): Verdict | undefined {
  const waiting = num(status, 'backlog') ?? 0;
  if (waiting <= SMALL_BACKLOG) return undefined;
  const drained = num(status, 'drained_in_seconds');
  const full = num(status, 'full_in_seconds');
  if (drained === null && full !== null) {
    const title = 'More readings come than can be sent';
    return { level: 'warning', title, detail: `${str(status, 'forecast')}.` };
  }
  const title = `Sending ${counted(waiting, 'stored reading')}`;
  const detail =
    drained === null ? 'New ones are sent beside them.' : `Done in ${duration(drained * 1_000)}.`;
  return { level: 'good', title, detail };
}

function paused(status: Row | undefined): Verdict | undefined {
  if (str(status, 'measuring_state') !== 'paused') return undefined;
  return {
    level: 'idle',
    title: 'Measuring is paused',
    detail: 'What was measured before is safe.',
  };
}

function allWell({ gaps, links }: Overview, status: Row | undefined): Verdict {
  const lost = lostReadings(gaps);
  const sensors = counted(num(status, 'sensors') ?? 0, 'sensor');
  const interval = num(status, 'interval_ms');
  const every = interval === null ? '' : `, measuring every ${spacing(interval)}`;
  const sent = links.some((row) => yes(row, 'configured'));
  if (lost > 0) {
    const detail = 'They are recorded below, each with its reason.';
    return { level: 'warning', title: `${counted(lost, 'reading')} lost in the last day`, detail };
  }
  const title = sent
    ? 'All is well. Every reading is delivered.'
    : 'Measuring. Nothing is sent yet.';
  const detail = sent ? `${sensors}${every}.` : `${sensors}${every}; no destination is set up.`;
  return { level: sent ? 'good' : 'idle', title, detail };
}

/** A reading that two destinations have lost is one reading; what was never stored is lost to all. */
function lostReadings(gaps: readonly Row[]): number {
  const byDestination = new Map<string, number>();
  for (const row of gaps) {
    const destination = str(row, 'destination');
    byDestination.set(
      destination,
      (byDestination.get(destination) ?? 0) + (num(row, 'count') ?? 0),
    );
  }
  const all = byDestination.get('all') ?? 0;
  byDestination.delete('all');
  return all + Math.max(0, ...byDestination.values());
}
