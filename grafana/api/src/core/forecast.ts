/** How the buffer will go on, in numbers and in words. */
import { finite } from './values.ts';
import type { Fields } from './values.ts';
import { counted, duration } from './words.ts';

export interface BufferForecast {
  readonly backlog: number | null;
  readonly producedPerSecond: number | null;
  readonly sentPerSecond: number | null;
  /** null = not at these rates, or not known. */
  readonly fullInSeconds: number | null;
  readonly drainedInSeconds: number | null;
  readonly words: string;
}

/** Few readings are always under way. */
const SMALL_BACKLOG = 25;

/**
 * @param handler `mqtthandler:status`
 * @param silentMs the mqtthandler does not report, so its figures are not the present
 */
export function forecastOf(handler: Fields, silentMs: number | undefined): BufferForecast {
  const known = silentMs === undefined;
  const read = (name: string) => (known ? finite(handler[name]) : null);
  const backlog = read('backlog');
  const fullInSeconds = read('full_in_seconds');
  const drainedInSeconds = read('drained_in_seconds');
  const present = isSending(handler)
    ? inWords(backlog, fullInSeconds, drainedInSeconds)
    : 'no destination is set up';
  const words = known
    ? present
    : `unknown: the mqtthandler has not reported for ${duration(silentMs)}`;
  return {
    backlog,
    producedPerSecond: read('produced_per_second'),
    sentPerSecond: read('sent_per_second'),
    fullInSeconds,
    drainedInSeconds,
    words,
  };
}

/** A mqtthandler that has reported without a link has nowhere to send to. */
const isSending = (handler: Fields) =>
  !('started' in handler) || 'mqtt_state' in handler || 'hub_state' in handler;

function inWords(backlog: number | null, full: number | null, drained: number | null): string {
  if (backlog === null) return 'not known yet';
  if (backlog <= SMALL_BACKLOG && full === null) return 'everything is delivered';
  const waiting = `${counted(backlog, 'reading')} waiting`;
  if (drained !== null && drained > 0) return `${waiting}, gone in ${duration(drained * 1_000)}`;
  if (full !== null) return `${waiting}, room for ${duration(full * 1_000)} more`;
  return waiting;
}
