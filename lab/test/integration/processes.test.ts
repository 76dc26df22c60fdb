import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ManagedProcess, dataFolder, removeFolder, until } from '@holdfast/lab/servers';
import { isRunning } from './running.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

function node(script: string): ManagedProcess {
  return new ManagedProcess({
    name: 'script',
    command: process.execPath,
    args: ['--import', 'tsx', '--input-type=module', '--eval', script],
    cwd: ROOT,
  });
}

function sleeper(): ManagedProcess {
  return new ManagedProcess({ name: 'sleeper', command: 'sleep', args: ['300'] });
}

describe('a managed process', () => {
  test('is not running before its start, is after it, and is not after its own end', async () => {
    const short = new ManagedProcess({ name: 'short', command: 'sh', args: ['-c', 'exit 3'] });
    assert.equal(short.running, false);
    assert.equal(await short.exited(), null);
    short.start();
    assert.equal(short.running, true);
    assert.equal(await short.exited(), 3);
    assert.equal(short.running, false);
    assert.equal(await short.exited(), 3);
  });

  test('is not running after somebody else killed it, and can be started again', async () => {
    await using child = sleeper();
    child.start();
    const first = child.pid;
    process.kill(first ?? 0, 'SIGKILL');
    assert.equal(await child.exited(), null);
    assert.equal(child.running, false);
    child.start();
    assert.equal(child.running, true);
    assert.notEqual(child.pid, first);
    assert.throws(() => child.start(), /is running/);
  });

  test('is running while it is frozen, and a frozen one can be killed', async () => {
    await using child = sleeper();
    child.start();
    child.freeze();
    assert.equal(child.running, true);
    await child.kill();
    assert.equal(child.running, false);
  });

  test('stops on SIGTERM with its own exit code', async () => {
    await using child = new ManagedProcess({
      name: 'polite',
      command: 'sh',
      args: ['-c', 'trap "exit 7" TERM; echo up; while :; do sleep 0.01; done'],
    });
    child.start();
    await child.untilLine(/^up$/);
    assert.equal(await child.stop(), 7);
    assert.equal(await child.stop(), 7);
  });

  test('a command that does not exist is a line and an end, not a wait for ever', async () => {
    const missing = new ManagedProcess({ name: 'missing', command: '/no/such/command', args: [] });
    missing.start();
    assert.notEqual(await missing.exited(), 0);
    assert.equal(missing.running, false);
    await missing.untilLine(/no\/such\/command/);
  });

  test('keeps the newest lines of both outputs and finds a line that came before the question', async () => {
    await using child = new ManagedProcess({
      name: 'talker',
      command: 'sh',
      args: ['-c', 'seq 1 300; echo last >&2; exec sleep 300'],
    });
    child.start();
    await child.untilLine(/^last$/);
    await child.untilLine(/^300$/);
    assert.equal(await child.untilLine(/^300$/), '300');
    assert.equal(child.lines.length, 200);
  });

  test('its end does not wait for a grandchild that holds its output open', async () => {
    const parent = new ManagedProcess({
      name: 'parent',
      command: 'sh',
      args: ['-c', 'sleep 20 & echo $!; exit 4'],
    });
    parent.start();
    const grandchild = Number(await parent.untilLine(/^\d+$/));
    assert.equal(await parent.exited(), 4);
    assert.ok(isRunning(grandchild));
    process.kill(grandchild);
  });

  test('a line that never comes is reported with what came instead', async () => {
    await using child = new ManagedProcess({
      name: 'talker',
      command: 'sh',
      args: ['-c', 'echo something else; exec sleep 300'],
    });
    child.start();
    await child.untilLine(/something/);
    await assert.rejects(child.untilLine(/never/, 20), /never.*\n.*something else/s);
  });
});

test('a folder of data goes although a process that is ending still writes to it', async () => {
  const folder = dataFolder('busy');
  // As a browser's helpers do: new files faster than anybody takes them away, for about a second.
  const write = `end=$(( $(date +%s) + 2 )); i=0
    while [ $(date +%s) -lt $end ] && [ -d "$0" ]; do
      mkdir "$0/Default"
      for n in 1 2 3 4 5 6 7 8; do i=$((i + 1)); : > "$0/Default/$i"; done
    done 2>/dev/null`;
  const writer = new ManagedProcess({ name: 'writer', command: 'sh', args: ['-c', write, folder] });
  writer.start();
  await until('it writes', () => existsSync(`${folder}/Default/100`));
  removeFolder(folder);
  await writer.exited();
  assert.equal(existsSync(folder), false);
});

describe('no process outlives the one that started it', { concurrency: 4 }, () => {
  const start = `
    import { ManagedProcess } from '@holdfast/lab/servers';
    const child = new ManagedProcess({ name: 'sleeper', command: 'sleep', args: ['300'] });
    child.start();
    console.log('pid ' + child.pid);
  `;
  const endings = [
    ['it exits', 'process.exit(0);', undefined],
    ['it crashes', 'setTimeout(() => { throw new Error("bug"); }, 50);', undefined],
    ['it is terminated', '', 'SIGTERM'],
    ['it is killed', '', 'SIGKILL'],
  ] as const;
  for (const [how, last, signal] of endings) {
    test(`when ${how}`, async () => {
      await using parent = node(`${start}\n${last}`);
      parent.start();
      const line = await parent.untilLine(/^pid \d+$/);
      const pid = Number(line.slice(4));
      if (signal !== undefined) process.kill(parent.pid ?? 0, signal);
      await parent.exited();
      await until('the child is gone', () => !isRunning(pid), 15_000);
    });
  }
});
