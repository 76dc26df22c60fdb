/**
 * Losses recorded already. What is read again after a lost connection shows them again, and more may
 * have been removed on either side meanwhile: only what is new is recorded then.
 */
import { hole } from './gap.ts';
import type { GapRecord } from '../ports.ts';

/** Numbers `from` to `to` of one life of the buffer. */
interface Numbers {
  readonly epoch: string;
  readonly from: number;
  readonly to: number;
}

/** Stretches of numbers remembered; the oldest are forgotten first. */
const MAX_TOLD = 1_000;

export class Told {
  #told: readonly Numbers[] = [];

  /**
   * Of holes (`findHoles`) what is not recorded yet, to be recorded now: whoever finds the same
   * meanwhile is not given it again.
   */
  claim(holes: readonly GapRecord[]): GapRecord[] {
    const untold = holes
      .flatMap((record) => numbersOf(record) ?? [])
      .flatMap((numbers) => this.#told.reduce(without, [numbers]))
      .map(({ epoch, from, to }) => hole(epoch, from, to));
    const numbers = untold.flatMap((record) => numbersOf(record) ?? []);
    this.#told = [...this.#told, ...numbers].slice(-MAX_TOLD);
    return untold;
  }

  /** They could not be recorded. */
  release(records: readonly GapRecord[]): void {
    for (const { epoch, from, to } of records.flatMap((record) => numbersOf(record) ?? [])) {
      this.#told = this.#told.filter(
        (told) => told.epoch !== epoch || told.from !== from || told.to !== to,
      );
    }
  }
}

function numbersOf({ epoch, gap }: GapRecord): Numbers | undefined {
  if (epoch === undefined || !('from_seq' in gap)) return undefined;
  return { epoch, from: gap.from_seq, to: gap.to_seq };
}

function without(parts: readonly Numbers[], told: Numbers): Numbers[] {
  return parts.flatMap((part) => {
    const { epoch, from, to } = part;
    if (told.epoch !== epoch || told.to < from || told.from > to) return part;
    const left = { epoch, from, to: told.from - 1 };
    const right = { epoch, from: told.to + 1, to };
    return [left, right].filter((rest) => rest.from <= rest.to);
  });
}
