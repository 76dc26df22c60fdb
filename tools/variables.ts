/**
 * The table of all environment variables in README.md, made from the tables the services read them with.
 *
 * `tools/write-variables.ts` writes it, a test compares.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { EnvTable } from '@holdfast/kit';
import { ENV as GRAFANA_API } from '../grafana/api/src/config.ts';
import { ENV as MQTTHANDLER } from '../mqtthandler/src/config.ts';
import { ENV as PROVISIONER } from '../provisioner/src/config.ts';
import { SENSOR_ENV as SENSOR } from '../sensor/src/config.ts';
import { ENV as STARTSTOPBUTTON } from '../startstopbutton/src/config.ts';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
const BETWEEN = /(<!-- variables -->\n\n)([^]*?)(\n\n<!-- \/variables -->)/;

interface Variable {
  readonly unit: string;
  readonly fallback: string;
  readonly meaning: string;
  readonly services: string[];
}

const NODE_SERVICES: Readonly<Record<string, EnvTable>> = {
  sensor: SENSOR,
  startstopbutton: STARTSTOPBUTTON,
  mqtthandler: MQTTHANDLER,
  provisioner: PROVISIONER,
  'grafana-api': GRAFANA_API,
};
/** Shell scripts: their READMEs have the table, in the same form. */
const SCRIPTS: Readonly<Record<string, string>> = {
  redis: 'redis/README.md',
  grafana: 'grafana/README.md',
};
/** Set by the compose file or by balena, for the services only. */
const INTERNAL = /^(REDIS_|DASHBOARD_REDIS_|BALENA_|HARDWARE_SIMULATOR$)/;

function rowsOfReadme(file: string): [string, Omit<Variable, 'services'>][] {
  const text = readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8');
  const [, table = ''] =
    /^\| name \| unit \| default \| range \| meaning \|\n\|[-| ]+\n((?:\|.*\n)+)/m.exec(text) ?? [];
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', unit = '', fallback = '', , meaning = ''] = line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim());
      const plain = (cell: string) => cell.replaceAll('`', '');
      return [plain(name), { unit, fallback: plain(fallback), meaning }];
    });
}

function add(
  all: Map<string, Variable>,
  name: string,
  service: string,
  one: Omit<Variable, 'services'>,
) {
  const before = all.get(name);
  if (before === undefined) all.set(name, { ...one, services: [service] });
  else before.services.push(service);
}

/** Markdown: what a user may set, service by service, then what is set already. */
export function variablesTable(): string {
  const all = new Map<string, Variable>();
  for (const [service, table] of Object.entries(NODE_SERVICES)) {
    for (const [name, { unit, fallbackText, help }] of Object.entries(table)) {
      add(all, name, service, { unit, fallback: fallbackText, meaning: help });
    }
  }
  for (const [service, file] of Object.entries(SCRIPTS)) {
    for (const [name, one] of rowsOfReadme(file)) add(all, name, service, one);
  }
  const row = ([name, { unit, fallback, meaning, services }]: [string, Variable]) => {
    const value = unit === '-' || fallback === '-' ? fallback : `${fallback} ${unit}`;
    const cells = [`\`${name}\``, services.join(', '), value, meaning];
    return `| ${cells.map((cell) => cell.replaceAll(/(?<!\\)\|/g, '\\|')).join(' | ')} |`;
  };
  const head = '| name | service | default | meaning |\n| --- | --- | --- | --- |\n';
  const internal = (one: [string, Variable]) =>
    INTERNAL.test(one[0]) || one[1].services[0] === 'redis';
  const rows = [...all];
  return [
    `${head}${rows
      .filter((one) => !internal(one))
      .map(row)
      .join('\n')}`,
    'Set by the compose file, by balena or in the image; change them only for a reason of your own:',
    `${head}${rows.filter(internal).map(row).join('\n')}`,
  ].join('\n\n');
}

/** The table as README.md has it. */
export function documentedVariables(): string {
  return BETWEEN.exec(readFileSync(README, 'utf8'))?.[2] ?? '';
}

export function writeVariables(): void {
  const text = readFileSync(README, 'utf8');
  writeFileSync(
    README,
    text.replace(BETWEEN, (_all, before: string, _old, after: string) => {
      return `${before}${variablesTable()}${after}`;
    }),
  );
}
