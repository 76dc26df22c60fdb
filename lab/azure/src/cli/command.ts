/** A command of the command line: its options, its help, and what it does. */
import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';
import type { AdminClient } from './client.ts';

export interface Option {
  /** Missing = a flag without a value. */
  readonly value?: string;
  readonly multiple?: boolean;
  readonly help: string;
}

export interface Command {
  /** As typed: `fault add`. */
  readonly name: string;
  /** Of the arguments that are no options. */
  readonly arguments: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, Option>>;
  /** Smallest and largest number of arguments. */
  readonly count: readonly [number, number];
  run(given: Given, client: AdminClient): Promise<void>;
}

/** What was typed. */
export interface Given {
  readonly args: readonly string[];
  text(option: string): string | undefined;
  list(option: string): readonly string[];
  flag(option: string): boolean;
  /** @throws UsageError when it is no number */
  number(option: string): number | undefined;
}

/** Typed wrongly: shown with the help of the command, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Understood by every command. */
export const COMMON: Readonly<Record<string, Option>> = {
  admin: { value: 'URL', help: 'address of the admin API; default http://127.0.0.1:7880' },
  json: { help: 'print JSON as the admin API gives it' },
  help: { help: 'this text' },
};

/** @throws UsageError */
export function parseGiven(command: Command, argv: readonly string[]): Given {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, option] of Object.entries({ ...COMMON, ...command.options })) {
    const type = option.value === undefined ? 'boolean' : 'string';
    options[name] = { type, multiple: option.multiple ?? false };
  }
  let parsed;
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'unreadable');
  }
  const { positionals, values } = parsed;
  const [least, most] = command.count;
  if (values['help'] !== true && (positionals.length < least || positionals.length > most)) {
    throw new UsageError(`${command.name} takes ${command.arguments || 'no arguments'}`);
  }
  const text = (option: string) => {
    const value = values[option];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    args: positionals,
    text,
    list: (option) => [values[option] ?? []].flat().filter((one) => typeof one === 'string'),
    flag: (option) => values[option] === true,
    number(option) {
      const value = text(option);
      if (value === undefined) return undefined;
      if (!/^-?\d+(\.\d+)?$/.test(value)) throw new UsageError(`--${option} is no number`);
      return Number(value);
    },
  };
}

/** The help of one command. */
export function describe(command: Command): string {
  const all = { ...command.options, ...COMMON };
  const rows = Object.entries(all).map(([name, option]) => [
    `--${name}${option.value === undefined ? '' : ` ${option.value}`}`,
    option.help + (option.multiple === true ? '; may be given several times' : ''),
  ]);
  const head = `holdfast-cloud ${command.name} ${command.arguments}`.trimEnd();
  return `${head}\n  ${command.summary}\n\n${columns(rows)}`;
}

/** Rows with their columns under each other, indented. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    }
  }
  return rows
    .map((row) => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  '))
    .map((line) => `  ${line.trimEnd()}\n`)
    .join('');
}
