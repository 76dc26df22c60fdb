/** The entrypoint with a stand-in for Grafana's start script that prints what it was given. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dataFolder } from '@holdfast/lab/servers';

const ENTRYPOINT = fileURLToPath(new URL('../../entrypoint.sh', import.meta.url));
const GOOD_PASSWORD = 'correct horse battery';

/** The shell of the image is BusyBox's; Debian's is as small, bash is what else people have. */
const SHELLS = ['/bin/dash', '/bin/bash', '/bin/busybox'].filter((shell) => existsSync(shell));

interface Outcome {
  readonly code: number | null;
  readonly stderr: string;
  /** Variables the start script got; empty when it was not reached. */
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly data: string;
}

async function run(
  shell: string,
  env: Readonly<Record<string, string>> = {},
  data = dataFolder('grafana'),
): Promise<Outcome> {
  const script = join(data, 'run.sh');
  await writeFile(
    script,
    `#!/bin/sh\nenv -0 >"${data}/env"\nprintf '%s\\n' "$@" >"${data}/args"\n`,
  );
  await chmod(script, 0o755);
  const args = shell.endsWith('busybox') ? ['sh', ENTRYPOINT] : [ENTRYPOINT];
  const { status, stderr } = spawnSync(shell, [...args, '--one', 'two three'], {
    env: { PATH: process.env['PATH'] ?? '', RUN_SCRIPT: script, GF_PATHS_DATA: data, ...env },
    encoding: 'utf8',
    timeout: 20_000,
  });
  const read = async (file: string) =>
    existsSync(`${data}/${file}`) ? readFile(`${data}/${file}`, 'utf8') : '';
  const pairs = (await read('env')).split('\0').filter((line) => line.includes('='));
  return {
    code: status,
    stderr,
    env: Object.fromEntries(
      pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ),
    args: (await read('args')).split('\n').slice(0, -1),
    data,
  };
}

for (const shell of SHELLS) {
  describe(`the entrypoint under ${shell}`, { concurrency: true }, () => {
    test('without any variable: viewers only, no admin, a secret key of its own', async () => {
      const { code, env, args, data } = await run(shell);
      assert.equal(code, 0);
      assert.deepEqual(args, ['--one', 'two three']);
      assert.equal(env['GF_SECURITY_ADMIN_PASSWORD'], undefined);
      assert.equal(env['GF_AUTH_ANONYMOUS_ENABLED'], undefined);
      assert.equal(env['GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION'], undefined);
      assert.equal(env['GRAFANA_API_URL'], 'http://grafana-api:8080/');
      assert.equal(env['GF_SECURITY_DATA_SOURCE_PROXY_WHITELIST'], 'grafana-api:8080');
      assert.match(env['GF_SECURITY_SECRET_KEY'] ?? '', /^[0-9a-f]{64}$/);
      assert.equal(statSync(`${data}/holdfast-secret-key`).mode & 0o777, 0o600);
    });

    test('the secret key stays as long as the data folder, and a given one is not replaced', async () => {
      const first = await run(shell);
      const second = await run(shell, {}, first.data);
      const elsewhere = await run(shell);
      const given = await run(shell, { GF_SECURITY_SECRET_KEY: 'mine' });
      const key = ({ env }: Outcome) => env['GF_SECURITY_SECRET_KEY'];
      assert.equal(key(second), key(first));
      assert.notEqual(key(elsewhere), key(first));
      assert.equal(key(given), 'mine');
    });

    test('a password makes an admin and shows the form; viewers still need none', async () => {
      const { code, env } = await run(shell, { GRAFANA_ADMIN_PASSWORD: GOOD_PASSWORD });
      assert.equal(code, 0);
      assert.equal(env['GF_SECURITY_ADMIN_PASSWORD'], GOOD_PASSWORD);
      assert.equal(env['GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION'], 'false');
      assert.equal(env['GF_AUTH_DISABLE_LOGIN_FORM'], 'false');
      assert.equal(env['GF_AUTH_ANONYMOUS_ENABLED'], undefined);
      assert.equal(env['GRAFANA_ADMIN_PASSWORD'], undefined);
    });

    test('a password may come from a file, without the line break at its end', async () => {
      const file = join(dataFolder('password'), 'password');
      await writeFile(file, `${GOOD_PASSWORD}\n`);
      const { code, env } = await run(shell, { GRAFANA_ADMIN_PASSWORD_FILE: file });
      assert.equal(code, 0);
      assert.equal(env['GF_SECURITY_ADMIN_PASSWORD'], GOOD_PASSWORD);
      assert.equal(env['GRAFANA_ADMIN_PASSWORD_FILE'], undefined);
    });

    test('without viewers a password is needed, with it everybody logs in', async () => {
      const off = { GRAFANA_ANONYMOUS: 'False' };
      const { code, env } = await run(shell, { ...off, GRAFANA_ADMIN_PASSWORD: GOOD_PASSWORD });
      assert.equal(code, 0);
      assert.equal(env['GF_AUTH_ANONYMOUS_ENABLED'], 'false');
      const refused = await run(shell, off);
      assert.equal(refused.code, 78);
      assert.match(refused.stderr, /GRAFANA_ANONYMOUS/);
    });

    test('variables that are set but empty count as not set', async () => {
      const names = ['GRAFANA_ADMIN_PASSWORD', 'GRAFANA_ADMIN_PASSWORD_FILE', 'GRAFANA_ANONYMOUS'];
      const empty = Object.fromEntries([...names, 'GRAFANA_API_URL'].map((name) => [name, '']));
      const { code, env } = await run(shell, empty);
      assert.equal(code, 0);
      assert.equal(env['GF_SECURITY_ADMIN_PASSWORD'], undefined);
      assert.equal(env['GRAFANA_API_URL'], 'http://grafana-api:8080/');
    });

    test('another address of the service is followed, with one slash at its end', async () => {
      for (const url of ['http://api.local:9000', 'http://api.local:9000/']) {
        const { code, env } = await run(shell, { GRAFANA_API_URL: url });
        assert.equal(code, 0);
        assert.equal(env['GRAFANA_API_URL'], 'http://api.local:9000/');
        assert.equal(env['GF_SECURITY_DATA_SOURCE_PROXY_WHITELIST'], 'api.local:9000');
      }
    });

    const refused: readonly (readonly [Record<string, string>, RegExp])[] = [
      [{ GRAFANA_ADMIN_PASSWORD: 'admin' }, /at least 12 characters/],
      [{ GRAFANA_ADMIN_PASSWORD: '12345678901' }, /at least 12 characters/],
      [{ GRAFANA_ADMIN_PASSWORD: 'long enough ${HOME}' }, /GRAFANA_ADMIN_PASSWORD is \(hidden\)/],
      [{ GRAFANA_ADMIN_PASSWORD: '$__file{/etc/passwd}' }, /GRAFANA_ADMIN_PASSWORD/],
      [{ GRAFANA_ADMIN_PASSWORD: 'two lines\nof a text' }, /one line of text/],
      [
        { GRAFANA_ADMIN_PASSWORD: GOOD_PASSWORD, GRAFANA_ADMIN_PASSWORD_FILE: '/dev/null' },
        /both set/,
      ],
      [{ GRAFANA_ADMIN_PASSWORD_FILE: '/nowhere/at/all' }, /GRAFANA_ADMIN_PASSWORD_FILE is "/],
      [{ GRAFANA_ADMIN_PASSWORD_FILE: '/dev/null' }, /empty file/],
      [{ GRAFANA_ANONYMOUS: 'perhaps' }, /GRAFANA_ANONYMOUS is "perhaps"/],
      [{ GRAFANA_API_URL: 'https://api:8080' }, /GRAFANA_API_URL/],
      [{ GRAFANA_API_URL: 'http://user@elsewhere:8080' }, /GRAFANA_API_URL/],
      [{ GRAFANA_API_URL: 'http://api:8080/path/' }, /GRAFANA_API_URL/],
      [{ GRAFANA_API_URL: 'http://' }, /GRAFANA_API_URL/],
    ];
    for (const [env, reason] of refused) {
      test(`${JSON.stringify(env)} is refused with code 78 and one line`, async () => {
        const outcome = await run(shell, env);
        assert.equal(outcome.code, 78);
        assert.match(outcome.stderr, reason);
        assert.equal(outcome.stderr.trim().split('\n').length, 1);
        assert.deepEqual(outcome.env, {}, 'Grafana was not started');
        const password = env['GRAFANA_ADMIN_PASSWORD'];
        if (password !== undefined) assert.ok(!outcome.stderr.includes(password));
      });
    }
  });
}

test('the script is clean', (t) => {
  if (spawnSync('shellcheck', ['--version']).error !== undefined) return t.skip('no shellcheck');
  const { stdout, status } = spawnSync('shellcheck', [ENTRYPOINT], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
