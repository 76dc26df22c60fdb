/** Damaged append-only files: Redis comes up, keeps what can be kept, and says what is gone. */
import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { KEYS, fieldOf } from '@holdfast/redis';
import { addReadings, damage, filledContainer, files, storedSeqs } from './aof.ts';
import { ALL, CASES, SECOND_HALF, append } from './damages.ts';
import { Container } from './container.ts';

describe('the entrypoint', { concurrency: 4 }, () => {
  let filled: Container;
  before(async () => {
    filled = await filledContainer();
  });
  after(async () => {
    await filled[Symbol.asyncDispose]();
  });

  for (const item of CASES) {
    test(`heals: ${item.name}`, async () => {
      await using container = await Container.create(filled);
      await item.harm(container);
      const harmed = item.aside && (await files(container))[item.aside];
      const content = harmed === undefined ? undefined : await readFile(harmed);

      if (item.failsOnce === true) {
        container.process.start();
        assert.equal(await container.process.exited(), 1);
      }
      await container.start();
      const admin = await container.connect('redis');
      assert.deepEqual(await storedSeqs(admin), item.kept);
      await assertReported(admin, item.reasons);
      if (harmed !== undefined && content !== undefined) {
        assert.ok(await inQuarantine(container, content), `${harmed} is kept as it was`);
      }
      assert.deepEqual(
        (await readdir(container.data)).filter((name) => name.startsWith('temp-')),
        [],
      );

      await addReadings(admin, 1_001, 1);
      await container.stop();
      await container.start();
      const again = await container.connect('redis');
      assert.deepEqual(await storedSeqs(again), [...item.kept, 1_001]);
      await assertReported(again, item.reasons);
    });
  }

  test('tells the bound of the loss, the file and where the damaged one stands', async () => {
    await using container = await Container.create(filled);
    const { commands } = await files(container);
    await damage(commands, append(Buffer.alloc(777)));
    await container.start();
    const admin = await container.connect('redis');
    const [event] = await admin.xrange(KEYS.events.key, '-', '+');
    const told = (name: string) => fieldOf(event?.[1] ?? [], name);
    assert.equal(told('service'), 'redis');
    assert.equal(told('event'), 'data_repaired');
    assert.equal(told('file'), basename(commands));
    assert.equal(told('bytes_cut'), '777');
    const kept = join(container.data, told('quarantine') ?? '', basename(commands));
    assert.ok((await readFile(kept)).length > 777);
    const status = await admin.hgetall(KEYS.redisStatus.key);
    assert.equal(status['last_repair'], told('repaired_ms'));
    assert.equal(status['last_repair_file'], told('file'));
    assert.equal(status['last_repair_bytes_cut'], '777');
    assert.equal(status['last_repair_quarantine'], told('quarantine'));
  });

  test('tells a repair in the database that the services use', async () => {
    await using container = await Container.create(filled, { REDIS_DB: '1' });
    await damage((await files(container)).commands, append('torn'));
    await container.start();
    await assertReported(await container.connect('redis'), ['tail_cut']);
  });

  test('copies only the damaged part once the quarantine is full', async () => {
    await using container = await Container.create(filled, { QUARANTINE_MAX_MB: '0' });
    const { commands } = await files(container);
    await damage(commands, append('torn'));
    await container.start();
    assert.ok(await inQuarantine(container, Buffer.from('torn')));
    assert.deepEqual(await storedSeqs(await container.connect('redis')), ALL);
  });

  test('leaves the data alone when Redis cannot start for another reason', async () => {
    await using container = await Container.create(filled, { REDIS_CONF: '/dev/null/none' });
    for (let start = 1; start <= 2; start += 1) {
      container.process.start();
      assert.equal(await container.process.exited(), 1);
    }
    assert.equal((await readdir(container.data)).includes('quarantine'), false);
    assert.ok((await readFile((await files(container)).base)).length > 0);
  });

  test('leaves the data alone when loading it is killed for want of memory', async () => {
    const held = '[[ -e $3/appendonlydir ]]';
    await using container = await Container.create(filled);
    await using starved = await killing(container, 'redis-server', held);
    for (let start = 1; start <= 3; start += 1) {
      starved.process.start();
      await until('the end', () => !starved.process.running, 20_000);
    }
    assert.match(starved.process.lines.join('\n'), /"level":"error".*"event":"load_killed"/);
    assert.equal((await readdir(starved.data)).includes('quarantine'), false);
    await using enough = await Container.create(starved);
    await enough.start();
    const admin = await enough.connect('redis');
    assert.deepEqual(await storedSeqs(admin), ALL);
    await assertReported(admin, []);
  });

  for (const marked of [false, true]) {
    const when = marked ? ', after a start that did not come up' : '';
    test(`leaves the data alone when checking it is killed for want of memory${when}`, async () => {
      await using container = await Container.create(filled);
      if (marked) await writeFile(join(container.data, 'starting'), '');
      const large = 'read -r _ name _ <"$1" && (($(wc -c <"${1%/*}/$name") > 100))';
      await using starved = await killing(container, 'redis-check-aof', large);
      await starved.start();
      const admin = await starved.connect('redis');
      assert.deepEqual(await storedSeqs(admin), ALL);
      await assertReported(admin, []);
      assert.match(starved.process.lines.join('\n'), /"level":"error".*"event":"check_killed"/);
    });
  }

  test('does not start empty when checking it is killed and there is no manifest', async () => {
    await using container = await Container.create(filled);
    await rm(join(container.aof, 'appendonly.aof.manifest'));
    const large = 'read -r _ name _ <"$1" && (($(wc -c <"${1%/*}/$name") > 100))';
    await using starved = await killing(container, 'redis-check-aof', large);
    await assert.rejects(starved.start(), /data_without_manifest/);
    await rm(join(starved.dir, 'bin'), { recursive: true, force: true });
    await using enough = await Container.create(starved);
    await enough.start();
    assert.deepEqual(await storedSeqs(await enough.connect('redis')), ALL);
  });

  test('loads everything after a start that was cut short by a power cut', async () => {
    await using container = await Container.create(filled);
    await writeFile(join(container.data, 'starting'), '');
    await container.start();
    const admin = await container.connect('redis');
    assert.deepEqual(await storedSeqs(admin), ALL);
    await assertReported(admin, []);
  });

  test('repairs the single file of Redis 6 before Redis takes it over', async () => {
    await using container = await Container.create(filled);
    const { commands } = await files(container);
    const content = await readFile(commands);
    await rm(container.aof, { recursive: true });
    await writeFile(join(container.data, 'appendonly.aof'), append(Buffer.alloc(99))(content));
    await container.start();
    assert.deepEqual(await storedSeqs(await container.connect('redis')), SECOND_HALF);
  });
});

/** On a copy of the volumes; `tool` kills itself when `condition`, in bash with its arguments, holds. */
async function killing(from: Container, tool: string, condition: string): Promise<Container> {
  const folder = join(from.dir, 'bin');
  await mkdir(folder);
  const script = `#!/bin/bash\nPATH=\${PATH#*:}\nif ${condition}; then kill -9 $$; fi\nexec ${tool} "$@"\n`;
  await writeFile(join(folder, tool), script, { mode: 0o755 });
  return Container.create(from, { PATH: `${folder}:${process.env['PATH']}` });
}

async function inQuarantine(container: Container, content: Buffer): Promise<boolean> {
  const folder = join(container.data, 'quarantine');
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    if ((await readFile(join(entry.parentPath, entry.name))).equals(content)) return true;
  }
  return false;
}

async function assertReported(
  redis: Awaited<ReturnType<Container['connect']>>,
  reasons: readonly string[],
): Promise<void> {
  const events = await redis.xrange(KEYS.events.key, '-', '+');
  const told = events.map(([, fields]) => fields[fields.indexOf('reason') + 1]);
  assert.deepEqual(told, reasons);
  const status = await redis.hgetall(KEYS.redisStatus.key);
  assert.equal(status['repairs'], String(reasons.length));
  assert.equal(status['last_repair_reason'], reasons.at(-1));
}
