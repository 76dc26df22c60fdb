/** The services of the device and what they say about themselves. */
import type { Level, Row } from './contract/index.ts';
import type { Knowledge } from './facts.ts';
import { forecastOf } from './forecast.ts';
import { isMeasuring, sensorIds, sensorStateOf, statusIntervalMs } from './latest.ts';
import { linkOf } from './links.ts';
import { provisioningOf } from './provisioning.ts';
import { finite, firstOf, short, timeOf, whole } from './values.ts';
import { count, counted, sentence, spacing } from './words.ts';

interface Told {
  readonly state: string;
  readonly level: Level;
  readonly detail: string;
}

const UNKNOWN: Told = { state: 'unknown', level: 'unknown', detail: 'has not reported' };

export function serviceRows(known: Knowledge): Row[] {
  const { hashes } = known.facts;
  return [
    row('sensor', sensorService(known), hashes.sensor),
    row('startstopbutton', button(known), hashes.startstopbutton),
    row('mqtthandler', handler(known), hashes.mqtthandler, 'mqtt_last_error', 'hub_last_error'),
    row('provisioner', provisioner(known), { ...hashes.provisioner }),
    row('redis', redis(known), hashes.redis),
  ];
}

function row(
  service: string,
  { state, level, detail }: Told,
  hash: Readonly<Record<string, string>>,
  ...errors: readonly string[]
): Row {
  return {
    service,
    state,
    level,
    started: timeOf(hash['started']),
    detail: short(detail),
    last_error: short(firstOf(hash, 'last_error', ...errors) ?? ''),
  };
}

function sensorService(known: Knowledge): Told {
  const { sensor } = known.facts.hashes;
  const state = sensor['state'];
  if (state === undefined) return UNKNOWN;
  const ids = sensorIds(known).map((id) => sensorStateOf(known, id).state);
  const lost = ids.filter((one) => one === 'lost').length;
  const pending = whole(sensor['pending']) ?? 0;
  const detail = [
    ...(state === 'measuring' ? [`every ${spacing(statusIntervalMs(known) ?? 0)}`] : []),
    ...(lost > 0 ? [`${counted(lost, 'sensor')} lost`] : []),
    ...(pending > 10 ? [`${count(pending)} readings wait for Redis`] : []),
  ].join(', ');
  const level =
    state === 'stopped' ? 'bad' : lost > 0 ? 'warning' : state === 'measuring' ? 'good' : 'idle';
  return { state, level, detail };
}

function button({ facts }: Knowledge): Told {
  const { startstopbutton: hash } = facts.hashes;
  const state = hash['state'];
  if (state === undefined) return UNKNOWN;
  const conflict = hash['pin_conflict'] ?? '';
  const presses = counted(whole(hash['presses']) ?? 0, 'press').replace(/presss$/, 'presses');
  const detail = conflict === '' ? `GPIO ${hash['pin'] ?? '?'}, ${presses}` : conflict;
  const level =
    state === 'ready' && conflict === '' ? 'good' : state === 'stopped' ? 'bad' : 'warning';
  return { state, level, detail };
}

function handler(known: Knowledge): Told {
  const { mqtthandler: hash } = known.facts.hashes;
  if (hash['started'] === undefined) return UNKNOWN;
  const forecast = forecastOf(hash, known.handlerSilentMs);
  if (known.handlerSilentMs !== undefined) {
    return { state: 'silent', level: 'bad', detail: forecast.words };
  }
  const links = (['mqtt', 'hub'] as const).map((name) => linkOf(known, name));
  const on = links.filter((link) => link.configured);
  if (on.length === 0) return { state: 'idle', level: 'idle', detail: 'no destination is set up' };
  const worst = (['bad', 'warning', 'unknown', 'good'] as const).find((level) =>
    on.some((link) => link.level === level),
  );
  return { state: 'running', level: worst ?? 'idle', detail: forecast.words };
}

function provisioner(known: Knowledge): Told {
  const { configured, state, level, reason } = provisioningOf(known);
  const told = firstOf(known.facts.hashes.provisioner, 'state', 'started');
  if (!configured && told === null) return { state: 'off', level: 'idle', detail: 'not set up' };
  return { state, level, detail: sentence(reason) };
}

function redis({ facts, memory }: Knowledge): Told {
  const repairs = whole(facts.hashes.redis['repairs']) ?? 0;
  const used = memory.usedBytes;
  const share = used === null || memory.limitBytes === null ? null : used / memory.limitBytes;
  const detail = [
    `${counted(facts.entries, 'reading')} kept`,
    ...(share === null ? [] : [`memory ${Math.round(share * 100)} % used`]),
    ...(repairs > 0 ? [`data file repaired ${counted(repairs, 'time')}`] : []),
  ].join(', ');
  return { state: 'ready', level: share !== null && share > 0.9 ? 'warning' : 'good', detail };
}

/** Whether measuring goes on, and what that means. */
export function measuringOf(known: Knowledge): { readonly state: string; readonly level: Level } {
  const told = known.facts.hashes.sensor['state'];
  if (!isMeasuring(known)) return { state: 'paused', level: 'idle' };
  if (told === undefined) return { state: 'unknown', level: 'unknown' };
  if (told === 'measuring') return { state: told, level: 'good' };
  // Switched on, and the sensor service has not noticed yet, or is not there.
  return {
    state: told === 'paused' ? 'waiting' : told,
    level: told === 'stopped' ? 'bad' : 'warning',
  };
}

/** Of a number in a status hash; 0 when it is not there. */
export const counter = (raw: string | undefined) => Math.max(0, Math.round(finite(raw) ?? 0));
