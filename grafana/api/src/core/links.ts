/** The destinations: whether their link is up and what has gone there. */
import type { Level, Row } from './contract/index.ts';
import { parseEnabled, parseStreamId, streamIdMs } from '@holdfast/redis';
import type { Knowledge } from './facts.ts';
import { firstOf, short, whole } from './values.ts';
import type { Fields } from './values.ts';
import { duration, sentence } from './words.ts';

export const DESTINATIONS = ['mqtt', 'hub'] as const;
export type Destination = (typeof DESTINATIONS)[number];

const LABELS: Readonly<Record<Destination, string>> = { mqtt: 'MQTT broker', hub: 'IoT Hub' };

export interface Link {
  readonly configured: boolean;
  readonly state: string;
  readonly level: Level;
  readonly detail: string;
}

/** States of `mqtthandler:status` and of `hub_sender:link`. */
const LEVELS: Readonly<Record<string, Level>> = {
  connected: 'good',
  connecting: 'warning',
  waiting: 'bad',
  waiting_redis: 'warning',
  paused: 'idle',
  off: 'idle',
  lost: 'bad',
  failed: 'bad',
  silent: 'bad',
};

/** The link to a destination, in as far as anybody tells. */
export function linkOf(known: Knowledge, destination: Destination): Link {
  const { mqtthandler, hubLink } = known.facts.hashes;
  const told = mqtthandler[`${destination}_state`];
  const extra = destination === 'hub' ? hubLink : {};
  // What an earlier life has said of its link counts only until the mqtthandler reports by itself.
  const state = told ?? ('started' in mqtthandler ? null : firstOf(extra, 'state'));
  if (state === null || state === 'off') {
    return { configured: false, state: 'off', level: 'idle', detail: 'not set up' };
  }
  if (known.handlerSilentMs !== undefined) {
    const detail = `the mqtthandler has not reported for ${duration(known.handlerSilentMs)}`;
    return { configured: true, state: 'silent', level: 'bad', detail };
  }
  const key = destination === 'mqtt' ? 'mqttEnabled' : 'hubEnabled';
  if (!parseEnabled(known.facts.strings[key])) {
    const detail = `paused by ${destination}_sender:enabled`;
    return { configured: true, state: 'paused', level: 'idle', detail };
  }
  const level = LEVELS[state] ?? 'unknown';
  return { configured: true, state, level, detail: detailOf(known, state, mqtthandler, extra) };
}

function detailOf(known: Knowledge, state: string, handler: Fields, hubLink: Fields): string {
  const sinceMs = whole(hubLink[state === 'connected' ? 'connected_ms' : 'failing_since_ms']);
  const since = sinceMs === null ? '' : ` for ${duration(known.now.wallMs - sinceMs)}`;
  if (state === 'connected') return `connected${since}`;
  const outcome = firstOf(hubLink, 'detail', 'outcome');
  const error = outcome ?? (state === 'connecting' ? null : firstOf(handler, 'mqtt_last_error'));
  const words = `${sentence(state).toLowerCase()}${since}`;
  return error === null ? words : short(`${words}: ${error}`);
}

/** The rows of `links`. */
export function linkRows(known: Knowledge): Row[] {
  const { mqtthandler } = known.facts.hashes;
  return DESTINATIONS.map((destination): Row => {
    const link = linkOf(known, destination);
    const read = (name: string) =>
      link.configured ? whole(mqtthandler[`${destination}_${name}`]) : null;
    const lastId = lastIdOf(known, destination);
    const lastMs = lastId === null || lastId === '0-0' ? null : streamIdMs(lastId);
    return {
      destination,
      label: LABELS[destination],
      configured: link.configured,
      state: link.state,
      level: link.level,
      detail: link.detail,
      last_id: link.configured ? lastId : null,
      last_time: link.configured ? lastMs : null,
      last_age_ms:
        link.configured && lastMs !== null ? Math.max(0, known.now.wallMs - lastMs) : null,
      unacknowledged_messages: read('unacknowledged_messages'),
      sent_messages: read('sent_messages'),
      sent_bytes: read('sent_bytes'),
      acknowledged_messages: read('acknowledged_messages'),
      acknowledged_readings: read('acknowledged_readings'),
      retried_messages: read('retried_messages'),
      gap_readings: read('gap_readings'),
      gaps_waiting: link.configured ? known.facts[`${destination}Gaps`] : null,
      last_error: link.configured ? short(mqtthandler[`${destination}_last_error`] ?? '') : '',
    };
  });
}

function lastIdOf({ facts }: Knowledge, destination: Destination): string | null {
  const raw = facts.strings[`${destination}LastId`];
  return raw === null ? null : (parseStreamId(raw) ?? null);
}
