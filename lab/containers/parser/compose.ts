/** Compose files, merged and written out in the canonical form of compose-go. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { ComposeError, interpolate } from './interpolate.ts';
import type { Environment } from './interpolate.ts';
import { canonicalService, isNode } from './service.ts';
import type { Node } from './service.ts';

const TOP_LEVEL = ['version', 'name', 'services', 'networks', 'volumes', 'secrets', 'configs'];
/** Lists that a later file replaces; all others it adds to. */
const REPLACED = ['command', 'entrypoint', 'test'];

function merged(before: unknown, after: unknown, key = ''): unknown {
  if (isNode(before) && isNode(after)) {
    const result: Record<string, unknown> = { ...before };
    for (const [name, value] of Object.entries(after)) {
      result[name] = name in before ? merged(before[name], value, name) : value;
    }
    return result;
  }
  if (Array.isArray(before) && Array.isArray(after) && !REPLACED.includes(key)) {
    const known = new Set(before.map((one) => JSON.stringify(one)));
    return [...(before as unknown[]), ...after.filter((one) => !known.has(JSON.stringify(one)))];
  }
  return after;
}

function dotEnv(root: string): Environment {
  const file = join(root, '.env');
  if (!existsSync(file)) return {};
  const lines = readFileSync(file, 'utf8').split(/\r?\n/);
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value = ''] = /^\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value.replace(/^(['"])(.*)\1$/, '$2')]];
    }),
  );
}

function readFile(path: string, environment: Environment): Node {
  const node = interpolate(parse(readFileSync(path, 'utf8'), { merge: true }), environment);
  if (!isNode(node)) throw new ComposeError('empty compose file');
  for (const key of Object.keys(node)) {
    if (!TOP_LEVEL.includes(key) && !key.startsWith('x-')) {
      throw new ComposeError(`additional properties '${key}' not allowed`);
    }
  }
  return node;
}

/** Names that are used must be declared. */
function check(services: Readonly<Record<string, Node>>, volumes: Node): void {
  for (const [name, service] of Object.entries(services)) {
    for (const other of Object.keys(service['depends_on'] ?? {})) {
      if (!Object.hasOwn(services, other)) {
        throw new ComposeError(`service "${name}" depends on undefined service "${other}"`);
      }
    }
    for (const volume of (service['volumes'] ?? []) as readonly Node[]) {
      const source = volume['source'];
      if (volume['type'] === 'volume' && source !== undefined && !((source as string) in volumes)) {
        throw new ComposeError(`service "${name}" refers to undefined volume ${source as string}`);
      }
    }
  }
}

/** @throws ComposeError, or the YAML parser's error */
export function compose(files: readonly string[], project: string, shell: Environment): Node {
  const root = dirname(resolve(files[0] ?? ''));
  const environment = { ...dotEnv(root), ...shell };
  let document: unknown = {};
  for (const file of files) document = merged(document, readFile(file, environment));
  const { services: given, volumes: volumesGiven, networks } = document as Node;
  if (!isNode(given)) throw new ComposeError('empty compose file');
  const services = Object.fromEntries(
    Object.entries(given)
      .filter(([, one]) => isNode(one) && one['profiles'] === undefined)
      .map(([name, one]) => [name, canonicalService(name, one as Node, { root, environment })]),
  );
  const named = (group: Node) =>
    Object.fromEntries(
      Object.entries(group).map(([name, one]) => [
        name,
        { name: `${project}_${name}`, ...(isNode(one) ? one : {}) },
      ]),
    );
  const volumes = isNode(volumesGiven) ? volumesGiven : {};
  check(services, volumes);
  return {
    name: project,
    services,
    networks: named({ default: { ipam: {} }, ...(isNode(networks) ? networks : {}) }),
    ...(Object.keys(volumes).length === 0 ? {} : { volumes: named(volumes) }),
  };
}
