/**
 * The terminal as a screen of its own: what was on it before comes back on every way out, a crash
 * included. Plain control sequences (ECMA-48, and xterm's alternate screen).
 */
import { writeSync } from 'node:fs';
import type { Size } from './core/view.ts';

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[0m\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_TO_END_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export class Terminal {
  readonly #onKey: (key: string) => void;
  readonly #onResize: () => void;
  #open = false;

  constructor(onKey: (key: string) => void, onResize: () => void) {
    this.#onKey = onKey;
    this.#onResize = onResize;
  }

  get size(): Size {
    return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  }

  open(): void {
    process.once('exit', this.close);
    this.#open = true;
    process.stdout.write(ENTER);
    process.stdin.setRawMode(true).setEncoding('utf8').on('data', this.#take).resume();
    process.stdout.on('resize', this.#onResize);
  }

  draw(rows: readonly string[]): void {
    // A terminal that does not keep up gets the next picture instead.
    if (!this.#open || process.stdout.writableNeedDrain) return;
    const lines = rows.map((row) => row + CLEAR_TO_END_OF_LINE).join('\r\n');
    process.stdout.write(`${HOME}${lines}${CLEAR_BELOW}`);
  }

  /** Gives the terminal back, now; may be called again. */
  readonly close = (): void => {
    if (!this.#open) return;
    this.#open = false;
    process.off('exit', this.close);
    process.stdout.off('resize', this.#onResize);
    process.stdin.off('data', this.#take).pause();
    try {
      process.stdin.setRawMode(false);
      writeSync(process.stdout.fd, LEAVE);
    } catch {
      // The terminal has gone.
    }
  };

  readonly #take = (chunk: string | Buffer): void => {
    const keys = String(chunk);
    // Arrow keys and the like come as sequences; none means anything here.
    if (keys.length > 1 && keys.startsWith('\u001b')) return;
    for (const key of keys) this.#onKey(key);
  };
}
