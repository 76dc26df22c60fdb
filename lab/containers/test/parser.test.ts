/** Whether balena takes the compose files, by its own parser; its libraries are found in BALENA_CLI. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '@holdfast/lab/containers';
import { dataFolder } from '@holdfast/lab/servers';

interface Composition {
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
interface ImageDescriptor {
  readonly serviceName: string;
  readonly image: string | { readonly context: string; readonly dockerfile?: string };
}
interface Parser {
  parse(files: string | readonly string[]): Promise<Composition>;
  toImageDescriptors(composition: Composition): ImageDescriptor[];
}

const BALENA_CLI = process.env['BALENA_CLI'] ?? '';
const modules = join(BALENA_CLI, 'cli/node_modules/');
const reason = existsSync(modules) ? false : 'BALENA_CLI names no installation of the balena CLI';
const load = () => createRequire(modules)('@balena/compose-parser') as Parser;

const main = join(ROOT, 'docker-compose.yml');
const dev = join(ROOT, 'docker-compose.dev.yml');

/** Services that the README's table of containers names. */
function documented(): string[] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [, table = ''] = /<!-- services -->([^]*?)<!-- \/services -->/.exec(readme) ?? [];
  return [...table.matchAll(/^\| \[?`([a-z-]+)`/gm)].map(([, name = '']) => name);
}

describe("balena's parser", { skip: reason }, () => {
  test('takes the compose file, and the README names exactly its services', async () => {
    const { services } = await load().parse(main);
    assert.deepEqual(Object.keys(services).toSorted(), documented().toSorted());
  });

  test('takes it together with that for development', async () => {
    const { services } = await load().parse([main, dev]);
    assert.equal(services['sensor']?.['privileged'], false);
    assert.ok('simulator' in services && 'broker' in services);
  });

  test('finds a Dockerfile for every service', async () => {
    const { parse, toImageDescriptors } = load();
    for (const { serviceName, image } of toImageDescriptors(await parse([main, dev]))) {
      assert.ok(typeof image === 'object', `${serviceName} is built`);
      const file = join(ROOT, image.context, image.dockerfile ?? 'Dockerfile');
      assert.ok(existsSync(file), file);
    }
  });

  const folder = dataFolder('compose');
  const refused = {
    'a bind mount': 'volumes: ["/etc:/etc"]',
    'a service that has to be healthy first': 'depends_on: { b: { condition: service_healthy } }',
    'a logging driver': 'logging: { driver: none }',
    'a word that means nothing': 'privilegd: true',
  };
  for (const [what, line] of Object.entries(refused)) {
    test(`refuses ${what}: its checks are at work`, async () => {
      const file = join(folder, `${what.replaceAll(' ', '-')}.yml`);
      writeFileSync(file, `services:\n  a:\n    image: x\n    ${line}\n  b:\n    image: x\n`);
      await assert.rejects(load().parse(file));
    });
  }
});
