/** The lines of a Pi-like GPIO chip: who drives each, its level, and who wants to know. */
import { systemClock } from '@holdfast/kit';

export type Level = 0 | 1;
export type Pull = 'up' | 'down';

/** Lines 0 to 53, as the Pi's chips have. */
export const LINE_COUNT = 54;

/** Power-on pulls of the BCM283x: 0 to 8 up, the others down (hardware facts, section 4.4). */
function powerOnPull(line: number): Pull {
  return line <= 8 ? 'up' : 'down';
}

/** GPIO 2 and 3 have 1.8 kOhm to 3.3 V on the board; the chip's own pull cannot win against it. */
function boardPull(line: number): Pull | undefined {
  return line === 2 || line === 3 ? 'up' : undefined;
}

/** `atMs`: when the level changed, CLOCK_MONOTONIC. */
export type LevelListener = (line: number, level: Level, atMs: number) => void;

interface Line {
  pull: Pull;
  /** What somebody drives it to; undefined = open, the pull decides. */
  driven: Level | undefined;
  readonly listeners: Set<LevelListener>;
}

export class GpioBank {
  readonly #lines: readonly Line[] = Array.from({ length: LINE_COUNT }, (_, line) => ({
    pull: boardPull(line) ?? powerOnPull(line),
    driven: undefined,
    listeners: new Set(),
  }));

  /** @throws RangeError when there is no such line; so do all other methods */
  level(line: number): Level {
    return this.#line(line).driven ?? this.idleLevel(line);
  }

  /** The level when nobody drives the line. */
  idleLevel(line: number): Level {
    return this.#line(line).pull === 'up' ? 1 : 0;
  }

  setPull(line: number, pull: Pull): void {
    this.#change(line, (state) => (state.pull = boardPull(line) ?? pull));
  }

  /** Drives the line; undefined lets go of it. A hand that is late says when it was to do so. */
  drive(line: number, level: Level | undefined, atMs?: number): void {
    this.#change(line, (state) => (state.driven = level), atMs);
  }

  /** Calls `listener` with every change until the returned function is called. */
  listen(line: number, listener: LevelListener): () => void {
    const { listeners } = this.#line(line);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  #change(
    line: number,
    change: (state: Line) => void,
    atMs: number = systemClock.monotonicMs(),
  ): void {
    const state = this.#line(line);
    const before = this.level(line);
    change(state);
    const after = this.level(line);
    if (after === before) return;
    for (const listener of state.listeners) listener(line, after, atMs);
  }

  #line(line: number): Line {
    const found = this.#lines[line];
    if (found === undefined) throw new RangeError(`no line ${line}, there are 0 to 53`);
    return found;
  }
}
