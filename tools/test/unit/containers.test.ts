/** What holds for all containers alike, read from the files; what they do is in lab/containers/test. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { documentedVariables, variablesTable } from '../../variables.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Service {
  readonly build: string | { readonly context: string; readonly dockerfile: string };
  readonly privileged?: boolean;
  readonly mem_limit?: string;
  readonly read_only?: boolean;
  readonly restart?: string;
  readonly tty?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly volumes?: readonly string[];
}

const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Readonly<Record<string, Service>>;
};
const dockerfileOf = ({ build }: Service) =>
  typeof build === 'string' ? join(build, 'Dockerfile') : build.dockerfile;
const dockerfiles = Object.values(services).map(dockerfileOf);
const ours = dockerfiles.filter((file) => !file.startsWith('grafana/Dockerfile'));
const node = ours.filter((file) => read(file).includes('npm ci'));

describe('the compose file', () => {
  for (const [name, service] of Object.entries(services)) {
    test(`${name} is limited, read-only, logs without a terminal and comes back`, () => {
      assert.match(service.mem_limit ?? '', /^\d+m$/);
      assert.equal(service.read_only, true);
      assert.equal(service.restart, 'always');
      assert.equal(service.tty, false);
    });

    test(`${name} has no more rights than said`, () => {
      // Why the sensor: docs/security.md.
      assert.equal(service.privileged === true, name === 'sensor');
      if (name === 'sensor') return;
      assert.deepEqual(service.cap_drop, ['ALL']);
      assert.deepEqual(service.security_opt, ['no-new-privileges:true']);
    });
  }

  test('only Redis, and the sensor while Redis is away, have a volume they may write', () => {
    for (const [name, { volumes = [] }] of Object.entries(services)) {
      if (name === 'redis') continue;
      const writable = volumes.filter((volume) => !volume.endsWith(':ro'));
      assert.deepEqual(writable, name === 'sensor' ? ['sensor-pending:/pending'] : [], name);
    }
  });

  test('every Redis user has its volume in the redis container', () => {
    const users = [...read('redis/make-acl.sh').matchAll(/^rules_(\w+)\(\)/gm)]
      .map(([, user = '']) => user)
      .filter((user) => !['redis', 'healthcheck'].includes(user));
    const mounted = (services['redis']?.volumes ?? []).flatMap(
      (volume) => /^credentials-(\w+):\/credentials\/\1$/.exec(volume)?.[1] ?? [],
    );
    assert.deepEqual(mounted.toSorted(), users.toSorted());
  });
});

describe('the Dockerfiles', () => {
  test('of Node services install the same packages by the same lines, so that the layer is shared', () => {
    const beginnings = node.map((file) => {
      const [, begin = ''] = /^(COPY package.json [^]*?npm ci.*)$/m.exec(read(file)) ?? [];
      return begin;
    });
    assert.ok(beginnings.length >= 5);
    assert.equal(new Set(beginnings).size, 1);
  });

  test('name the images that the tests know, to the patch', () => {
    const known = read('lab/containers/tools/base-images.sh');
    for (const file of [...ours, 'lab/containers/broker/Dockerfile']) {
      for (const [, image = ''] of read(file).matchAll(/^FROM (\S+)/gm)) {
        const [, name = '', version = ''] = /^([a-z-]+):([\d.]+)/.exec(image) ?? [];
        assert.match(version, /^\d+\.\d+\.\d+$/, `${file}: ${image}`);
        assert.ok(known.includes(version) && known.includes(`${name}:`), `${file}: ${image}`);
      }
    }
  });

  test("keep to what balena's live mode can read, each Node service with one command for it", () => {
    for (const file of dockerfiles) {
      const text = read(file);
      assert.doesNotMatch(text, /^ADD |--platform|--link|--mount|<<[A-Z]/m, file);
      const commands = text.match(/^#dev-cmd-live=/gm) ?? [];
      assert.equal(commands.length, node.includes(file) ? 1 : 0, file);
    }
  });

  test('have a health check', () => {
    for (const file of dockerfiles) assert.match(read(file), /^HEALTHCHECK /m, file);
  });

  test('find in the context what they copy from it', () => {
    const ignored = read('.dockerignore').split('\n');
    assert.ok(['**/node_modules', '**/dist', '.git'].every((line) => ignored.includes(line)));
    for (const file of node) {
      for (const [, paths = ''] of read(file).matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
        for (const path of paths.split(' '))
          assert.ok(existsSync(join(ROOT, path)), `${file}: ${path}`);
      }
    }
  });
});

describe('the project', () => {
  test('has one version, in package.json, balena.yml and at the head of the change log', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    assert.equal((parse(read('balena.yml')) as { version: string }).version, version);
    const [, released = version] = /^## (\d+\.\d+\.\d+)/m.exec(read('CHANGELOG.md')) ?? [];
    assert.equal(released, version);
  });

  test('has all variables of all services in the README', () => {
    assert.equal(documentedVariables(), variablesTable());
  });

  test('takes no update lock: nothing of it must not be interrupted (docs/operation.md)', () => {
    const sources = Object.keys(services).flatMap((name) => {
      const folder = join(ROOT, name.replace('-', '/'), 'src');
      if (!existsSync(folder)) return [];
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
      return files.filter((file) => file.endsWith('.ts')).map((file) => join(folder, file));
    });
    assert.ok(sources.length > 50);
    for (const file of sources) {
      assert.doesNotMatch(readFileSync(file, 'utf8'), /updates\.lock|APP_LOCK_PATH/, file);
    }
  });
});
