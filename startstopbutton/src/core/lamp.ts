/**
 * What the optional LED shows. Pure: from what stands in Redis to a pattern, from a pattern and the
 * time to a level.
 *
 * | pattern | meaning |
 * | --- | --- |
 * | `on` | measuring |
 * | `blinking` | measuring, but readings pile up: nothing takes them away |
 * | `off` | paused |
 */
import type { Level } from './contact.ts';

export type Pattern = 'on' | 'blinking' | 'off';

/** Fields of `mqtthandler:status`; missing while nothing forwards. */
export type HandlerStatus = Readonly<Record<string, string>>;

/** Readings under way at any moment are no backlog. */
const NOTEWORTHY_BACKLOG = 10;
const BLINK_MS = 500;

export function pattern(measuring: boolean, handler: HandlerStatus): Pattern {
  if (!measuring) return 'off';
  return isStuck(handler) ? 'blinking' : 'on';
}

/**
 * Readings wait, and the link of a destination that is switched on is down, or more come than go:
 * `drained_in_seconds` is empty then.
 */
function isStuck(handler: HandlerStatus): boolean {
  const backlog = Number(handler['backlog'] ?? 0);
  if (!(backlog > 0)) return false;
  const states = Object.entries(handler)
    .filter(([name]) => name.endsWith('_state'))
    .map(([, state]) => state);
  if (states.some((state) => state !== 'connected' && state !== 'paused')) return true;
  return backlog >= NOTEWORTHY_BACKLOG && handler['drained_in_seconds'] === '';
}

/** The level of the LED's line at this time, and how long it stays so; undefined = until told. */
export function levelAt(
  shown: Pattern,
  monotonicMs: number,
): { readonly level: Level; readonly forMs: number | undefined } {
  if (shown !== 'blinking') return { level: shown === 'on' ? 1 : 0, forMs: undefined };
  const phaseMs = monotonicMs % (2 * BLINK_MS);
  return { level: phaseMs < BLINK_MS ? 1 : 0, forMs: BLINK_MS - (phaseMs % BLINK_MS) };
}
