/** The parts of the page below the curves: delivery, hub, sensors, losses, events, services. */
import { h } from './dom.ts';
import type { Child, Node } from './dom.ts';
import { clockTime } from './core/plot.ts';
import { levelOf, num, str, yes } from './core/rows.ts';
import type { Overview, Row } from './core/rows.ts';
import { ago, ahead, bytes, rate } from './core/show.ts';
import { mark } from './views.ts';
import { count, counted, duration, sentence, spacing } from '../src/core/words.ts';

function panel(id: string, title: string, ...content: readonly Child[]): Node[] {
  return [h('h2', { id: `${id}-title` }, title), h('div', { class: 'card' }, ...content)];
}

type Fact = readonly [name: string, value: string | null];

function facts(...pairs: readonly Fact[]): Node {
  const shown = pairs.filter(([, value]) => value !== null && value !== '');
  return h(
    'dl',
    { class: 'facts' },
    ...shown.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value ?? '')]),
  );
}

const time = (ms: number | null, nowMs: number) => (ms === null ? null : clockTime(ms, nowMs));
const whole = (value: number | null) => (value === null ? null : count(value));

export function deliveryPanel({ status: [status], links }: Overview): Node[] {
  const backlog = num(status, 'backlog');
  const [used, capacity] = [num(status, 'buffer_bytes'), num(status, 'buffer_capacity_bytes')];
  const [produced, sent] = [num(status, 'produced_per_second'), num(status, 'sent_per_second')];
  const share = num(status, 'buffer_used_percent') ?? 0;
  const oldest = num(status, 'oldest_unacknowledged_ms');
  const label = `Buffer, ${share.toFixed(1)} % of its memory used`;
  const waiting = ` ${backlog === 1 ? 'reading' : 'readings'} waiting`;
  return panel(
    'delivery',
    'Delivery',
    h('p', { class: 'big' }, backlog === null ? '?' : count(backlog), h('span', {}, waiting)),
    h('p', {}, sentence(str(status, 'forecast'))),
    h('meter', { min: 0, max: 100, high: 80, optimum: 0, value: share, 'aria-label': label }),
    facts(
      [
        'Buffer',
        used === null || capacity === null
          ? null
          : `${bytes(used)} of ${bytes(capacity)}, ${count(num(status, 'buffer_entries') ?? 0)} readings kept`,
      ],
      ['Measured', produced === null ? null : rate(produced)],
      ['Delivered', sent === null ? null : rate(sent)],
      [
        'Oldest',
        backlog === null || backlog === 0 || oldest === null ? null : `${duration(oldest)} old`,
      ],
      ...links.filter((link) => yes(link, 'configured')).flatMap(linkFacts),
    ),
  );
}

function linkFacts(link: Row): Fact[] {
  const retried = num(link, 'retried_messages') ?? 0;
  const readings = num(link, 'acknowledged_readings');
  const text = [
    sentence(str(link, 'state')),
    readings === null ? '' : `${counted(readings, 'reading')} acknowledged`,
    retried === 0 ? '' : `${counted(retried, 'message')} sent again`,
  ];
  return [
    [str(link, 'label'), text.filter((part) => part !== '').join(', ')],
    [`${str(link, 'label')} up to`, str(link, 'last_id')],
  ];
}

export function provisioningPanel({ provisioning: [row], status: [status] }: Overview): Node[] {
  const nowMs = num(status, 'time') ?? 0;
  if (row === undefined || !yes(row, 'configured')) {
    const none = 'No hub is set up: readings go to the MQTT broker, if there is one.';
    return panel('provisioning', 'Cloud', h('p', { class: 'none' }, none));
  }
  const next = num(row, 'next_attempt_in_ms');
  const requested = num(row, 'requested');
  return panel(
    'provisioning',
    'Cloud',
    h('ul', { class: 'list' }, item(row, sentence(str(row, 'state')), '', str(row, 'reason'))),
    facts(
      ['Hub', str(row, 'hub_host')],
      ['Device', str(row, 'device_id')],
      ['Link', sentence(str(row, 'link_state'))],
      ['Failing since', time(num(row, 'failing_since'), nowMs)],
      ['Next attempt', next === null ? null : ahead(next)],
      ['Attempt', whole(num(row, 'attempt'))],
      ['Assigned', time(num(row, 'assigned'), nowMs)],
      ['By', str(row, 'source').replaceAll('_', ' ')],
      ['Scope', str(row, 'id_scope')],
      [
        'Asked for',
        requested === null ? null : `${clockTime(requested, nowMs)} by ${str(row, 'requested_by')}`,
      ],
      ['Last error', str(row, 'last_error')],
    ),
  );
}

/** A line of a list: sign, what, when, and what more there is to say. */
function item(row: Row, title: string, when: string, detail: string): Node {
  return h(
    'li',
    {},
    mark(levelOf(row)),
    h('span', {}, title),
    h('span', { class: 'when' }, when),
    detail !== '' && h('small', {}, detail),
  );
}

const list = (items: readonly Node[], none: string): Node =>
  items.length === 0 ? h('p', { class: 'none' }, none) : h('ul', { class: 'list' }, ...items);

export function sensorsPanel({ sensors }: Overview, sinceMs: number): Node[] {
  const items = sensors.map((row) => {
    const age = num(row, 'age_ms');
    const interval = num(row, 'interval_ms');
    const quality = str(row, 'quality');
    const detail = [
      str(row, 'state') === 'lost' ? `does not answer: ${str(row, 'detail')}` : str(row, 'detail'),
      quality === 'good' ? 'good readings' : `quality: ${quality.replaceAll('_', ' ')}`,
      interval === null ? '' : `every ${spacing(interval)}`,
    ];
    const when = age === null ? 'never' : ago(age + sinceMs);
    return item(row, str(row, 'sensor'), when, detail.filter((part) => part !== '').join(', '));
  });
  return panel('sensors', 'Sensors', list(items, 'No sensor has been found yet.'));
}

const REASONS: Readonly<Record<string, string>> = {
  buffer_full: 'the buffer was full',
  too_large: 'too large for the destination',
  refused: 'refused by the destination',
  sensor_memory_full: 'Redis was away for too long',
  removed: 'removed from the buffer by somebody',
};

export function lossesPanel({ gaps, status: [status] }: Overview): Node[] {
  const nowMs = num(status, 'time') ?? 0;
  const items = gaps.toReversed().map((row) => {
    const [from, to] = [num(row, 'from_seq'), num(row, 'to_seq')];
    const numbers = from === null ? '' : `numbers ${count(from)} to ${count(to ?? from)}; `;
    const told =
      str(row, 'state') === 'waiting' ? 'still to be reported' : 'reported to the receiver';
    const title = `${counted(num(row, 'count') ?? 0, 'reading')}: ${REASONS[str(row, 'reason')] ?? sentence(str(row, 'reason'))}`;
    const detail = `${numbers}${str(row, 'destination')}, ${told}`;
    return item({ ...row, level: 'bad' }, title, time(num(row, 'time'), nowMs) ?? '', detail);
  });
  const none = h(
    'ul',
    { class: 'list' },
    item({ level: 'good' }, 'No reading has been lost', 'last day', ''),
  );
  return panel('losses', 'Losses', items.length === 0 ? none : list(items, ''));
}

export function eventsPanel({ events, status: [status] }: Overview): Node[] {
  const nowMs = num(status, 'time') ?? 0;
  const items = events
    .toReversed()
    .map((row) =>
      item(
        row,
        str(row, 'title'),
        time(num(row, 'time'), nowMs) ?? '',
        [str(row, 'service'), str(row, 'text')].filter((part) => part !== '').join(' · '),
      ),
    );
  return panel('events', 'What happened', list(items, 'Nothing in the last day.'));
}

export function servicesPanel({ services, status: [status] }: Overview): Node[] {
  const nowMs = num(status, 'time') ?? 0;
  const items = services.map((row) => {
    const started = num(row, 'started');
    const up = started === null ? '' : `up ${duration(nowMs - started)}`;
    const error = str(row, 'last_error');
    const detail = [str(row, 'detail'), error === '' ? '' : `last error: ${error}`];
    const title = `${str(row, 'service')}: ${sentence(str(row, 'state')).toLowerCase()}`;
    return item(row, title, up, detail.filter((part) => part !== '').join('; '));
  });
  return panel('services', 'Services', list(items, 'Nothing is known.'));
}
