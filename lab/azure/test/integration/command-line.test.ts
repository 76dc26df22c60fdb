/** The command line as people use it: `start` in one terminal, the other commands in a second. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ManagedProcess, accepts, freePort } from '@holdfast/lab/servers';
import { openClient } from '../conformance/device-client.ts';
import { register } from '../conformance/dps-device.ts';

const BIN = fileURLToPath(new URL('../../bin/holdfast-cloud.js', import.meta.url));

const KEY = Buffer.alloc(32, 5).toString('base64');
const START = `start --enrol rover-1 --enrol-group fleet --quick --use-hubs hub-a --allocation static --key ${KEY}`;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runCommand(admin: string, args: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, HOLDFAST_CLOUD: admin };
  return new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...args], { env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** The first of so many free ports in a row. */
async function freeRow(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const row = Array.from({ length: count }, (_unused, index) => accepts(first + index));
    if (!(await Promise.all(row)).includes(true)) return first;
  }
}

/** `NAME=value` lines. */
function variables(text: string): Readonly<Record<string, string>> {
  const pairs = text.split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    return at > 0 && /^[A-Z0-9_]+$/.test(line.slice(0, at))
      ? [[line.slice(0, at), line.slice(at + 1)]]
      : [];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

describe('holdfast-cloud', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-cloud-test-'));
  let portBase: number;
  let admin: string;
  let cloud: ManagedProcess;

  const begin = async () => {
    cloud = new ManagedProcess({
      name: 'holdfast-cloud',
      command: process.execPath,
      args: [BIN, ...START.split(' '), '--port-base', String(portBase), '--folder', folder],
    });
    cloud.start();
    await cloud.untilLine(/^NODE_EXTRA_CA_CERTS=/, 30_000);
  };
  const holdfastCloud = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCommand(admin, args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  before(async () => {
    portBase = await freeRow(5);
    admin = `http://127.0.0.1:${portBase}`;
    await begin();
  });
  after(async () => {
    await cloud.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As a device would that was given these variables. */
  async function connectWith(env: Readonly<Record<string, string>>) {
    const [host = '', httpsPort] = (env['DPS_ENDPOINT'] ?? '').split(':');
    const ca = readFileSync(env['NODE_EXTRA_CA_CERTS'] ?? '', 'utf8');
    const key = env['DPS_SYMMETRIC_KEY'] ?? '';
    const registrationId = env['DPS_REGISTRATION_ID'] ?? '';
    const idScope = env['DPS_ID_SCOPE'] ?? '';
    const dps = { host, httpsPort: Number(httpsPort), mqttPort: 0, idScope, ca };
    const proof = { kind: 'key', key } as const;
    const result = await register({ dps, transport: 'http', registrationId, proof });
    const hub = result['assignedHub'] as string;
    const identity = `DeviceId=${registrationId};SharedAccessKey=${key}`;
    return { hub, client: await openClient(`HostName=${hub};${identity}`, { ca }) };
  }

  test('one line starts a cloud and prints all that a device needs', async () => {
    const { hub, client } = await connectWith(variables(cloud.lines.join('\n')));
    assert.equal(hub, `localhost:${portBase + 3}`);
    client.onDeviceMethod('ping', (_request, response) => void response.send(200, 'pong'));
    await cloud.untilLine(/connected .*deviceId=rover-1/);
    assert.match(await callUntilAnswered('rover-1', 'ping'), /"payload": "pong"/);

    const message = once(client, 'message');
    await holdfastCloud('send', 'rover-1', 'hello', '--property', 'lane=1');
    const [got] = (await message) as [{ getData(): Buffer }];
    assert.equal(got.getData().toString('utf8'), 'hello');

    const dropped = once(client, 'disconnect');
    await holdfastCloud('move', 'rover-1', 'hub-b');
    await dropped;
    const moved = await connectWith(variables(cloud.lines.join('\n')));
    assert.equal(moved.hub, `localhost:${portBase + 4}`);
    await moved.client.close();
  });

  async function callUntilAnswered(device: string, method: string): Promise<string> {
    for (let attempt = 0; ; attempt += 1) {
      const { code, stdout, stderr } = await runCommand(admin, ['call', device, method]);
      if (code === 0) return stdout;
      if (attempt === 20) throw new Error(stderr);
    }
  }

  test('a device of a group gets its derived key, and lists show it', async () => {
    const { client } = await connectWith(variables(await holdfastCloud('device', 'g-1')));
    assert.match(await holdfastCloud('list', 'devices'), /hub-a +g-1 +true +true +sas/);
    assert.match(await holdfastCloud('list', 'registrations'), /g-1 +assigned +initialAssignment/);
    await client.close();
  });

  test('enrol, disable and unenrol do what they say', async () => {
    const twin = '{"tags":{"a":1}}';
    const options = ['--policy', 'never', '--use-hubs', 'hub-b', '--twin', twin];
    const env = variables(await holdfastCloud('enrol', 'tool-1', ...options));
    assert.equal(env['DPS_REGISTRATION_ID'], 'tool-1');
    assert.match(await holdfastCloud('disable', 'tool-1'), /disabled/);
    await assert.rejects(connectWith(env), /disabled/);
    assert.match(await holdfastCloud('enable', 'tool-1'), /enabled/);
    const { client } = await connectWith(env);
    await client.close();
    assert.match(await holdfastCloud('twin', 'tool-1', '{"interval":3}'), /"interval": 3/);
    await holdfastCloud('unenrol', 'tool-1');
    await assert.rejects(connectWith(env), /Unauthorized/);
  });

  test('faults and limits strike and end', async () => {
    const env = variables(await holdfastCloud('device', 'g-2'));
    await holdfastCloud('fault', 'dps_register', '--status', '503', '--id', 'g-*');
    assert.match(await holdfastCloud('faults'), /"status": 503/);
    await assert.rejects(connectWith(env), { name: 'ServiceUnavailableError' });
    await holdfastCloud('faults', 'clear');
    await holdfastCloud('throttle', 'dps', '--registrations', '0');
    await assert.rejects(connectWith(env), { name: 'ThrottlingError' });
    await holdfastCloud('throttle', 'dps', 'off');
    await holdfastCloud('clock', '7200');
    await assert.rejects(connectWith(env), { name: 'UnauthorizedError' });
    await holdfastCloud('clock', '0');
    const { client } = await connectWith(env);
    await client.close();
  });

  test('what cannot be done ends with 1, what was typed wrongly with 2', async () => {
    const code = async (...args: readonly string[]) => (await runCommand(admin, args)).code;
    assert.equal(await code('twin', 'nobody'), 1);
    assert.equal(await code('enrol'), 2);
    assert.equal(await code('nonsense'), 2);
    assert.equal(await code('list', '--fantasy'), 2);
    const away = await runCommand('http://127.0.0.1:9', ['list']);
    assert.deepEqual([away.code, /no cloud answers/.test(away.stderr)], [1, true]);
    const { stdout } = await runCommand(admin, ['--help']);
    assert.match(stdout, /start .*\n(.*\n)* +throttle/);
  });

  test('Ctrl+C ends it, and the next start has the same authority', async () => {
    const before = readFileSync(join(folder, 'ca.pem'), 'utf8');
    assert.equal(await cloud.stop(), 0);
    await begin();
    assert.equal(readFileSync(join(folder, 'ca.pem'), 'utf8'), before);
    const { client } = await connectWith(variables(cloud.lines.join('\n')));
    await client.close();
  });
});
