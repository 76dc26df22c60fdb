/** What the demo plays by itself when nobody is at the keyboard. */
import type { Action } from './keys.ts';
import type { Destination } from './parts.ts';

export interface Scene {
  /** Seconds after the first delivered reading. */
  readonly atSeconds: number;
  readonly action: Action;
}

/** How long it plays when nobody says, seconds: a move alone takes about ten. */
export const DEFAULT_SECONDS: Readonly<Record<Destination, number>> = { mqtt: 20, azure: 30 };

type Scenes = readonly (readonly [part: number, action: Action])[];

/** Scenes as parts of the whole time; in an outage it is harder to keep what is there. */
const SCENES: Readonly<Record<Destination, Scenes>> = {
  mqtt: [
    [0.15, { kind: 'network' }],
    [0.28, { kind: 'press' }],
    [0.36, { kind: 'press' }],
    [0.46, { kind: 'kill', part: 'mqtthandler' }],
    [0.6, { kind: 'kill', part: 'redis' }],
    [0.8, { kind: 'network' }],
    [1, { kind: 'quit' }],
  ],
  azure: [
    // A device that is moved has to ask DPS, which refuses it until the second `throttle`.
    [0.04, { kind: 'throttle' }],
    [0.05, { kind: 'move' }],
    [0.2, { kind: 'throttle' }],
    [0.6, { kind: 'kill', part: 'mqtthandler' }],
    [0.68, { kind: 'hub' }],
    [0.72, { kind: 'kill', part: 'provisioner' }],
    [0.78, { kind: 'kill', part: 'redis' }],
    [0.88, { kind: 'hub' }],
    [1, { kind: 'quit' }],
  ],
};

export function scenes(destination: Destination, totalSeconds: number): Scene[] {
  return SCENES[destination].map(([part, action]) => ({ atSeconds: part * totalSeconds, action }));
}
