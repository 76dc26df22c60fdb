/** What the demo plays by itself when nobody is at the keyboard. */
import type { Action } from './keys.ts';

export interface Scene {
  /** Seconds after the first delivered reading. */
  readonly atSeconds: number;
  readonly action: Action;
}

/** Scenes as parts of the whole time; in an outage it is harder to keep what is there. */
const SCENES: readonly (readonly [part: number, action: Action])[] = [
  [0.15, { kind: 'network' }],
  [0.28, { kind: 'press' }],
  [0.36, { kind: 'press' }],
  [0.46, { kind: 'kill', part: 'mqtthandler' }],
  [0.6, { kind: 'kill', part: 'redis' }],
  [0.8, { kind: 'network' }],
  [1, { kind: 'quit' }],
];

export function scenes(totalSeconds: number): Scene[] {
  return SCENES.map(([part, action]) => ({ atSeconds: part * totalSeconds, action }));
}
