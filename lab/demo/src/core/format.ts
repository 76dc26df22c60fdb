/** Numbers and rows as people read them. Every character used here is one column wide. */

const ESC = '\u001b';
/** Colours and the like: SGR sequences (ECMA-48, 8.3.117). */
const SGR_PATTERN = `${ESC}\\[[0-9;]*m`;
const ALL_SGR = new RegExp(SGR_PATTERN, 'g');
const EACH_SGR = new RegExp(`(${SGR_PATTERN})`);

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'inverse';

const SGR: Readonly<Record<Style, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  cyan: 36,
  inverse: 7,
};

export function paint(style: Style, text: string): string {
  return `${ESC}[${SGR[style]}m${text}${ESC}[0m`;
}

export function plain(text: string): string {
  return text.replaceAll(ALL_SGR, '');
}

export function columns(text: string): number {
  return Array.from(plain(text)).length;
}

/** Cuts a painted text after `width` columns; colours never run on behind it. */
export function clip(text: string, width: number): string {
  if (columns(text) <= width) return text;
  let rest = width;
  let out = '';
  for (const piece of text.split(EACH_SGR)) {
    if (piece.startsWith(ESC)) out += piece;
    else {
      const characters = Array.from(piece).slice(0, rest);
      rest -= characters.length;
      out += characters.join('');
    }
  }
  return `${out}${ESC}[0m`;
}

/** Exactly `width` columns. */
export function fit(text: string, width: number): string {
  const clipped = clip(text, width);
  return clipped + ' '.repeat(Math.max(0, width - columns(clipped)));
}

/** Left and right text on one row. */
export function spread(left: string, right: string, width: number): string {
  return fit(left, Math.max(0, width - columns(right))) + right;
}

export function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** Minutes and seconds that have passed: `03:07`. */
export function stopwatch(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(whole / 60))}:${two(whole % 60)}`;
}

const BARS = '▁▂▃▄▅▆▇█';

/** The newest `width` values as bars, between the smallest and the largest of them. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const low = Math.min(...shown);
  const range = Math.max(...shown) - low;
  return shown
    .map((value) => bar(range > 0 ? (value - low) / range : 0))
    .join('')
    .padStart(width);
}

/**
 * The newest `width` counts as bars. Logarithmic, because what was kept in an outage comes in one
 * burst, beside which the usual rate would be flat; only zero has the lowest bar.
 */
export function countline(counts: readonly number[], width: number): string {
  const shown = counts.slice(-width).map((count) => Math.log1p(count));
  const high = Math.max(1, ...shown);
  return shown
    .map((value) => (value > 0 ? bar(Math.max(value / high, 1 / BARS.length)) : bar(0)))
    .join('')
    .padStart(width);
}

/** @param part 0 to 1 */
function bar(part: number): string {
  return BARS[Math.min(BARS.length - 1, Math.floor(part * BARS.length))] ?? ' ';
}

/** `[####------]`: how much of `whole` is used. */
export function gauge(part: number, whole: number, width: number): string {
  const share = whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
  const full = Math.round(share * width);
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}]`;
}

const ASCII: Readonly<Record<string, string>> = {
  '▁': '_',
  '▂': '.',
  '▃': ',',
  '▄': '-',
  '▅': '=',
  '▆': '+',
  '▇': '*',
  '█': '#',
  '─': '-',
  '°': '`',
  '↑': '^',
};

/** For a terminal that does not understand UTF-8; as many columns as before. */
export function toAscii(text: string): string {
  return Array.from(text, (one) => ASCII[one] ?? one).join('');
}
