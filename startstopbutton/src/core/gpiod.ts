/**
 * The command line tools of libgpiod, package gpiod: what to ask and how to read the answers. Their
 * options changed between 1.x (Debian 12) and 2.x (Debian 13): the chip became an option, the letter
 * of the bias changed its case and one of its words a letter, and `gpioset` holds a level by itself.
 *
 * Sources: 1.6.3 was run. 2.x was not; its options and output are those of the manual pages gpioget,
 * gpiomon, gpioset (2.1 to 2.2.1), and of its tools/gpiomon.c, gpioset.c, gpioinfo.c, tools-common.c:
 * `parse_bias_or_die` for the words, `event_print_formatted` and `print_event_time` for the edges, which
 * are flushed before each wait, `print_line_info` and `print_consumer` for the users, `toggle_sequence` for `-t 0`.
 */
import { LineError } from './line-error.ts';
import type { Level, Pull } from './contact.ts';
import { HEADER_CHIPS } from './sysfs.ts';

export type GpiodVersion = 1 | 2;

const BIAS = {
  1: { UP: 'pull-up', DOWN: 'pull-down', NONE: 'disable' },
  2: { UP: 'pull-up', DOWN: 'pull-down', NONE: 'disabled' },
} as const;

/** First line of `gpiomon --version`: `gpiomon (libgpiod) v1.6.3`. Undefined = not known. */
export function parseVersion(output: string): GpiodVersion | undefined {
  const major = /\(libgpiod\) v?(\d+)\./.exec(output)?.[1];
  return major === '1' ? 1 : major === '2' ? 2 : undefined;
}

/**
 * The name of the header's chip in the output of `gpiodetect`, whose lines are
 * `gpiochip0 [pinctrl-bcm2711] (58 lines)` in both versions.
 * @throws LineError `no_known_chip` or `no_such_line`, naming what there is
 */
export function headerChip(output: string, pin: number): string {
  const chips = [...output.matchAll(/^(\S+) \[(.*)\] \((\d+) lines\)$/gm)].map(
    ([, name = '', label = '', lines]) => ({ name, label, lines: Number(lines) }),
  );
  const chip = chips.find(({ label }) => HEADER_CHIPS.includes(label));
  if (chip === undefined) {
    const seen = chips.map(({ label }) => label || '(no label)').toSorted();
    throw new LineError(
      'no_known_chip',
      `no GPIO chip of a Raspberry Pi header (${HEADER_CHIPS.join(', ')}); ` +
        (seen.length === 0 ? 'the kernel shows no chip at all' : `seen: ${seen.join(', ')}`),
    );
  }
  if (pin >= chip.lines) {
    throw new LineError(
      'no_such_line',
      `GPIO ${pin} does not exist: ${chip.label} has lines 0 to ${chip.lines - 1}`,
    );
  }
  return chip.name;
}

export interface LineArguments {
  readonly version: GpiodVersion;
  readonly chip: string;
  readonly pin: number;
}

function place({ version, chip, pin }: LineArguments, line = String(pin)): string[] {
  return version === 1 ? [chip, line] : ['--chip', chip, line];
}

function bias(version: GpiodVersion, pull: Pull): string[] {
  return [version === 1 ? '-B' : '-b', BIAS[version][pull]];
}

/** `gpioget`: prints `0` or `1`. */
export function getArguments(line: LineArguments, pull: Pull): string[] {
  const numeric = line.version === 1 ? [] : ['--numeric'];
  return [...numeric, ...bias(line.version, pull), ...place(line)];
}

/** `gpiomon`: prints a line for each edge until it is ended; see `parseEdge`. */
export function monitorArguments(line: LineArguments, pull: Pull): string[] {
  const format = line.version === 1 ? ['-b', '-F', '%e %s %n'] : ['-F', '%E %S'];
  return [...format, ...bias(line.version, pull), ...place(line)];
}

/** `gpioset`: holds the level until it is ended. */
export function setArguments(line: LineArguments, level: Level): string[] {
  const hold = line.version === 1 ? ['-m', 'signal'] : [];
  return [...hold, ...place(line, `${line.pin}=${level}`)];
}

/** `gpioset`: sets the level and ends; on a Pi the line keeps it. */
export function setOnceArguments(line: LineArguments, level: Level): string[] {
  const once = line.version === 1 ? ['-m', 'exit'] : ['-t', '0'];
  return [...once, ...place(line, `${line.pin}=${level}`)];
}

/** `gpioinfo`: about the whole chip in 1.x, about the line in 2.x. */
export function infoArguments({ version, chip, pin }: LineArguments): string[] {
  return version === 1 ? [chip] : ['--chip', chip, String(pin)];
}

export interface EdgeLine {
  /** The level after the edge. */
  readonly level: Level;
  /** When the kernel saw it, by its own clock; undefined when the line does not say. */
  readonly stampMs: number | undefined;
}

/**
 * What a line of `gpiomon` tells; undefined when it is no edge. The time is `<seconds> <nanoseconds>`
 * in 1.x, `<seconds>.<nine digits>` in 2.x.
 */
export function parseEdge(version: GpiodVersion, line: string): EdgeLine | undefined {
  const [word, seconds, nanoseconds = '0'] = line.trim().split(' ');
  const [falling, rising] = version === 1 ? ['0', '1'] : ['falling', 'rising'];
  const level = word === falling ? 0 : word === rising ? 1 : undefined;
  if (level === undefined) return undefined;
  const stampMs = Number(seconds ?? NaN) * 1_000 + Number(nanoseconds) / 1e6;
  return { level, stampMs: Number.isFinite(stampMs) ? stampMs : undefined };
}

/** What is older than that when it arrives, or newer than now, was not stamped by this clock. */
const PLAUSIBLE_AGE_MS = { min: -1_000, max: 60_000 };

/**
 * Whether the kernel's time of an edge is on the monotonic clock, whose time is `nowMs`: it is since
 * Linux 5.7, before that it is the wall clock's (`lineevent_irq_handler` in drivers/gpio).
 */
export function isMonotonicStamp(stampMs: number, nowMs: number): boolean {
  const ageMs = nowMs - stampMs;
  return ageMs >= PLAUSIBLE_AGE_MS.min && ageMs <= PLAUSIBLE_AGE_MS.max;
}

/**
 * Who uses a line, in the output of `gpioinfo`; undefined = nobody. A line used is marked `[used]`
 * behind its consumer in 1.x; in 2.x the consumer is there only when it is used.
 */
export function parseConsumer(
  version: GpiodVersion,
  output: string,
  pin: number,
): string | undefined {
  if (version === 2) return /consumer="?([^"\n]*)"?/.exec(output)?.[1];
  const line = output
    .split('\n')
    .find((text) => text.trim().startsWith('line') && number(text) === pin);
  if (line === undefined || !/\[(.* )?used\b/.test(line)) return undefined;
  return /^\s*line\s+\d+:\s+(?:"[^"]*"|unnamed)\s+"?([^"]*?)"?\s+(?:input|output)/.exec(line)?.[1];
}

function number(line: string): number {
  return Number(/line\s+(\d+):/.exec(line)?.[1]);
}
