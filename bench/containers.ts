/**
 * What the containers cost, on a Docker engine: size of the images and of what is their own, time to build
 * them from nothing and after a change of one line, memory, and the time from `docker compose up` to the
 * first reading at a subscriber. The reference in the same run is the base image by itself.
 */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ComposeStack, copyOfSources, docker, proportionalMb } from '@holdfast/lab/containers';
import { freePort, until } from '@holdfast/lab/servers';
import { connectAsync } from 'mqtt';
import { row } from './bed.ts';

const SERVICES = [
  'redis',
  'sensor',
  'startstopbutton',
  'mqtthandler',
  'provisioner',
  'grafana-api',
];
const PROJECT = 'holdfast-bench';
const MB = 1_000_000;
/** Until caches are filled and garbage has been collected once or twice. */
const SETTLE_MS = 60_000;

const seconds = (sinceMs: number) => `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`;

async function layers(image: string): Promise<string[]> {
  const text = await docker('image', 'inspect', '-f', '{{json .RootFS.Layers}}', image);
  return JSON.parse(text) as string[];
}

async function sizeMb(image: string): Promise<number> {
  return Number(await docker('image', 'inspect', '-f', '{{.Size}}', image)) / MB;
}

async function benchImages(stack: ComposeStack, sources: string): Promise<void> {
  const beside = ['simulator', 'broker'];
  const coldMs = performance.now();
  await stack.compose('build', '--no-cache', ...SERVICES);
  row(`all ${SERVICES.length} images, nothing cached but the base images`, seconds(coldMs));
  // Each was built for itself; once more, and they share what is equal.
  await stack.compose('build', ...SERVICES, ...beside);
  await appendFile(join(sources, 'sensor/src/main.ts'), "console.log('a line more');\n");
  const warmMs = performance.now();
  await stack.compose('build', ...SERVICES);
  row('all images after a change of one line in the sensor', seconds(warmMs));

  const images = await docker('images', '--format', '{{.Repository}}:{{.Tag}}');
  const imageOf = (service: string) =>
    images.split('\n').find((name) => new RegExp(`^${PROJECT}[-_]${service}:`).test(name)) ?? '';
  const base = await docker(
    'images',
    '--format',
    '{{.Repository}}:{{.Tag}}',
    '--filter',
    'reference=node',
  );
  const [node = ''] = base.split('\n').filter((name) => /24\.\d+\.\d+/.test(name));
  const common = (await layers(node)).length;
  row(`base image ${node}`, `${(await sizeMb(node)).toFixed(0)} MB`);
  for (const service of SERVICES) {
    const total = await sizeMb(imageOf(service));
    const own = service === 'redis' ? undefined : total - (await sizeMb(node));
    const parts = (await layers(imageOf(service))).length - common;
    const text = own === undefined ? '' : `, ${own.toFixed(1)} MB its own in ${parts} layers`;
    row(`image ${service}`, `${total.toFixed(0)} MB${text}`);
  }
}

async function firstReading(stack: ComposeStack, port: number): Promise<void> {
  await stack.up('broker');
  const client = await until('the broker', async () =>
    connectAsync({ host: '127.0.0.1', port, reconnectPeriod: 0 }).catch(() => undefined),
  );
  await client.subscribeAsync('iot-projekt/device/+/values', { qos: 1 });
  const arrived = new Promise<void>((resolve) => client.once('message', () => resolve()));
  const upMs = performance.now();
  await stack.up(...SERVICES, 'simulator');
  row('docker compose up itself', seconds(upMs));
  await arrived;
  row('docker compose up to the first reading at a subscriber', seconds(upMs));
  await client.endAsync(true);
}

async function benchMemory(stack: ComposeStack): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  let total = 0;
  for (const service of SERVICES) {
    const mb = await proportionalMb(await stack.container(service));
    total += mb;
    row(`memory of ${service}, shared pages in parts`, `${mb.toFixed(1)} MB`);
  }
  row('memory of all of them', `${total.toFixed(1)} MB`);
}

const sources = await copyOfSources();
const port = await freePort();
await using stack = await ComposeStack.create({
  files: ['docker-compose.yml', 'lab/containers/test/stack.yml'],
  folder: sources,
  env: { BROKER_PORT: String(port), PAGE_PORT: String(await freePort()) },
  project: PROJECT,
});
// What a run that was killed has left.
await stack.compose('down', '--volumes');
await benchImages(stack, sources);
await firstReading(stack, port);
await benchMemory(stack);
