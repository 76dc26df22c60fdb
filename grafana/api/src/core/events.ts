/** Events of the services as annotations: what happened in words, and how grave it is. */
import { fieldOf, streamIdMs } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import type { Level, Row } from './contract/index.ts';
import { short } from './values.ts';
import type { Fields } from './values.ts';
import { sentence } from './words.ts';

export interface Event {
  readonly id: string;
  readonly timeMs: number;
  readonly service: string;
  readonly event: string;
  /** Its own members, without `service` and `event`. */
  readonly fields: Fields;
}

/** Every entry of `events` is one, however little it says. */
export function eventOf([id, list]: StreamEntry): Event {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i] ?? '';
    if (name !== 'service' && name !== 'event') fields[name] = list[i + 1] ?? '';
  }
  return {
    id,
    timeMs: streamIdMs(id),
    service: fieldOf(list, 'service') || 'unknown',
    event: fieldOf(list, 'event') || 'unknown',
    fields,
  };
}

const LEVEL_OF: Readonly<Record<string, Level>> = {
  measuring_started: 'good',
  measuring_resumed: 'good',
  measuring_stopped: 'idle',
  measuring_paused: 'idle',
  link_up: 'good',
  link_down: 'bad',
  sensor_found: 'good',
  sensor_lost: 'bad',
  sensor_flapping: 'warning',
  button_lost: 'warning',
  gpio_conflict: 'warning',
  pin_conflict: 'warning',
  readings_dropped: 'bad',
  readings_evicted: 'bad',
  readings_removed: 'bad',
  reading_too_large: 'bad',
  reading_refused: 'bad',
  redis_full: 'bad',
  data_repaired: 'warning',
  cursor_reset: 'warning',
  interval_refused: 'warning',
  reboot_requested: 'warning',
  provisioned: 'good',
  provisioning_waiting: 'warning',
  provisioning_blocked: 'bad',
  provisioning_clock_wrong: 'bad',
};

export function eventLevel({ event, fields }: Event): Level {
  const known = Object.hasOwn(LEVEL_OF, event) ? LEVEL_OF[event] : undefined;
  if (known !== undefined) return known;
  if ('error' in fields || /(fail|refus|lost|reject|error)/.test(event)) return 'bad';
  return /(assigned|found|connected|ready)/.test(event) ? 'good' : 'idle';
}

/** Members that people need not read. */
const DULL = new Set(['id', 'press', 'request', 'maxInFlight', 'maxPayloadBytes']);

function textOf({ fields }: Event): string {
  const shown = Object.entries(fields).filter(([name, value]) => !DULL.has(name) && value !== '');
  return short(
    shown.map(([name, value]) => `${name.replaceAll('_', ' ')}: ${short(value, 120)}`).join(', '),
    400,
  );
}

export function eventRow(event: Event): Row {
  const { id, timeMs, service } = event;
  const subject = event.fields['sensor'] ?? event.fields['destination'];
  const title = sentence(event.event);
  return {
    time: timeMs,
    time_end: null,
    id,
    service: short(service, 64),
    event: short(event.event, 64),
    title: short(subject === undefined ? title : `${title}: ${subject}`, 100),
    text: textOf(event),
    level: eventLevel(event),
    tags: short(`${service},${event.event}`, 128),
  };
}
