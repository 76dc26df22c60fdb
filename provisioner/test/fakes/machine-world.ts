/** The machine in a world, and what its tests look at. */
import { seededRandom } from '@holdfast/kit/testing';
import type { Answer } from '../../src/core/outcome.ts';
import { publicReason, publicState } from '../../src/core/state.ts';
import { RULES, START } from './rules.ts';
import { World } from './world.ts';
import type { Dps } from './world.ts';

export const refused = (status: number, retryAfterMs?: number): Answer => ({
  kind: 'refused',
  status,
  retryAfterMs,
  message: `status ${status}`,
});
export const unreachable: Answer = {
  kind: 'unreachable',
  code: 'ENOTFOUND',
  message: 'no such name',
};

export function world(dps: Dps, rules: Partial<typeof RULES> = {}, seed = 1): World {
  return new World({ ...RULES, ...rules }, START, seededRandom(seed), dps);
}
export const waits = (w: World) =>
  w.asked.slice(1).map(({ atMs }, i) => Math.round((atMs - (w.asked[i]?.atMs ?? 0) - 200) / 1_000));
export const names = (w: World) => [publicState(w.state), publicReason(w.state)].join(' ');
export const questions = (w: World) => w.asked.map(({ question }) => question);
