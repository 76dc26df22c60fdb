import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, connectAsync } from 'mqtt';
import {
  ManagedProcess,
  freePort,
  startMosquitto,
  startRedis,
  until,
  untilListening,
} from '@holdfast/lab/servers';

/** A process that draws the same ports as each other one of this kind, keeps its first and tells it. */
function drawer(): ManagedProcess {
  // Beyond what `Math.random` gives, so that no other test can draw them.
  const script = `
    import { freePort } from '@holdfast/lab/servers';
    let drawn = ${process.pid % 700};
    Math.random = () => 1 + (drawn++ + 0.5) / 12_000;
    console.log('port ' + (await freePort()));
    setInterval(() => {}, 60_000);
  `;
  return new ManagedProcess({
    name: 'drawer',
    command: process.execPath,
    args: ['--import', 'tsx', '--input-type=module', '--eval', script],
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
  });
}

async function draw(process: ManagedProcess): Promise<string> {
  process.start();
  return process.untilLine(/^port \d+$/);
}

describe('ports', () => {
  test('are free, different, and outside the range the system takes for outgoing connections', async () => {
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
    const [first = 0, last = 0] = range.trim().split(/\s+/).map(Number);
    const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
    assert.equal(new Set(ports).size, 50);
    for (const port of ports) {
      assert.ok(port < first || port > last, `${port}`);
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(port, '127.0.0.1', resolve);
      });
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('one that a process was given is given to no other until that process has ended', async () => {
    await using first = drawer();
    await using second = drawer();
    await using third = drawer();
    const port = await draw(first);
    assert.notEqual(await draw(second), port);
    await first.kill();
    assert.equal(await draw(third), port);
  });

  test('a port on which nothing listens is reported', async () => {
    await assert.rejects(untilListening(await freePort(), 50), /nothing listens/);
  });
});

describe('a redis-server', () => {
  test('answers, comes back on its data after a kill, and leaves nothing behind', async () => {
    let dir: string;
    let pid: number | undefined;
    {
      await using redis = await startRedis({ args: ['--appendfsync', 'always'] });
      ({ dir } = redis);
      assert.equal(await redis.client.set('key', 'kept'), 'OK');
      await redis.process.kill();
      await redis.restart();
      assert.equal(await redis.client.get('key'), 'kept');
      redis.process.freeze();
      ({ pid } = redis.process);
    }
    assert.equal(existsSync(dir), false);
    assert.throws(() => process.kill(pid ?? 0, 0));
  });

  test('that cannot start says why, at once, and leaves nothing behind', async () => {
    await assert.rejects(startRedis({ args: ['--no-such-setting', 'yes'] }), /no-such-setting/);
  });

  test('a port that somebody else holds is not mistaken for it', async () => {
    await using first = await startRedis();
    await assert.rejects(
      startRedis({ args: ['--port', String(first.port)] }),
      /redis-server.*\n.*already in use/is,
    );
  });
});

describe('a Mosquitto', () => {
  test('listens, comes back after a kill, and leaves nothing behind', async () => {
    let dir: string;
    {
      await using mosquitto = await startMosquitto();
      ({ dir } = mosquitto);
      await mosquitto.process.kill();
      await mosquitto.restart();
      await untilListening(mosquitto.port);
    }
    assert.equal(existsSync(dir), false);
  });

  test('killed after it has saved, it still holds what was for a subscriber that is away', async () => {
    await using mosquitto = await startMosquitto();
    const as = (clientId: string, clean: boolean) =>
      connectAsync({ host: '127.0.0.1', port: mosquitto.port, clientId, clean });
    const receiver = await as('receiver', false);
    await receiver.subscribeAsync('values', { qos: 1 });
    await receiver.endAsync();
    await mosquitto.save();
    const sender = await as('sender', true);
    await sender.publishAsync('values', 'first', { qos: 1 });
    await mosquitto.save();
    await sender.endAsync();
    await mosquitto.process.kill();
    await mosquitto.restart();
    const back = connect({
      host: '127.0.0.1',
      port: mosquitto.port,
      clientId: 'receiver',
      clean: false,
    });
    const got: string[] = [];
    back.on('message', (_topic, payload) => got.push(payload.toString()));
    await until('what was for it arrives', () => got.length > 0).finally(() => back.end(true));
    assert.deepEqual(got, ['first']);
  });

  test('that cannot start says why, at once', async () => {
    await assert.rejects(startMosquitto({ config: ['no_such_setting yes'] }), /no_such_setting/);
  });
});

test('until gives the first value, and names what it waited for when there is none', async () => {
  let count = 0;
  assert.equal(await until('three', () => (count += 1) === 3 && 'three'), 'three');
  await assert.rejects(
    until('a miracle', () => false, 20),
    /a miracle/,
  );
});
