import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('lifecycle-program.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DEADLINE_MS = 30_000;

interface Ended {
  readonly code: number | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** Runs one ending; sends the signals once the program says that it is ready. */
async function run(ending: string, signals: readonly NodeJS.Signals[] = []): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, ending], { cwd: ROOT });
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  let stdout = '';
  let stderr = '';
  let signalled = false;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    if (signalled || !stdout.includes('ready\n')) return;
    signalled = true;
    for (const signal of signals) child.kill(signal);
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(deadline);
  return { code, stdout: split(stdout), stderr: split(stderr) };
}

function split(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && line !== 'ready');
}

/** The last log line, as an object. */
function lastLine(ended: Ended): Record<string, unknown> {
  return JSON.parse(ended.stdout.at(-1) ?? 'null') as Record<string, unknown>;
}

function isCrash(ended: Ended, error: string): void {
  assert.equal(ended.code, 1, ended.stderr.join('\n'));
  const line = lastLine(ended);
  assert.equal(line['level'], 'error');
  assert.equal(line['service'], 'example');
  assert.equal(line['event'], 'crashed');
  assert.equal(line['error'], error);
  assert.deepEqual(ended.stderr, []);
}

describe('the life of a service', { concurrency: 3 }, () => {
  test('unusable configuration ends it with 78 and one line on stderr', async () => {
    const ended = await run('config');
    assert.equal(ended.code, 78);
    assert.deepEqual(ended.stderr, [
      'example: PORT is "x", allowed: a number; HOST is "", allowed: a name',
    ]);
    assert.deepEqual(ended.stdout, []);
  });

  test('a main function that returns ends it with 0', async () => {
    const ended = await run('returns');
    assert.deepEqual([ended.code, ended.stdout, ended.stderr], [0, [], []]);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} ends it with 0, also when it holds nothing that keeps a process alive`, async () => {
      const ended = await run('waits', [signal]);
      assert.equal(ended.code, 0, ended.stderr.join('\n'));
      const events = ended.stdout.map((line) => (JSON.parse(line) as { event: string }).event);
      assert.deepEqual(events, ['stopping', 'stopped']);
    });
  }

  test('a main function that rejects because of the abort has stopped, not crashed', async () => {
    const ended = await run('abortErrorOnStop', ['SIGTERM']);
    assert.equal(ended.code, 0, ended.stdout.join('\n'));
    assert.equal(lastLine(ended)['event'], 'stopped');
  });

  test('a main function that hangs after SIGTERM is ended within 5 s with 0', async () => {
    const ended = await run('hangs', ['SIGTERM', 'SIGTERM', 'SIGINT']);
    assert.equal(ended.code, 0, ended.stderr.join('\n'));
    const { event, deadlineMs } = lastLine(ended);
    assert.deepEqual([event, deadlineMs], ['stop_deadline_passed', 4_500]);
  });

  test('a bug ends it with 1 and one JSON line', async () => {
    isCrash(await run('crashes'), 'a bug');
  });

  test('a bug while stopping is still a bug', async () => {
    isCrash(await run('crashesWhileStopping', ['SIGTERM']), 'a bug at the end');
  });

  test('a rejection that nobody handles ends it with 1 and one JSON line', async () => {
    isCrash(await run('rejectsUnnoticed'), 'nobody looked');
  });

  test('so does a rejection with nothing', async () => {
    isCrash(await run('rejectsWithNothing'), 'undefined');
  });

  test('so does an exception in a timer', async () => {
    isCrash(await run('throwsInTimer'), 'from a timer');
  });
});
