/** The demo as a process, as `make demo` starts it without a terminal. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ManagedProcess, until } from '@holdfast/lab/servers';
import { isRunning } from './running.ts';

const MAIN = fileURLToPath(new URL('../../demo/main.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

describe('the demo without a terminal', () => {
  /** Holds everything the demo leaves on the disk; its name marks the demo's processes. */
  let folder = '';
  before(() => (folder = mkdtempSync(join(tmpdir(), 'holdfast-demo-test-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const demo = (seconds: string, more: Readonly<Record<string, string>> = {}) =>
    new ManagedProcess({
      name: 'demo',
      command: process.execPath,
      args: ['--import', 'tsx', MAIN],
      env: { TMPDIR: folder, DEMO_SECONDS: seconds, ...more },
      cwd: ROOT,
    });

  /** Waits until nothing of the demo is left: Redis' start script may need a moment to notice. */
  const untilNothingIsLeft = async (pids: readonly string[]) => {
    assert.deepEqual(holdfastFolders(folder), []);
    await until('all processes have ended', () => pids.every((pid) => !isRunning(pid)), 15_000);
  };

  test('plays an outage and two kills, loses nothing and leaves nothing behind', async () => {
    const process = demo('12');
    const lines: string[] = [];
    process.onLine((line) => lines.push(line));
    const pids = new Set<string>();
    process.onLine(() => childrenOf(process.pid).forEach((pid) => pids.add(pid)));
    process.start();
    const code = await process.exited();
    const output = lines.join('\n');
    assert.equal(code, 0, output);
    assert.match(output, /page: open http:\/\/127\.0\.0\.1:\d+\/ in a browser/);
    assert.match(output, /you: cut the network/);
    assert.match(output, /broker lost/);
    assert.match(output, /startstopbutton: button pressed: measuring off/);
    assert.match(output, /startstopbutton: button pressed: measuring on/);
    assert.match(output, /you: kill -9 mqtthandler/);
    assert.match(output, /you: kill -9 redis/);
    assert.match(output, /^ {2}lost +0 /m);
    assert.match(output, /^ {2}recorded as gap +0 /m);
    assert.match(output, /Nothing was lost/);
    const [produced, delivered] = ['produced', 'delivered'].map((name) =>
      Number(new RegExp(`^  ${name} +(\\d+) `, 'm').exec(output)?.[1]),
    );
    assert.equal(produced, delivered);
    assert.ok(produced !== undefined && produced > 10, output);
    // Nothing is forbidden to a service that it needs.
    assert.doesNotMatch(output, /NOPERM/);
    assert.ok(pids.size >= 5, `the demo had ${pids.size} processes`);
    await untilNothingIsLeft([...pids]);
  });

  test('with the cloud plays a throttled move, an outage and three kills, loses nothing', async () => {
    const process = demo('40', { DESTINATION: 'azure' });
    const lines: string[] = [];
    process.onLine((line) => lines.push(line));
    const pids = new Set<string>();
    process.onLine(() => childrenOf(process.pid).forEach((pid) => pids.add(pid)));
    process.start();
    const code = await process.exited();
    const output = lines.join('\n');
    assert.equal(code, 0, output);
    for (const said of [
      /DPS: the device belongs to hub-a/,
      /you: throttle DPS/,
      /you: move the device to hub-b/,
      /hub-a: refuses the device: 403012/,
      /DPS: (registration|lookup): 429/,
      /DPS: the device belongs to hub-b/,
      /hub-b: is away/,
      /hub-b: is back/,
      /hub-b: the device is connected/,
      /you: kill -9 mqtthandler/,
      /you: kill -9 provisioner/,
      /you: kill -9 redis/,
      /^ {2}lost +0 /m,
      /^ {2}recorded as gap +0 /m,
      /Nothing was lost: every reading the sensor made has reached a hub/,
    ]) {
      assert.match(output, said);
    }
    const [produced, delivered, atA, atB] = [
      'produced',
      'delivered',
      '  at hub-a',
      '  at hub-b',
    ].map((name) => Number(new RegExp(`^  ${name} +(\\d+) `, 'm').exec(output)?.[1]));
    assert.equal(produced, delivered);
    assert.equal((atA ?? 0) + (atB ?? 0), delivered);
    assert.ok((atA ?? 0) > 0 && (atB ?? 0) > 0, output);
    assert.doesNotMatch(output, /NOPERM/);
    await untilNothingIsLeft([...pids]);
  });

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    test(`ends at once on ${signal} and leaves nothing behind`, async () => {
      const process = demo('60');
      process.start();
      await process.untilLine(/delivered [1-9]/);
      const pids = childrenOf(process.pid);
      assert.ok(pids.length >= 5);
      if (process.pid !== undefined) globalThis.process.kill(process.pid, signal);
      assert.equal(await process.exited(), code, process.lines.join('\n'));
      await untilNothingIsLeft(pids);
    });
  }

  test('ends on a signal before anything has started', async () => {
    const process = demo('60');
    process.start();
    await process.untilLine(/started|Redis is away/);
    const pids = childrenOf(process.pid);
    assert.equal(await process.stop(), 143);
    await untilNothingIsLeft(pids);
  });

  test('refuses a time that is none', async () => {
    const process = demo('soon');
    process.start();
    assert.equal(await process.exited(), 78);
    assert.match(process.lines.join('\n'), /DEMO_SECONDS.*soon/);
    assert.deepEqual(holdfastFolders(folder), []);
  });
});

/** Folders of the demo; what tsx keeps there is its own. */
function holdfastFolders(folder: string): string[] {
  return readdirSync(folder).filter((name) => /^(holdfast|azure-lab)/.test(name));
}

/** Process ids, read from proc(5). */
function childrenOf(pid: number | undefined): string[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split(' ').filter(Boolean);
}
