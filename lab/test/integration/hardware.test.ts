import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import { GpioSimulation, HardwareClient, startHardwareSimulator } from '@holdfast/lab/hardware';
import type { RequestHandler } from '@holdfast/lab/hardware';
import { ManagedProcess, until } from '@holdfast/lab/servers';

async function simulator(handlers: Record<string, RequestHandler> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-hardware-'));
  const path = join(dir, 'hardware.sock');
  const gpio = new GpioSimulation(seededRandom(7));
  const server = await startHardwareSimulator({ path, handlers: { gpio, ...handlers } });
  return {
    path,
    server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(dir, { recursive: true });
    },
  };
}

test('a 10 ms press without bounce is two edges against the pull', async () => {
  await using lab = await simulator();
  await using client = await HardwareClient.connect(lab.path);
  const levels: number[] = [];
  assert.equal(await client.watch(2, (level) => levels.push(level)), 1);
  await client.press(2, { holdMs: 10, bounce: false });
  assert.deepEqual(levels, [0, 1]);
  assert.equal(await client.watch(17, () => {}), 0);
});

test('a bouncing press chatters both ways and ends at rest', async () => {
  await using lab = await simulator();
  await using client = await HardwareClient.connect(lab.path);
  const levels: number[] = [];
  await client.watch(2, (level) => levels.push(level));
  await client.press(2, { holdMs: 30 });
  assert.ok(levels.length >= 10, `${levels.length} edges`);
  assert.equal(levels.at(-1), 1);
  assert.ok(levels.every((level, i) => level !== levels[i - 1]));
});

test('a played sequence ends at its last level, and every watcher sees it', async () => {
  await using lab = await simulator();
  await using player = await HardwareClient.connect(lab.path);
  await using watcher = await HardwareClient.connect(lab.path);
  const seen: number[] = [];
  await watcher.watch(4, (level) => seen.push(level));
  await player.play(4, [
    { level: 0, holdMicros: 700 },
    { level: 'idle', holdMicros: 400 },
    { level: 0, holdMicros: 0 },
  ]);
  assert.equal(await player.level(4), 0);
  await until('the watcher has all edges', () => seen.length === 3);
  assert.deepEqual(seen, [0, 1, 0]);
});

test('presses of one line wait for each other, those of others do not', async () => {
  await using lab = await simulator();
  await using client = await HardwareClient.connect(lab.path);
  const levels: number[] = [];
  await client.watch(2, (level) => levels.push(level));
  const press = () => client.press(2, { holdMs: 5, bounce: false });
  await Promise.all([press(), press(), press(), client.press(5, { holdMs: 1 })]);
  assert.deepEqual(levels, [0, 1, 0, 1, 0, 1]);
});

test('an output keeps the level a program writes', async () => {
  await using lab = await simulator();
  await using client = await HardwareClient.connect(lab.path);
  await client.request('gpio_write', { line: 17, level: 1 });
  assert.equal(await client.level(17), 1);
});

test('the pull of a line can be chosen, but not against the resistor on the board', async () => {
  await using lab = await simulator();
  await using client = await HardwareClient.connect(lab.path);
  assert.equal((await client.request('gpio_open', { line: 17, pull: 'up' }))['level'], 1);
  assert.equal((await client.request('gpio_open', { line: 2, pull: 'down' }))['level'], 1);
});

test('faulty requests are answered with an error and harm nothing', async () => {
  await using lab = await simulator();
  const socket = connect(lab.path);
  await once(socket, 'connect');
  const answers: { id?: unknown; ok?: boolean; code?: string }[] = [];
  createInterface({ input: socket }).on('line', (line) => answers.push(JSON.parse(line)));
  const faulty: [string, unknown, string][] = [
    ['nonsense', null, 'EINVAL'],
    ['[1]', null, 'EINVAL'],
    ['{"id":1}', 1, 'EINVAL'],
    ['{"id":2,"op":"spi_open"}', 2, 'ENOSYS'],
    ['{"id":3,"op":"toString"}', 3, 'ENOSYS'],
    ['{"id":4,"op":"gpio_fly","line":2}', 4, 'ENOSYS'],
    ['{"id":5,"op":"gpio_open","line":54}', 5, 'EINVAL'],
    ['{"id":6,"op":"gpio_write","line":1,"level":2}', 6, 'EINVAL'],
    ['{"id":7,"op":"gpio_play","line":1,"steps":[{"level":7}]}', 7, 'EINVAL'],
  ];
  for (const [line] of faulty) socket.write(`${line}\n`);
  await until('all answers', () => answers.length === faulty.length);
  for (const [line, id, code] of faulty) {
    const found = answers.some((a) => a.id === id && a.ok === false && a.code === code);
    assert.ok(found, `${line}: ${JSON.stringify(answers)}`);
  }
  socket.write('{"id":9,"op":"gpio_read","line":2}\n');
  await until('a good answer', () => answers.some((a) => a.id === 9 && a.ok === true));
  socket.write('x'.repeat(70_000));
  await once(socket, 'close');
});

test('requests go to the handler of their kind, and a slow one holds up nobody', async () => {
  const gate = new EventEmitter();
  const slow = once(gate, 'open');
  const i2c: RequestHandler = {
    async handle(request) {
      if (request['op'] === 'i2c_hang') await slow;
      return { echoed: request['address'] };
    },
  };
  await using lab = await simulator({ i2c });
  await using client = await HardwareClient.connect(lab.path);
  const hanging = client.request('i2c_hang', { address: 1 });
  assert.equal((await client.request('i2c_read', { address: 2 }))['echoed'], 2);
  gate.emit('open');
  assert.equal((await hanging)['echoed'], 1);
});

test('a live socket is left alone, and an end removes the path', async () => {
  await using lab = await simulator();
  await assert.rejects(startHardwareSimulator({ path: lab.path, handlers: {} }), {
    code: 'EADDRINUSE',
  });
  await lab.server[Symbol.asyncDispose]();
  await assert.rejects(stat(lab.path), { code: 'ENOENT' });
});

test('a socket left by a killed simulator is replaced, another file is not', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-hardware-'));
  const path = join(dir, 'hardware.sock');
  const killed = new ManagedProcess({
    name: 'simulator',
    command: process.execPath,
    args: ['-e', `require('net').createServer().listen('${path}', () => console.log('up'))`],
  });
  killed.start();
  await killed.untilLine(/up/);
  await killed.kill();
  assert.ok((await stat(path)).isSocket());
  const server = await startHardwareSimulator({ path, handlers: {} });
  await server[Symbol.asyncDispose]();
  await writeFile(path, 'precious');
  await assert.rejects(startHardwareSimulator({ path, handlers: {} }), { code: 'EADDRINUSE' });
  assert.equal(await readFile(path, 'utf8'), 'precious');
  await rm(dir, { recursive: true });
});

test('a client whose simulator goes away is told', async () => {
  await using lab = await simulator();
  await using client = await HardwareClient.connect(lab.path);
  const pressing = client.press(2, { holdMs: 50 });
  lab.server.dropConnections();
  await assert.rejects(pressing, { code: 'EPIPE' });
  await assert.rejects(client.level(2), { code: 'EPIPE' });
});
