/**
 * The keyboard.
 *
 * | state | meaning | left by |
 * | --- | --- | --- |
 * | `idle` | keys act at once; `1` to `5` kill a process | `k` |
 * | `choosing` | the next key says which process to kill | any key |
 */
import type { Destination, PartName } from './parts.ts';
import { PARTS } from './parts.ts';

/** What can be done to the other end; each undoes itself when it is done again, where it lasts. */
export type FarAction = 'network' | 'move' | 'throttle' | 'disable' | 'reprovision' | 'hub';

export type Action =
  | { readonly kind: 'press' }
  | { readonly kind: FarAction }
  | { readonly kind: 'kill'; readonly part: PartName }
  | { readonly kind: 'quit' };

export type KeyState = 'idle' | 'choosing';

const FAR_KEYS: Readonly<Record<Destination, ReadonlyMap<string, FarAction>>> = {
  mqtt: new Map([['n', 'network']]),
  azure: new Map([
    ['m', 'move'],
    ['t', 'throttle'],
    ['d', 'disable'],
    ['r', 'reprovision'],
    ['h', 'hub'],
  ]),
};

export function stepKey(
  destination: Destination,
  state: KeyState,
  key: string,
): { readonly state: KeyState; readonly action?: Action } {
  const part = PARTS[destination][Number(key) - 1];
  if (part !== undefined) return { state: 'idle', action: { kind: 'kill', part } };
  const lower = key.toLowerCase();
  const far = FAR_KEYS[destination].get(lower);
  if (far !== undefined) return { state: 'idle', action: { kind: far } };
  switch (lower) {
    case 'b':
      return { state: 'idle', action: { kind: 'press' } };
    case 'q':
    // Ctrl-C: in raw mode the terminal sends the character, not the signal.
    case '\u0003':
      return { state: 'idle', action: { kind: 'quit' } };
    case 'k':
      return { state: state === 'idle' ? 'choosing' : 'idle' };
    default:
      return { state: 'idle' };
  }
}
