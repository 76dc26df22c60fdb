/** The rows of the picture that show a cloud: DPS, the hubs, and how far provisioning has come. */
import { fit, paint } from './format.ts';

export interface HubView {
  readonly name: string;
  /** The device is connected to it now. */
  readonly connected: boolean;
  /** Nobody answers there. */
  readonly away: boolean;
  readonly messages: number;
  /** Readings it got first. */
  readonly readings: number;
  readonly duplicates: number;
}

export interface ProvisioningView {
  /** As in `provisioning:state`; empty before the first. */
  readonly state: string;
  readonly reason: string;
  /** Of the next question to DPS; undefined = none is planned. */
  readonly nextAttemptInSeconds: number | undefined;
}

export interface CloudView {
  /** What shows everything that happens in it, in another terminal; undefined before it answers. */
  readonly command: string | undefined;
  readonly hubs: readonly HubView[];
  readonly provisioning: ProvisioningView;
  /** The hub DPS has the device at, or is about to send it to; undefined before the first. */
  readonly assignedHub: string | undefined;
  /** DPS answers 429. */
  readonly throttled: boolean;
  /** The device is locked out of DPS and of its hub. */
  readonly disabled: boolean;
  /** What DPS has been asked since the start. */
  readonly registrations: number;
  readonly lookups: number;
  readonly polls: number;
  /** Answered with 429. */
  readonly refused: number;
}

/** Keys and what they do now. */
export function cloudKeys(cloud: CloudView): readonly (readonly [key: string, word: string])[] {
  const away = cloud.hubs.some((hub) => hub.away);
  return [
    ['m', 'move'],
    ['t', cloud.throttled ? 'release' : 'throttle'],
    ['d', cloud.disabled ? 'enable' : 'disable'],
    ['r', 'method'],
    ['h', away ? 'hub back' : 'hub away'],
  ];
}

export function provisioningText({ provisioning }: CloudView): string {
  const { state, reason, nextAttemptInSeconds: waitSeconds } = provisioning;
  const words = (state || 'unknown').replaceAll('_', ' ');
  const why = reason === '' ? '' : ` (${reason})`;
  const next =
    waitSeconds === undefined ? '' : `, DPS is asked again in ${waitSeconds.toFixed(0)} s`;
  return `${words}${why}${next}`;
}

/** In the place of the sixth process. */
export function dpsCell({ throttled, disabled }: CloudView): string {
  const state = throttled ? paint('red', 'THROTTLED') : paint('green', 'open');
  return `t ${fit('DPS', 11)}${state}${disabled ? paint('red', ' device DISABLED') : ''}`;
}

/** One row for provisioning, one for DPS, one a hub. */
export function cloudRows(cloud: CloudView): string[] {
  const { provisioning, registrations, lookups, polls, refused } = cloud;
  const colour = provisioning.state === 'connected' ? 'green' : 'yellow';
  return [
    `provisioning ${paint(colour, provisioningText(cloud))}`,
    `DPS registrations ${registrations}  polls ${polls}  lookups ${lookups}  answered 429 ${refused}`,
    ...cloud.hubs.map((hub) => hubRow(hub, cloud.assignedHub === hub.name)),
  ];
}

/** The same in a few words, for a log. */
export function cloudSummary(cloud: CloudView): string {
  const hubs = cloud.hubs.map((hub) => {
    const marks = [hub.connected ? 'here' : '', hub.away ? 'AWAY' : ''].filter(Boolean).join(' ');
    return `${hub.name}${marks === '' ? '' : ` (${marks})`} ${hub.readings}+${hub.duplicates}`;
  });
  return `${hubs.join('  ')}  ${provisioningText(cloud)}`;
}

function hubRow(hub: HubView, assigned: boolean): string {
  const { name, connected, away, messages, readings, duplicates } = hub;
  const reached = connected ? paint('green', 'device connected') : 'no device';
  const state = away ? paint('red', 'AWAY') : reached;
  return (
    `${assigned ? paint('cyan', '>') : ' '} ${fit(name, 10)} ${fit(state, 16)}` +
    ` readings ${paint('bold', String(readings))}  duplicates ${duplicates}  messages ${messages}`
  );
}
