import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Clock } from '@holdfast/kit';
import type { Reading } from '@holdfast/redis';
import { PendingFileOnDisk } from '../../src/adapters/pending-file.ts';
import { fromLine, toLine } from '../../src/core/pending-lines.ts';
import { PendingReadings } from '../../src/core/pending.ts';
import { Journal } from '../../src/journal.ts';

let nowMs = 0;
const clock: Clock = {
  monotonicMs: () => nowMs,
  nowMs: () => 1_795_294_701_717,
  sleepMs: async () => {},
};
const random = { next: () => 0 };

function reading(n: number): Reading {
  return { sensor: 'host', boot: 'b', uptimeMs: n, quantities: { load_1m: `0.${n}` } };
}

/** Takes everything out: [uptimeMs, skipped, retry] of each. */
function drain(pending: PendingReadings): [number, number, boolean][] {
  const out: [number, number, boolean][] = [];
  for (let claim = pending.claim(); claim !== undefined; claim = pending.claim()) {
    out.push([claim.reading.uptimeMs, claim.skipped, claim.retry]);
    pending.markStored();
  }
  return out;
}

interface Life extends AsyncDisposable {
  readonly directory: string;
  readonly pending: PendingReadings;
  readonly journal: Journal;
  readonly told: string[];
  /** The next life of the service, on the same folder. */
  next(): Promise<Life>;
  text(): Promise<string | undefined>;
}

async function live(directory: string, maxReadings = 2_000): Promise<Life> {
  const pending = new PendingReadings(maxReadings);
  const told: string[] = [];
  const file = new PendingFileOnDisk(directory);
  const journal = new Journal({
    pending,
    file,
    clock,
    random,
    onFailed: (code) => told.push(`failed ${code}`),
    onBadFile: (line) => told.push(`bad line ${line}`),
  });
  await journal.load();
  return {
    directory,
    pending,
    journal,
    told,
    next: () => live(directory, maxReadings),
    text: async () => readFile(file.path, 'utf8').catch(() => undefined),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

async function startLife(maxReadings?: number): Promise<Life> {
  return live(await mkdtemp(join(tmpdir(), 'holdfast-journal-')), maxReadings);
}

describe('the file of waiting readings', () => {
  it('is not written while Redis takes what is measured', async () => {
    await using life = await startLife();
    for (let n = 1; n <= 5; n += 1) {
      life.pending.push(reading(n));
      await life.journal.look(false);
      life.pending.claim();
      life.pending.markStored();
    }
    assert.equal(await life.text(), undefined);
  });

  it('holds what has waited from one look to the next, and goes when nothing waits', async () => {
    await using life = await startLife();
    life.pending.push(reading(1));
    await life.journal.look(false);
    life.pending.push(reading(2));
    await life.journal.look(false);
    life.pending.push(reading(3));
    await life.journal.look(false);
    assert.equal((await life.text())?.split('\n').length, 4);
    const next = await life.next();
    assert.deepEqual(drain(next.pending), [
      [1, 0, true],
      [2, 0, true],
      [3, 0, true],
    ]);
    await next.journal.look(false);
    assert.equal(await life.text(), undefined);
    assert.deepEqual([life.told, next.told], [[], []]);
  });

  it('holds at the end whatever waits', async () => {
    await using life = await startLife();
    life.pending.push(reading(1));
    await life.journal.look(true);
    assert.deepEqual(drain((await life.next()).pending), [[1, 0, true]]);
  });

  it('never runs far behind what is stored: the store finds what it has within its newest', async () => {
    await using life = await startLife(10_000);
    for (let n = 1; n <= 3_000; n += 1) life.pending.push(reading(n));
    await life.journal.look(true);
    for (let n = 1; n <= 2_700; n += 1) {
      life.pending.claim();
      life.pending.markStored();
      await life.journal.stored();
    }
    const offeredAgain = (await life.next()).pending.size - life.pending.size;
    assert.ok(offeredAgain >= 0 && offeredAgain < 500, String(offeredAgain));
  });

  it('does not grow without end in a long outage with a full memory', async () => {
    await using life = await startLife(10);
    for (let n = 1; n <= 1_500; n += 1) {
      life.pending.push(reading(n));
      await life.journal.look(false);
    }
    assert.ok(((await life.text())?.split('\n').length ?? 0) < 1_100);
    const rest = drain((await life.next()).pending);
    assert.deepEqual([rest.length, rest[0]], [10, [1_491, 1_490, true]]);
  });

  it('is read as far as it was written when writing was cut off', async () => {
    await using life = await startLife();
    for (let n = 1; n <= 3; n += 1) life.pending.push(reading(n));
    await life.journal.look(true);
    const text = (await life.text()) ?? '';
    await writeFile(join(life.directory, 'pending.jsonl'), text.slice(0, -20));
    const next = await life.next();
    assert.deepEqual([next.pending.size, next.told], [2, []]);
    // What is appended from now on does not continue the torn line.
    next.pending.push(reading(4));
    await next.journal.look(false);
    assert.deepEqual(
      drain((await life.next()).pending).map(([n]) => n),
      [1, 2, 4],
    );
  });

  it('is put aside when it is damaged; what can be read of it is used', async () => {
    await using life = await startLife();
    for (let n = 1; n <= 3; n += 1) life.pending.push(reading(n));
    await life.journal.look(true);
    const lines = ((await life.text()) ?? '').split('\n');
    lines[1] = '{"reading":{"sensor":5}}';
    await writeFile(join(life.directory, 'pending.jsonl'), lines.join('\n'));
    const next = await life.next();
    assert.deepEqual([next.pending.size, next.told], [1, ['bad line 2']]);
    assert.deepEqual(await readdir(life.directory), [
      'pending.jsonl',
      'pending.jsonl.2026-11-21T205821.717Z.bad',
    ]);
    assert.deepEqual(drain((await life.next()).pending).length, 1);
  });

  it('that cannot be written is said once in each outage; the service goes on and tries again', async () => {
    await using life = await startLife();
    await rm(life.directory, { recursive: true });
    life.pending.push(reading(1));
    for (let look = 0; look < 5; look += 1) await life.journal.look(false);
    assert.deepEqual(life.told, ['failed ENOENT']);
    await mkdir(life.directory);
    nowMs += 60_000;
    await life.journal.look(false);
    assert.deepEqual(drain((await life.next()).pending), [[1, 0, true]]);
    drain(life.pending);
    await life.journal.look(false);
    // The next outage is another one.
    await rm(life.directory, { recursive: true });
    life.pending.push(reading(2));
    await life.journal.look(true);
    assert.deepEqual(life.told, ['failed ENOENT', 'failed ENOENT']);
  });

  it('is put aside when it cannot be read', async () => {
    await using life = await startLife();
    await mkdir(join(life.directory, 'pending.jsonl'));
    const next = await life.next();
    next.pending.push(reading(1));
    await next.journal.look(true);
    assert.deepEqual(next.told, ['bad line 1']);
    assert.ok((await readdir(life.directory)).some((name) => name.endsWith('.bad')));
    assert.deepEqual(drain((await life.next()).pending), [[1, 0, true]]);
  });

  it('goes when its readings are stored, also where it could not be written at the start', async () => {
    await using life = await startLife();
    life.pending.push(reading(1));
    await life.journal.look(true);
    const inTheWay = join(life.directory, 'pending.jsonl.new');
    await mkdir(inTheWay);
    const next = await life.next();
    assert.deepEqual(next.told, ['failed EISDIR']);
    assert.deepEqual(drain(next.pending), [[1, 0, true]]);
    await rm(inTheWay, { recursive: true });
    await next.journal.look(false);
    assert.equal((await life.next()).pending.size, 0);
  });

  it('holds what waits while Redis takes less than is measured', async () => {
    await using life = await startLife();
    for (let n = 1; n <= 30; n += 3) {
      for (const one of [n, n + 1, n + 2]) life.pending.push(reading(one));
      life.pending.claim();
      life.pending.markStored();
      await life.journal.look(false);
    }
    assert.equal((await life.next()).pending.size, 20);
  });

  it('does not bring back what stands as lost', async () => {
    await using life = await startLife(2);
    for (const n of [1, 2]) life.pending.push(reading(n));
    await life.journal.look(true);
    life.pending.push(reading(3));
    assert.equal(life.pending.claim()?.skipped, 1);
    await life.journal.losing();
    life.pending.markStored();
    const offered = drain((await life.next()).pending);
    assert.deepEqual(offered, [
      [2, 1, true],
      [3, 0, true],
    ]);
  });

  it('makes the same queue again, whatever happened to the queue and whenever it was written', () => {
    const action = fc.constantFrom('push', 'push', 'claim', 'stored', 'uncertain', 'look');
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5 }), fc.array(action), (max, actions) => {
        const pending = new PendingReadings(max);
        let [pushed, claimed] = [0, false];
        const lines: string[] = [];
        const write = () => {
          const isFirst = lines.length === 0;
          lines.push(...(isFirst ? pending.snapshot() : pending.takeChanges()).map(toLine));
        };
        for (const name of actions) {
          if (name === 'push') pending.push(reading((pushed += 1)));
          if (name === 'claim') claimed = pending.claim() !== undefined;
          if (name === 'uncertain' && claimed) pending.markUncertain();
          if (name === 'stored' && claimed) {
            pending.markStored();
            claimed = false;
          }
          if (name === 'look') write();
        }
        write();
        const next = new PendingReadings(max + 1);
        for (const line of lines) {
          const change = fromLine(line);
          assert.ok(change !== undefined, line);
          next.redo(change);
        }
        next.takeOver();
        const left = (each: PendingReadings) => drain(each).map(([n, skipped]) => [n, skipped]);
        assert.deepEqual(left(next), left(pending));
        // Nothing is left over that would count with the next reading.
        for (const each of [pending, next]) {
          each.push(reading(pushed + 1));
          assert.deepEqual(left(each), [[pushed + 1, 0]]);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
