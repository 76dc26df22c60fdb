/** Random damage and power cuts; the seeds are fixed, so a failure can be repeated. */
import assert from 'node:assert/strict';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import { HALF, addReadings, damage, filledContainer, files } from './aof.ts';
import { readingEnds, storedSeqs, upTo } from './aof.ts';
import { garbage, mutated } from './damages.ts';
import { Container } from './container.ts';

const random = seededRandom(11);

describe('random damage', { concurrency: 4 }, () => {
  let filled: Container;
  before(async () => {
    filled = await filledContainer();
  });
  after(async () => {
    await filled[Symbol.asyncDispose]();
  });

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
