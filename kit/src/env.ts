/**
 * Configuration from the environment: one table per service says name, type, unit, range, default
 * and meaning. The same table parses the variables and renders the README's table, so the two agree.
 *
 * A variable that is set but empty counts as not set (contract, section 5). All faults are reported
 * at once, in one line, each with the value (secrets excepted) and what is allowed.
 */
import { ConfigError } from './errors.ts';

export interface EnvSpec<T> {
  /** Returns the value, or throws a RangeError; its message is not shown, `allowed` is. */
  readonly parse: (raw: string) => T;
  /** What is accepted, as shown in errors and in the README. */
  readonly allowed: string;
  readonly unit: string;
  readonly fallback: T;
  /** The default as written in the README. */
  readonly fallbackText: string;
  readonly help: string;
  readonly secret: boolean;
}

export type EnvTable = Readonly<Record<string, EnvSpec<unknown>>>;
export type ConfigOf<T extends EnvTable> = {
  readonly [K in keyof T]: T[K] extends EnvSpec<infer V> ? V : never;
};

interface Described<T> {
  readonly help: string;
  readonly fallback: T;
  readonly unit?: string;
}

function describeDefault(value: unknown): string {
  return value === undefined || value === '' ? '-' : `${value as string | number | boolean}`;
}

function spec<T>(
  described: Described<T>,
  allowed: string,
  parse: (raw: string) => T,
  secret = false,
): EnvSpec<T> {
  return {
    parse,
    allowed,
    unit: described.unit ?? '-',
    fallback: described.fallback,
    fallbackText: describeDefault(described.fallback),
    help: described.help,
    secret,
  };
}

function refuse(): never {
  throw new RangeError('not allowed');
}

/** A decimal number within [min, max]; no hexadecimal, no exponent, no blanks inside. */
export function number<T extends number | undefined>(
  options: Described<T> & { min: number; max: number },
): EnvSpec<number | T> {
  const { min, max } = options;
  return spec<number | T>(options, `a number from ${min} to ${max}`, (raw) => {
    const value = Number(raw);
    return /^[+-]?\d+(\.\d+)?$/.test(raw) && value >= min && value <= max ? value : refuse();
  });
}

/** A whole number within [min, max]. */
export function integer<T extends number | undefined>(
  options: Described<T> & { min: number; max: number },
): EnvSpec<number | T> {
  const { min, max } = options;
  return spec<number | T>(options, `a whole number from ${min} to ${max}`, (raw) => {
    const value = Number(raw);
    return /^[+-]?\d+$/.test(raw) && value >= min && value <= max ? value : refuse();
  });
}

/** `1/true/yes/on` or `0/false/no/off`, in any case. */
export function flag(options: Described<boolean>): EnvSpec<boolean> {
  return spec(options, 'true or false (also 1/0, yes/no, on/off)', (raw) => {
    const word = raw.toLowerCase();
    if (['1', 'true', 'yes', 'on'].includes(word)) return true;
    return ['0', 'false', 'no', 'off'].includes(word) ? false : refuse();
  });
}

/** One of the given words; case is ignored, the word as written in `words` is returned. */
export function oneOf<const W extends string>(
  words: readonly W[],
  options: Described<W>,
): EnvSpec<W> {
  return spec(
    options,
    words.join(', '),
    (raw) => words.find((word) => word.toLowerCase() === raw.toLowerCase()) ?? refuse(),
  );
}

/** Any text; `pattern` with `allowed` narrows it. */
export function text<T extends string | undefined>(
  options: Described<T> & { pattern?: RegExp; allowed?: string },
): EnvSpec<string | T> {
  const { pattern } = options;
  return spec<string | T>(options, options.allowed ?? 'any text', (raw) =>
    pattern === undefined || pattern.test(raw) ? raw : refuse(),
  );
}

/** A text that must never be shown: not in errors, logs or `get_config`. */
export function secret(options: { help: string }): EnvSpec<string | undefined> {
  return spec<string | undefined>(
    { ...options, fallback: undefined },
    'a text',
    (raw) => raw,
    true,
  );
}

/** A value with a parser of its own; `parse` throws to refuse. `secret` = a refused one is not shown. */
export function custom<T>(
  options: Described<T> & { allowed: string; fallbackText?: string; secret?: boolean },
  parse: (raw: string) => T,
): EnvSpec<T> {
  const made = spec(options, options.allowed, parse, options.secret);
  return options.fallbackText === undefined
    ? made
    : { ...made, fallbackText: options.fallbackText };
}

const SHOWN_CHARACTERS = 80;

function shown(specification: EnvSpec<unknown>, raw: string): string {
  if (specification.secret) return '(hidden)';
  return JSON.stringify(
    raw.length > SHOWN_CHARACTERS ? `${raw.slice(0, SHOWN_CHARACTERS)}...` : raw,
  );
}

/**
 * Reads the variables of `table` from `env`.
 * @throws ConfigError naming every faulty variable, its value and what is allowed
 */
export function loadConfig<T extends EnvTable>(
  table: T,
  env: Readonly<Record<string, string | undefined>>,
): ConfigOf<T> {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, specification] of Object.entries(table)) {
    const raw = env[name]?.trim();
    if (raw === undefined || raw === '') {
      values[name] = specification.fallback;
      continue;
    }
    try {
      values[name] = specification.parse(raw);
    } catch {
      faults.push(`${name} is ${shown(specification, raw)}, allowed: ${specification.allowed}`);
    }
  }
  if (faults.length > 0) throw new ConfigError(faults.join('; '));
  return Object.freeze(values) as ConfigOf<T>;
}

function cell(value: string): string {
  return value.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}

/** The table as Markdown, for READMEs; a test holds each README against it. */
export function envTableMarkdown(table: EnvTable): string {
  const rows = Object.entries(table).map(([name, s]) =>
    [`\`${name}\``, cell(s.unit), cell(s.fallbackText), cell(s.allowed), cell(s.help)].join(' | '),
  );
  return [
    '| name | unit | default | range | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}
