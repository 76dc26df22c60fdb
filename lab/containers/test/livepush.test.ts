/**
 * Live mode as `balena push <board>.local` does it, with balena's own library on this machine's engine: a
 * saved line of any service runs in its container within seconds. The library is found in BALENA_CLI.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ComposeStack, copyOfSources, run } from '@holdfast/lab/containers';
import { freePort, until } from '@holdfast/lab/servers';

interface Live {
  performLivepush(changed: readonly string[], deleted: readonly string[]): Promise<void>;
  cleanupIntermediateContainers(): Promise<void>;
}
interface Library {
  readonly Dockerfile: new (content: Buffer) => { generateLiveDockerfile(): string };
  readonly default: { init(options: object): Promise<Live> };
}

const BALENA_CLI = process.env['BALENA_CLI'] ?? '';
const modules = join(BALENA_CLI, 'cli/node_modules/');
const missing = existsSync(modules) ? false : 'BALENA_CLI names no installation of the balena CLI';
const EXCLUDED = (process.env['EXCLUDED_SERVICES'] ?? '').split(' ').filter(Boolean);

/** The push waits so long for more changes before it acts (balena CLI, device/live). */
const DEBOUNCE_MS = 2_000;
const LIMIT_MS = 5_000;
/** A machine that is busy with something else as well gets more time, and the figure is printed. */
const patience = (loadavg()[0] ?? 0) > cpus().length ? 4 : 1;

/** What is changed: a file of the service's context, which runs at the start. */
const SERVICES = {
  sensor: { context: '.', file: 'sensor/src/main.ts' },
  startstopbutton: { context: '.', file: 'startstopbutton/src/main.ts' },
  mqtthandler: { context: '.', file: 'mqtthandler/src/main.ts' },
  provisioner: { context: '.', file: 'provisioner/src/main.ts' },
  'grafana-api': { context: '.', file: 'grafana/api/src/main.ts' },
  redis: { context: 'redis', file: 'log.sh' },
} as const;
type Service = keyof typeof SERVICES;
const NAMES = Object.keys(SERVICES) as Service[];
const isNode = (service: Service) => SERVICES[service].context === '.';

const dockerfileOf = (service: Service) => `${service.replace('-', '/')}/Dockerfile`;

function withMark(text: string, mark: string, node: boolean): string {
  if (node) return `console.log('${mark}');\n${text}`;
  return text.replace('\n', `\n[ "\${BASH_SOURCE[1]##*/}" != entrypoint.sh ] || echo ${mark}\n`);
}

/** The last image of each stage but the last, as the CLI reads them from what the builder prints. */
function stageImages(said: string): string[] {
  const images: string[] = [];
  let last: string | undefined;
  for (const line of said.split('\n')) {
    if (/^Step \d+\/\d+ : FROM/.test(line)) {
      if (last !== undefined) images.push(last);
      last = undefined;
    } else last = /^ ---> ([0-9a-f]{12})$/.exec(line)?.[1] ?? last;
  }
  return images;
}

describe('live mode', { skip: missing }, () => {
  const live = new Map<Service, Live>();
  let stack: ComposeStack | undefined;
  let sources = '';

  async function buildLive(library: Library, service: Service) {
    const { context } = SERVICES[service];
    const folder = join(sources, context);
    const dockerfile = new library.Dockerfile(await readFile(join(sources, dockerfileOf(service))));
    await writeFile(join(folder, 'Dockerfile.live'), dockerfile.generateLiveDockerfile());
    const tag = `holdfast-live_${service}`;
    const said = await run('docker', ['build', '-f', 'Dockerfile.live', '-t', tag, '.'], {
      cwd: folder,
    });
    return { dockerfile, context: folder, stageImages: stageImages(said) };
  }

  before(async () => {
    const require = createRequire(modules);
    const library = require('livepush') as Library;
    const Docker = require('dockerode') as new () => object;
    sources = await copyOfSources({ without: EXCLUDED });
    const images = NAMES.map((name) => `  ${name}:\n    image: holdfast-live_${name}\n`);
    await writeFile(join(sources, 'live.yml'), `version: '2.4'\nservices:\n${images.join('')}`);
    stack = await ComposeStack.create({
      files: ['docker-compose.yml', 'docker-compose.dev.yml', 'live.yml'],
      folder: sources,
      env: { BROKER_PORT: String(await freePort()), PAGE_PORT: String(await freePort()) },
      project: 'holdfast-live',
    });
    await stack[Symbol.asyncDispose]();
    await stack.compose('build', 'simulator', 'broker');
    const built = new Map<Service, Awaited<ReturnType<typeof buildLive>>>();
    for (const name of NAMES) built.set(name, await buildLive(library, name));
    await stack.up(...NAMES, 'simulator', 'broker');
    for (const [name, options] of built) {
      const containerId = await stack.container(name);
      const docker = new Docker();
      live.set(name, await library.default.init({ ...options, containerId, docker }));
    }
  });

  after(async () => {
    for (const one of live.values()) await one.cleanupIntermediateContainers();
    await stack?.[Symbol.asyncDispose]();
  });

  const started: Readonly<Record<Service, RegExp>> = {
    sensor: /"event":"sensor_found","sensor":"bme280/,
    startstopbutton: /"event":"line_opened"/,
    mqtthandler: /"event":"link_up"/,
    provisioner: /"event":"started"/,
    'grafana-api': /"event":"started"/,
    redis: /Ready to accept connections/,
  };
  const says = async (service: Service, pattern: RegExp) =>
    (await stack?.lines(service))?.some((line) => pattern.test(line)) ?? false;

  test('runs every service from its sources', async () => {
    for (const name of NAMES) {
      await until(`${name} is up`, async () => says(name, started[name]), 60_000);
    }
  });

  for (const name of NAMES) {
    test(`a saved line of ${name} runs within ${LIMIT_MS / 1_000} s`, async () => {
      const { context, file } = SERVICES[name];
      const path = join(sources, context, file);
      const mark = `changed-${name}`;
      await writeFile(path, withMark(await readFile(path, 'utf8'), mark, isNode(name)));
      const beganMs = performance.now();
      await live.get(name)?.performLivepush([file], []);
      await until('the mark', async () => says(name, new RegExp(`^${mark}`)), 30_000);
      const tookMs = performance.now() - beganMs + DEBOUNCE_MS;
      console.log(
        `${name}: ${Math.round(tookMs)} ms, ${DEBOUNCE_MS} of them waiting for more changes`,
      );
      assert.ok(tookMs < patience * LIMIT_MS);
    });
  }

  test('an added dependency is installed in the running container', async () => {
    const file = 'sensor/package.json';
    const path = join(sources, file);
    await writeFile(
      path,
      (await readFile(path, 'utf8')).replace('"private"', '"keywords": ["a"],\n  "private"'),
    );
    const before = (await stack?.lines('sensor'))?.length ?? 0;
    await live.get('sensor')?.performLivepush([file], []);
    await until(
      'started anew',
      async () => {
        const since = (await stack?.lines('sensor'))?.slice(before) ?? [];
        return since.some((line) => line.includes('"event":"redis_connected"'));
      },
      60_000,
    );
  });
});
