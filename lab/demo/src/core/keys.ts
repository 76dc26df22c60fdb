/**
 * The keyboard.
 *
 * | state | meaning | left by |
 * | --- | --- | --- |
 * | `idle` | keys act at once; `1` to `5` kill a process | `k` |
 * | `choosing` | the next key says which process to kill | any key |
 */
import type { PartName } from './parts.ts';
import { PARTS } from './parts.ts';

export type Action =
  | { readonly kind: 'press' }
  | { readonly kind: 'network' }
  | { readonly kind: 'kill'; readonly part: PartName }
  | { readonly kind: 'quit' };

export type KeyState = 'idle' | 'choosing';

export function stepKey(
  state: KeyState,
  key: string,
): { readonly state: KeyState; readonly action?: Action } {
  const part = PARTS[Number(key) - 1];
  if (part !== undefined) return { state: 'idle', action: { kind: 'kill', part } };
  switch (key.toLowerCase()) {
    case 'b':
      return { state: 'idle', action: { kind: 'press' } };
    case 'n':
      return { state: 'idle', action: { kind: 'network' } };
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
