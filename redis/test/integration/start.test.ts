/** Start and end of the container: configuration, credentials, signals. */
import assert from 'node:assert/strict';
import { access, chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { Container } from './container.ts';

const SETTINGS = {
  appendonly: 'yes',
  appendfsync: 'everysec',
  'no-appendfsync-on-rewrite': 'no',
  'auto-aof-rewrite-percentage': '100',
  'auto-aof-rewrite-min-size': String(32 * 1024 * 1024),
  'aof-load-truncated': 'yes',
  'aof-use-rdb-preamble': 'yes',
  save: '',
  maxmemory: String(128 * 1024 * 1024),
  'maxmemory-policy': 'noeviction',
  'notify-keyspace-events': 'g$K',
  'protected-mode': 'yes',
  'stream-node-max-entries': '100',
  'stream-node-max-bytes': '4096',
  'tcp-keepalive': '60',
  'always-show-logo': 'no',
  'enable-debug-command': 'no',
  'enable-module-command': 'no',
  logfile: '',
};

/** Everybody who gets a password. */
const USERS =
  'redis healthcheck sensor startstopbutton mqtthandler provisioner grafana dashboard program';
const users = USERS.split(' ');

describe('the entrypoint', { concurrency: 4 }, () => {
  test('starts Redis with the values of redis.conf', async () => {
    await using container = await Container.create();
    await container.start();
    const admin = await container.connect('redis');
    for (const [name, value] of Object.entries(SETTINGS)) {
      assert.deepEqual(await admin.config('GET', name), [name, value]);
    }
  });

  test('ends with code 0 on SIGTERM, having written everything', async () => {
    await using container = await Container.create();
    await container.start();
    await (await container.connect('redis')).set('measurement:interval', '5');
    assert.equal(await container.stop(), 0);
    await container.start();
    assert.equal(await (await container.connect('redis')).get('measurement:interval'), '5');
  });

  test('after a restart has what was written in transactions and by scripts', async () => {
    await using container = await Container.create();
    await container.start();
    const handler = await container.connect('mqtthandler');
    await handler.multi().set('mqtt_sender:last_id', '5-0').set('mqtt_sender:mark', 'a/5').exec();
    const button = await container.connect('startstopbutton');
    const script = `redis.call('set', KEYS[1], '0')
      return redis.call('hset', KEYS[2], 'last_toggles', 'a')`;
    await button.eval(script, 2, 'measurement:enabled', 'startstopbutton:status');
    await container.stop();
    await container.start();
    const admin = await container.connect('redis');
    const keys = ['mqtt_sender:last_id', 'mqtt_sender:mark', 'measurement:enabled'];
    assert.deepEqual(await admin.mget(keys), ['5-0', 'a/5', '0']);
  });

  test('keeps good credentials and makes damaged or missing ones anew', async () => {
    await using container = await Container.create();
    await container.start();
    const before = users.map((user) => container.password(user));
    assert.equal(new Set(before).size, users.length);
    for (const password of before) assert.match(password, /^[0-9a-f]{64}$/);
    await container.stop();

    await chmod(container.passwordFile('sensor'), 0o600);
    await writeFile(container.passwordFile('sensor'), Buffer.alloc(65));
    await rm(container.passwordFile('mqtthandler'));
    await container.start();
    const after = users.map((user) => container.password(user));
    assert.deepEqual(
      users.filter((_, i) => before[i] !== after[i]),
      ['sensor', 'mqtthandler'],
    );
    for (const user of users) await (await container.connect(user)).ping();
  });

  test('lets its own users in after a restart on a full card', async () => {
    await using container = await Container.create();
    await container.start();
    await container.stop();
    // What a restart leaves of /credentials, and what it meets on the card.
    await rm(container.aclFile, { force: true });
    for (const user of ['redis', 'healthcheck']) await rm(container.passwordFile(user));
    await mkdir(join(container.data, 'users.acl.new'));
    await container.start();
    assert.equal(await (await container.connect('healthcheck')).ping(), 'PONG');
    await assert.rejects(access(join(container.data, 'starting')), { code: 'ENOENT' });
  });

  test('takes the access rules of earlier versions off the card', async () => {
    await using container = await Container.create();
    await mkdir(container.data);
    await writeFile(join(container.data, 'users.acl'), 'user default on nopass ~* +@all\n');
    await container.start();
    await (await container.connect('sensor')).ping();
    await assert.rejects(access(join(container.data, 'users.acl')), { code: 'ENOENT' });
  });

  test('says once that its own user is refused, and runs for the others', async () => {
    await using container = await Container.create();
    await container.start();
    await container.stop();
    await rm(container.passwordFile('redis'));
    await mkdir(`${container.aclFile}.new`);
    container.process.start();
    await container.process.untilLine(/"event":"own_user_refused"/);
    await (await container.connect('sensor')).ping();
    await until('nothing goes on beside Redis', () => allEnded(container.process.pid));
    const told = container.process.lines.filter((line) => line.includes('own_user_refused'));
    assert.equal(told.length, 1);
  });

  test('stores passwords as digests, and in clear only for their service', async () => {
    await using container = await Container.create();
    await container.start();
    const acl = await readFile(container.aclFile, 'utf8');
    assert.equal((await stat(container.aclFile)).mode & 0o777, 0o600);
    const log = container.process.lines.join('\n');
    for (const user of users) {
      assert.ok(!acl.includes(container.password(user)));
      assert.ok(!log.includes(container.password(user)));
      assert.equal((await stat(container.passwordFile(user))).mode & 0o777, 0o440);
    }
    assert.match(acl, /^user default off /m);
  });

  test('writes its own log lines as JSON objects', async () => {
    await using container = await Container.create();
    await container.start();
    const own = container.process.lines.filter((line) => line.startsWith('{'));
    const made = own.map((line) => JSON.parse(line) as { event: string; service: string });
    assert.equal(made.filter((entry) => entry.event === 'credential_made').length, users.length);
    assert.ok(made.every((entry) => entry.service === 'redis'));
  });

  const root = process.getuid?.() === 0;
  test('drops root for the named user, who owns the data', { skip: !root }, async (t) => {
    const passwd = await readFile('/etc/passwd', 'utf8');
    const uid = /^redis:x:(\d+):/m.exec(passwd)?.[1];
    if (uid === undefined) return t.skip('no user redis on this machine');
    await using container = await Container.create(undefined, { RUN_AS: 'redis' });
    await chmod(container.dir, 0o755);
    await container.start();
    const status = await readFile(`/proc/${container.process.pid}/status`, 'utf8');
    assert.match(status, new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}`, 'm'));
    assert.equal((await stat(join(container.aof, 'appendonly.aof.manifest'))).uid, Number(uid));
    assert.equal((await stat(container.passwordFile('sensor'))).uid, 1000);
    assert.equal((await stat(container.passwordFile('redis'))).uid, Number(uid));
    assert.equal((await stat(container.aclFile)).uid, Number(uid));
    assert.equal(await (await container.connect('redis')).call('ACL', 'LOAD'), 'OK');
  });
});

/** Whether every child of the process has ended; one that ended may not have been taken note of. */
async function allEnded(pid = 0): Promise<boolean> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const states = await Promise.all(
    children.match(/\d+/g)?.map((child) => readFile(`/proc/${child}/status`, 'utf8')) ?? [],
  );
  return states.every((state) => /^State:\s+Z/m.test(state));
}
