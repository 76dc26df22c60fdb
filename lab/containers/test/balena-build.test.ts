/** `balena build` with the real CLI, and what a second build does; the CLI is found in BALENA_CLI. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { copyOfSources, run } from '@holdfast/lab/containers';

const BALENA_CLI = process.env['BALENA_CLI'] ?? '';
const balena = join(BALENA_CLI, 'balena');
const missing = existsSync(balena) ? false : 'BALENA_CLI names no installation of the balena CLI';
/** Services that cannot be built here, with the reason (test-containers.sh). */
const EXCLUDED = (process.env['EXCLUDED_SERVICES'] ?? '').split(' ').filter(Boolean);

/** The engine as the CLI wants it. */
function engine(): string[] {
  const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  return ['-P', host.replace(/^unix:\/\//, '')];
}

describe('balena build', { skip: missing }, () => {
  let sources = '';
  before(async () => {
    sources = await copyOfSources({ without: EXCLUDED });
  });

  const build = async (type: string, arch: string) =>
    run(balena, ['build', sources, '-d', type, '-A', arch, ...engine(), '-n', 'holdfast-balena']);

  for (const [type, arch] of [
    ['generic-amd64', 'amd64'],
    ['raspberrypi4-64', 'aarch64'],
  ] as const) {
    test(`builds every service for ${type}`, async () => {
      assert.match(await build(type, arch), /Build succeeded/);
    });
  }

  test('after a change of one line rebuilds only the last layers of that service', async () => {
    const layers = async (service: string) => {
      const args = [
        'build',
        '-f',
        `${service}/Dockerfile`,
        '-t',
        `holdfast-balena_${service.replace('/', '-')}`,
        '.',
      ];
      const said = await run('docker', args, { cwd: sources });
      const steps = said.split(/^Step \d+\/\d+ : /m).slice(1);
      return steps.filter((step) => !step.startsWith('FROM') && !step.includes('Using cache'));
    };
    const others = ['startstopbutton', 'mqtthandler', 'provisioner', 'grafana/api'];
    // The CLI builds all at the same time, each for itself; from here on they share what is equal.
    for (const service of ['sensor', ...others]) await layers(service);
    // Never the same line: the engine remembers what an earlier run has built.
    await appendFile(join(sources, 'sensor/src/main.ts'), `console.log('line ${Date.now()}');\n`);
    for (const service of others) {
      assert.deepEqual(await layers(service), [], service);
    }
    const rebuilt = (await layers('sensor')).map((step) => step.split('\n')[0] ?? '');
    console.log(`rebuilt: ${rebuilt.join(' | ')}`);
    assert.match(rebuilt[0] ?? '', /^COPY sensor\/src /);
    assert.ok(rebuilt.every((step) => !/npm ci|apt-get/.test(step)));
  });
});
