/** Damaged append-only files: Redis comes up, keeps what can be kept, and says what is gone. */
import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Random } from '@holdfast/kit';
import { seededRandom } from '@holdfast/kit/testing';
import { KEYS } from '@holdfast/redis';
import { HALF, addReadings, damage, filledContainer, files } from './aof.ts';
import { readingEnds, storedSeqs, upTo } from './aof.ts';
import { Container } from './container.ts';

const ALL = upTo(2 * HALF);
const SECOND_HALF = ALL.slice(HALF);

interface Case {
  readonly name: string;
  /** Damages the volumes of a stopped container. */
  readonly harm: (container: Container) => Promise<void>;
  /** `_seq` of the readings that must be there afterwards. */
  readonly kept: readonly number[];
  /** Reasons reported, in order; none when nothing is lost. */
  readonly reasons: readonly string[];
  /** A file that must stand in the quarantine exactly as it was after the damage. */
  readonly aside?: 'base' | 'commands' | 'manifest';
  /** Whether the damage shows only in a start that fails. */
  readonly failsOnce?: boolean;
}

/** Damages the file of commands. */
const inCommands = (change: (content: Buffer) => Buffer) => async (c: Container) =>
  damage((await files(c)).commands, change);
const inBase = (change: (content: Buffer) => Buffer) => async (c: Container) =>
  damage((await files(c)).base, change);
const inManifest = (change: (content: Buffer) => Buffer) => async (c: Container) =>
  damage((await files(c)).manifest, change);

const random = seededRandom(7);
const garbage = (bytes: number) =>
  Buffer.from(Array.from({ length: bytes }, () => Math.floor(random.next() * 256)));
const append = (tail: Buffer | string) => (content: Buffer) =>
  Buffer.concat([content, Buffer.from(tail)]);
/** Writes over the middle of the file, within one reading or across several. */
const overwrite = (atReading: number, patch: Buffer) => (content: Buffer) => {
  const changed = Buffer.from(content);
  patch.copy(changed, (readingEnds(content)[atReading - 1] ?? 0) + 3);
  return changed;
};

const CASES: readonly Case[] = [
  {
    name: 'no damage',
    harm: async () => {},
    kept: ALL,
    reasons: [],
  },
  {
    name: 'the last command is incomplete',
    harm: inCommands((content) => content.subarray(0, -10)),
    kept: ALL.slice(0, -1),
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'the end is filled with zeros',
    harm: inCommands(append(Buffer.alloc(600))),
    kept: ALL,
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'the end is garbage',
    harm: inCommands(append(garbage(500))),
    kept: ALL,
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'the last command names a length beyond all memory',
    harm: inCommands(append('*3\r\n$3\r\nSET\r\n$999999999999999999\r\nab\r\n')),
    kept: ALL,
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'a transaction is not closed',
    harm: inCommands(append('*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n')),
    kept: ALL,
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'a stretch of zeros in the middle costs only what stood there',
    harm: inCommands(overwrite(50, Buffer.alloc(40))),
    kept: ALL.filter((seq) => seq !== HALF + 51),
    reasons: ['commands_skipped'],
    aside: 'commands',
  },
  {
    name: 'a command Redis does not know costs that command',
    harm: inCommands((content) => {
      const changed = Buffer.from(content);
      changed[content.indexOf('xadd', readingEnds(content)[80])] = 0x79;
      return changed;
    }),
    kept: ALL.filter((seq) => seq !== HALF + 82),
    reasons: ['commands_skipped'],
    failsOnce: true,
  },
  {
    name: 'the file of commands is empty',
    harm: inCommands(() => Buffer.alloc(0)),
    kept: upTo(HALF),
    reasons: [],
  },
  {
    name: 'the file of commands is all zeros',
    harm: inCommands((content) => Buffer.alloc(content.length)),
    kept: upTo(HALF),
    reasons: ['tail_cut'],
    aside: 'commands',
  },
  {
    name: 'the file of commands is missing',
    harm: async (c) => rm((await files(c)).commands),
    kept: upTo(HALF),
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
  },
  {
    name: 'the base file is cut short',
    harm: inBase((content) => content.subarray(0, -30)),
    kept: SECOND_HALF,
    reasons: ['base_lost', 'manifest_rebuilt'],
    aside: 'base',
  },
  {
    name: 'the base file has garbage in it',
    harm: inBase((content) => Buffer.concat([content.subarray(0, 300), garbage(200)])),
    kept: SECOND_HALF,
    reasons: ['base_lost', 'manifest_rebuilt'],
    aside: 'base',
  },
  {
    name: 'the base file is followed by zeros',
    harm: inBase(append(Buffer.alloc(100))),
    kept: ALL,
    reasons: ['tail_cut'],
    aside: 'base',
  },
  {
    name: 'the base file is empty',
    harm: inBase(() => Buffer.alloc(0)),
    kept: SECOND_HALF,
    reasons: ['base_lost', 'manifest_rebuilt'],
    aside: 'base',
  },
  {
    name: 'the base file is all zeros',
    harm: inBase((content) => Buffer.alloc(content.length)),
    kept: SECOND_HALF,
    reasons: ['base_lost', 'manifest_rebuilt'],
    aside: 'base',
  },
  {
    name: 'the base file is missing',
    harm: async (c) => rm((await files(c)).base),
    kept: SECOND_HALF,
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
  },
  {
    name: 'the manifest is missing',
    harm: async (c) => rm((await files(c)).manifest),
    kept: ALL,
    reasons: ['manifest_rebuilt'],
  },
  {
    name: 'the manifest is empty',
    harm: inManifest(() => Buffer.alloc(0)),
    kept: ALL,
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
  },
  {
    name: 'the manifest is garbage',
    harm: inManifest(() => garbage(90)),
    kept: ALL,
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
  },
  {
    name: 'the manifest is cut short',
    harm: inManifest((content) => content.subarray(0, -25)),
    kept: ALL,
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
  },
  {
    name: 'the manifest names the files twice',
    harm: inManifest((content) => Buffer.concat([content, content])),
    kept: ALL,
    reasons: ['manifest_rebuilt'],
    aside: 'manifest',
    failsOnce: true,
  },
  {
    name: 'an interrupted rewrite left its files behind',
    harm: async (c) => {
      await writeFile(join(c.data, 'temp-rewriteaof-bg-12.aof'), garbage(1_000));
      await writeFile(join(c.data, 'temp-rewriteaof-12.aof'), garbage(1_000));
      await writeFile(join(c.aof, 'temp_appendonly.aof.manifest'), 'file ');
    },
    kept: ALL,
    reasons: [],
  },
  {
    name: 'the folder is empty',
    harm: async (c) => {
      await rm(c.aof, { recursive: true });
      await mkdir(c.aof);
    },
    kept: [],
    reasons: [],
  },
  {
    name: 'a file stands where the folder should be',
    harm: async (c) => {
      await rm(c.aof, { recursive: true });
      await writeFile(c.aof, 'not a folder');
    },
    kept: [],
    reasons: ['set_aside'],
  },
  {
    name: 'everything is garbage',
    harm: async (c) => {
      for (const name of await readdir(c.aof)) await writeFile(join(c.aof, name), garbage(700));
    },
    kept: [],
    reasons: ['base_lost', 'tail_cut', 'manifest_rebuilt'],
    aside: 'base',
  },
];

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

  for (let round = 1; round <= 8; round += 1) {
    const share = random.next();
    const tail = [Buffer.alloc(0), Buffer.alloc(4_096), garbage(300)][round % 3] ?? Buffer.alloc(0);
    const what = `cut at ${(share * 100).toFixed(1)} %, then ${tail.length} bytes of other data`;
    test(`keeps every whole command before random damage, round ${round}: ${what}`, async () => {
      await using container = await Container.create(filled);
      const { commands } = await files(container);
      const original = await readFile(commands);
      const cut = Math.floor(original.length * share);
      await writeFile(commands, Buffer.concat([original.subarray(0, cut), tail]));
      await container.start();
      const kept = HALF + readingEnds(original).filter((end) => end <= cut).length;
      assert.deepEqual(await storedSeqs(await container.connect('redis')), upTo(kept));
    });
  }

  for (let round = 1; round <= 8; round += 1) {
    const seed = Math.floor(random.next() * 2 ** 32);
    test(`comes up at the second start at the latest after random damage ${seed}`, async () => {
      await using container = await Container.create(filled);
      const mutate = seededRandom(seed);
      for (const file of Object.values(await files(container))) {
        if (mutate.next() < 0.6) await damage(file, (content) => mutated(content, mutate));
      }
      container.process.start();
      const failed = container.process.exited();
      const first = await Promise.race([failed, upAgain(container)]);
      if (first !== 'up') await container.start();
      const admin = await container.connect('redis');
      const seqs = await storedSeqs(admin);
      assert.deepEqual(
        seqs,
        [...seqs].sort((a, b) => a - b),
      );
      await addReadings(admin, 1_001, 1);
      assert.equal((await storedSeqs(admin)).at(-1), 1_001);
    });
  }

  test('copies only the damaged part once the quarantine is full', async () => {
    await using container = await Container.create(filled, { QUARANTINE_MAX_MB: '0' });
    const { commands } = await files(container);
    const { length } = await readFile(commands);
    await damage(commands, append('torn'));
    await container.start();
    assert.ok(await inQuarantine(container, Buffer.from('torn')));
    assert.equal((await readFile(commands)).subarray(0, length).length, length);
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

  test('loses nothing that was forced to the card when the power is cut', async () => {
    await using container = await Container.create(filled);
    for (let round = 0; round < 3; round += 1) {
      await container.start();
      const admin = await container.connect('redis');
      const before = await storedSeqs(admin);
      await addReadings(admin, 2_000 + round * 100, 50);
      await container.process.kill();
      const { commands } = await files(container);
      const content = await readFile(commands);
      const cut = Math.floor(content.length * (1 - random.next() * 0.05));
      const kept = readingEnds(content).filter((end) => end <= cut).length;
      const all = readingEnds(content).length;
      await truncate(commands, cut);
      await container.start();
      const seqs = await storedSeqs(await container.connect('redis'));
      assert.deepEqual(
        seqs,
        [...before, ...upTo(50).map((n) => 1_999 + round * 100 + n)].slice(
          0,
          before.length + 50 - (all - kept),
        ),
      );
      await container.process.kill();
    }
  });
});

/** Resolves with 'up' as soon as Redis accepts commands. */
async function upAgain(container: Container): Promise<'up'> {
  await container.process.untilLine(/Ready to accept connections/, 20_000);
  return 'up';
}

/** Flips bits, writes over, cuts off or repeats a part of the content. */
function mutated(content: Buffer, { next }: Random): Buffer {
  const at = Math.floor(next() * content.length);
  const length = Math.floor(next() * 200);
  const kind = Math.floor(next() * 4);
  const changed = Buffer.from(content);
  if (kind === 0) changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(next() * 8));
  if (kind === 1) changed.fill(Math.floor(next() * 256), at, Math.min(at + length, content.length));
  if (kind === 2) return changed.subarray(0, at);
  if (kind === 3) return Buffer.concat([changed.subarray(0, at + length), changed.subarray(at)]);
  return changed;
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
