/** Parameters of a request: read by the table of the route, refused in words when they cannot be. */
import { LIMITS } from './contract/index.ts';
import type { Parameter } from './contract/index.ts';

/** A request that cannot be answered, and why. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, code: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const bad = (message: string) => new Refusal(400, 'bad_parameter', message);

/** A parsed query; what a route does not have is not there. */
export interface Query {
  readonly numbers: ReadonlyMap<string, number>;
  /** Not there = all. */
  readonly lists: ReadonlyMap<string, ReadonlySet<string>>;
}

/** What dashboards send for "all" in a variable. */
const ALL = new Set(['', '*', 'All', '$__all']);
const SHOWN_CHARACTERS = 80;

/**
 * Reads the parameters of a route.
 * @throws Refusal when one is unknown, repeated, no number or out of its range
 */
export function parseQuery(
  pairs: Iterable<readonly [string, string]>,
  parameters: readonly Parameter[],
): Query {
  const numbers = new Map<string, number>();
  const lists = new Map<string, ReadonlySet<string>>();
  const done = new Set<string>();
  for (const [name, raw] of pairs) {
    const parameter = parameters.find((one) => one.name === name);
    if (parameter === undefined) throw bad(`unknown parameter ${quoted(name)}${known(parameters)}`);
    if (done.has(name)) throw bad(`${name} stands there twice`);
    done.add(name);
    if (parameter.kind === 'list') {
      const names = listOf(name, raw);
      if (names !== undefined) lists.set(name, names);
    } else if (raw.trim() !== '') {
      numbers.set(name, numberOf(parameter, raw.trim()));
    }
  }
  return { numbers, lists };
}

function known(parameters: readonly Parameter[]): string {
  const names = parameters.map(({ name }) => name).join(', ');
  return names === '' ? '; there are none here' : `; known: ${names}`;
}

function quoted(raw: string): string {
  return JSON.stringify(
    raw.length > SHOWN_CHARACTERS ? `${raw.slice(0, SHOWN_CHARACTERS)}...` : raw,
  );
}

function numberOf({ name, kind, min = 0, max = Infinity }: Parameter, raw: string): number {
  const value = Number(raw);
  // Grafana's macros give whole milliseconds; its panel widths can have decimals.
  const pattern = kind === 'time' ? /^\d{1,16}$/ : /^\d{1,9}(\.\d{1,9})?$/;
  if (!pattern.test(raw) || value < min || value > max) {
    const unit = kind === 'time' ? 'unix milliseconds' : 'a whole number';
    throw bad(`${name} is ${quoted(raw)}, allowed: ${unit} from ${min} to ${max}`);
  }
  return Math.floor(value);
}

function listOf(name: string, raw: string): ReadonlySet<string> | undefined {
  const names = raw.split(',').map((one) => one.trim());
  if (names.some((one) => ALL.has(one)) && names.length === 1) return undefined;
  const kept = names.filter((one) => one !== '');
  if (kept.length > LIMITS.maxNames) throw bad(`${name} has more than ${LIMITS.maxNames} names`);
  if (kept.some((one) => one.length > LIMITS.maxNameCharacters)) {
    throw bad(`a name in ${name} has more than ${LIMITS.maxNameCharacters} characters`);
  }
  return new Set(kept);
}

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The range that is asked for.
 * @throws Refusal when it is empty or too long
 */
export function rangeOf({ numbers }: Query, nowMs: number): Range {
  const toMs = numbers.get('to') ?? Math.round(nowMs);
  const fromMs = numbers.get('from') ?? Math.max(0, toMs - LIMITS.defaultRangeMs);
  if (toMs - fromMs < LIMITS.minRangeMs) {
    throw bad(`from ${fromMs} to ${toMs}: a range has ${LIMITS.minRangeMs} ms at least`);
  }
  if (toMs - fromMs > LIMITS.maxRangeMs) {
    const days = LIMITS.maxRangeMs / 86_400_000;
    throw bad(`from ${fromMs} to ${toMs}: a range has ${days} days at most`);
  }
  return { fromMs, toMs };
}

/** Whether a name was asked for. */
export function wanted({ lists }: Query, parameter: string): (name: string) => boolean {
  const names = lists.get(parameter);
  return (name) => names === undefined || names.has(name);
}
