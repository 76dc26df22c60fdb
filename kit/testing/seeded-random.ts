import type { Random } from '../src/index.ts';

/** Repeatable numbers for tests: the mulberry32 generator. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

/** Always the same number: the edges of a random choice. */
export function constantRandom(value: number): Random {
  return { next: () => value };
}
