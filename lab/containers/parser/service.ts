/**
 * One service in the canonical form of compose-go: short forms written out, numbers and sizes as it
 * writes them. Only what this project's compose files use; the rest goes through unchanged.
 */
import { resolve } from 'node:path';
import { ComposeError } from './interpolate.ts';
import type { Environment } from './interpolate.ts';

export type Node = Readonly<Record<string, unknown>>;
export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `services` of the compose specification: anything else is a misspelling, and an error. */
const KNOWN = new Set(
  `annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs
  container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus
  cpuset credential_spec depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search
  domainname entrypoint env_file environment expose extends external_links extra_hosts gpus group_add
  healthcheck hostname image init ipc isolation labels links logging mac_address mem_limit
  mem_reservation mem_swappiness memswap_limit network_mode networks oom_kill_disable oom_score_adj pid
  pids_limit platform ports post_start pre_stop privileged profiles pull_policy read_only restart runtime
  scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs
  tty ulimits user userns_mode uts volumes volumes_from working_dir`.split(/\s+/),
);
const BOOLEANS = ['privileged', 'read_only', 'tty', 'init', 'stdin_open'];
const SIZES = ['mem_limit', 'mem_reservation', 'shm_size'];

export interface Context {
  /** Folder of the first compose file. */
  readonly root: string;
  readonly environment: Environment;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** `[NAME=value, NAME]` or a map; a name without a value takes it from the environment. */
function pairs(value: unknown, environment?: Environment): Node {
  const entries = isNode(value)
    ? Object.entries(value)
    : list(value).map((one): [string, unknown] => {
        const [, name = '', text] = /^([^=]*)(?:=(.*))?$/s.exec(String(one)) ?? [];
        return [name, text ?? null];
      });
  return Object.fromEntries(
    entries.map(([name, one]) => [
      name,
      one === null
        ? environment === undefined
          ? ''
          : (environment[name] ?? null)
        : (one as string | number | boolean).toString(),
    ]),
  );
}

/** `64m` as bytes, as text. */
function bytes(value: unknown): string {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([bkmg]?)b?$/i.exec(String(value)) ?? [];
  if (amount === undefined) throw new ComposeError(`invalid size: '${String(value)}'`);
  const power = 'bkmg'.indexOf(unit === '' ? 'b' : unit.toLowerCase());
  return String(Math.round(Number(amount) * 1024 ** power));
}

function boolean(key: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 'true') return true;
  if (value === 'false') return false;
  throw new ComposeError(`${key} must be a boolean`);
}

function port(value: unknown): unknown {
  if (isNode(value)) return value;
  const pattern = /^(?:([\d.]+):)?(?:(\d+):)?(\d+)(?:\/(tcp|udp))?$/;
  const [, address, published, target, protocol] = pattern.exec(String(value)) ?? [];
  if (target === undefined) throw new ComposeError(`invalid port: ${String(value)}`);
  return {
    mode: 'ingress',
    ...(address === undefined ? {} : { host_ip: address }),
    target: Number(target),
    ...(published === undefined ? {} : { published }),
    protocol: protocol ?? 'tcp',
  };
}

function volume(value: unknown, { root }: Context): unknown {
  if (isNode(value)) return value;
  const [source = '', target, mode = ''] = String(value).split(':');
  if (target === undefined) return { type: 'volume', target: source, volume: {} };
  const readOnly = mode.split(',').includes('ro') ? { read_only: true } : {};
  if (!/^[./~]/.test(source)) return { type: 'volume', source, target, ...readOnly, volume: {} };
  const bind = { create_host_path: true };
  return { type: 'bind', source: resolve(root, source), target, ...readOnly, bind };
}

function build(value: unknown, { root, environment }: Context): Node {
  const given = isNode(value) ? value : { context: value };
  const { args, labels } = given;
  return {
    ...given,
    context: resolve(root, (given['context'] ?? '.') as string),
    dockerfile: given['dockerfile'] ?? 'Dockerfile',
    ...(args === undefined ? {} : { args: pairs(args, environment) }),
    ...(labels === undefined ? {} : { labels: pairs(labels) }),
  };
}

function dependencies(value: unknown): Node {
  const started = { condition: 'service_started', required: true };
  if (!isNode(value)) return Object.fromEntries(list(value).map((name) => [String(name), started]));
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, { ...started, ...(isNode(one) ? one : {}) }]),
  );
}

const FORMS: Readonly<Record<string, (value: unknown, context: Context) => unknown>> = {
  build,
  environment: (value, { environment }) => pairs(value, environment),
  labels: (value) => pairs(value),
  sysctls: (value) => pairs(value),
  tmpfs: list,
  dns: list,
  ports: (value) => list(value).map(port),
  volumes: (value, context) => list(value).map((one) => volume(one, context)),
  depends_on: dependencies,
};

export function canonicalService(name: string, given: Node, context: Context): Node {
  const service: Record<string, unknown> = { command: null, entrypoint: null };
  for (const [key, value] of Object.entries(given)) {
    if (key.startsWith('x-')) continue;
    if (!KNOWN.has(key)) {
      throw new ComposeError(`services.${name} additional properties '${key}' not allowed`);
    }
    if (BOOLEANS.includes(key)) service[key] = boolean(`services.${name}.${key}`, value);
    else if (SIZES.includes(key)) service[key] = bytes(value);
    else service[key] = FORMS[key]?.(value, context) ?? value;
  }
  if (service['build'] === undefined && service['image'] === undefined) {
    throw new ComposeError(`service "${name}" has neither an image nor a build context specified`);
  }
  if (service['network_mode'] === undefined) service['networks'] ??= { default: null };
  return service;
}
