/** A Redis that is killed, frozen or full, and a service that is killed, at 100 readings a second. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { KEYS, fieldOf } from '@holdfast/redis';
import { checkStream } from '../fakes/stream-check.ts';
import { startBench } from './service.ts';

const FAST = { INTERVAL_SECONDS: '0.01' };
const MEGABYTE = 1024 * 1024;
/** In the file of waiting readings: one was dropped. */
const LOSS = /"skipped":[1-9]|"dropped"/;

describe('100 readings a second', () => {
  it('survive a Redis that is killed again and again: none lost, none doubled', async () => {
    await using bench = await startBench(FAST);
    await bench.more(30);
    for (let round = 0; round < 5; round += 1) {
      await bench.server.process.kill();
      await bench.sensor.untilLine(/"redis_lost"/);
      await bench.server.restart();
      await bench.more(60);
    }
    assert.equal(await bench.sensor.stop(), 0);
    const check = await checkStream(bench.server.client);
    assert.deepEqual([check.missing, check.repeated], [[], []]);
    assert.equal(String(check.readings), await bench.status('readings'));
    assert.equal(await bench.status('dropped'), '0');
    assert.ok(check.epochs >= 2);
  });

  it('go on where they were when the service itself is killed', async () => {
    await using bench = await startBench(FAST);
    for (let round = 0; round < 4; round += 1) {
      await bench.more(30);
      await bench.sensor.kill();
      bench.sensor.start();
    }
    await bench.more(30);
    assert.equal(await bench.sensor.stop(), 0);
    const check = await checkStream(bench.server.client);
    assert.deepEqual([check.missing, check.repeated, check.epochs], [[], [], 1]);
  });

  it('wait for a Redis that hangs', async () => {
    await using bench = await startBench(FAST);
    await bench.more(30);
    bench.server.process.freeze();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    bench.server.process.thaw();
    await bench.more(100);
    assert.equal(await bench.sensor.stop(), 0);
    const check = await checkStream(bench.server.client);
    assert.deepEqual([check.missing, check.repeated], [[], []]);
    assert.equal(String(check.readings), await bench.status('readings'));
  });

  it('wait for room in a full Redis, said once, and nothing is lost', async () => {
    await using bench = await startBench(FAST);
    const { client } = bench.server;
    await bench.more(30);
    await client.config('SET', 'maxmemory', String(MEGABYTE));
    await bench.sensor.untilLine(/"redis_full"/);
    await client.config('SET', 'maxmemory', '0');
    await bench.event('redis_full');
    await bench.more(100);
    assert.equal(await bench.sensor.stop(), 0);
    const check = await checkStream(client);
    assert.deepEqual([check.missing, check.repeated], [[], []]);
    assert.equal(String(check.readings), await bench.status('readings'));
    const lines = bench.sensor.lines.filter((line) => line.includes('"redis_full"'));
    assert.equal(lines.length, 1);
  });

  it('that memory cannot hold become a gap record and an event', async () => {
    await using folder = await pendingFolder();
    const env = { ...FAST, PENDING_MAX_READINGS: '20', PENDING_DIR: folder.path };
    await using bench = await startBench(env);
    await bench.more(30);
    await bench.server.process.kill();
    await until('a loss', async () => LOSS.test(await folder.text()), 30_000);
    await bench.server.restart();
    await bench.event('readings_dropped');
    assert.equal(await bench.sensor.stop(), 0);
    const check = await checkStream(bench.server.client);
    assert.deepEqual([check.missing, check.repeated], [[], []]);
    assert.ok(check.skipped > 0);
    const measured = await until('the status', async () => bench.status('readings') ?? undefined);
    assert.equal(String(check.readings + check.skipped), measured);
    assert.equal(String(check.skipped), await bench.status('dropped'));
  });

  it('wait in a file when the service ends before Redis is back', async () => {
    await using folder = await pendingFolder();
    await using bench = await startBench({ ...FAST, PENDING_DIR: folder.path });
    await bench.more(30);
    await bench.server.process.kill();
    await until('a file', async () => (await folder.readings()).length >= 30, 30_000);
    assert.equal(await bench.sensor.stop(), 0);
    const waiting = (await folder.readings()).length;
    assert.ok(waiting >= 30, `${waiting} readings in the file`);
    await bench.server.restart();
    bench.sensor.start();
    const event = await bench.event('readings_carried_over');
    assert.equal(event[event.indexOf('count') + 1], String(waiting));
    await bench.more(30);
    assert.equal(await bench.sensor.stop(), 0);
    const check = await checkStream(bench.server.client);
    assert.deepEqual([check.missing, check.repeated], [[], []]);
    assert.deepEqual(await readdir(folder.path), []);
  });

  it('wait in a file when the service is killed, also while they are handed over', async () => {
    await using folder = await pendingFolder();
    await using bench = await startBench({ ...FAST, PENDING_DIR: folder.path });
    await bench.more(30);
    await bench.server.process.kill();
    await until('a file', async () => (await folder.readings()).length >= 200, 30_000);
    await bench.sensor.kill();
    const kept = await folder.readings();
    await bench.server.restart();
    for (let round = 0; round < 3; round += 1) {
      const before = await bench.length();
      bench.sensor.start();
      await until('some of them', async () => (await bench.length()) > before + 20);
      await bench.sensor.kill();
    }
    bench.sensor.start();
    await bench.more(30);
    assert.equal(await bench.sensor.stop(), 0);
    const check = await checkStream(bench.server.client);
    assert.deepEqual([check.missing, check.repeated], [[], []]);
    const entries = await bench.server.client.xrange(KEYS.values.key, '-', '+');
    const stored = new Set(entries.map(([, fields]) => fieldOf(fields, '_uptime_ms')));
    assert.deepEqual(
      kept.filter((uptimeMs) => !stored.has(uptimeMs)),
      [],
    );
  });
});

interface PendingFolder extends AsyncDisposable {
  readonly path: string;
  /** What stands in the file; empty without one. */
  text(): Promise<string>;
  /** `_uptime_ms` of each reading in the file. */
  readings(): Promise<readonly string[]>;
}

async function pendingFolder(): Promise<PendingFolder> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-pending-'));
  const text = () => readFile(join(path, 'pending.jsonl'), 'utf8').catch(() => '');
  return {
    path,
    text,
    async readings() {
      return [...(await text()).matchAll(/"uptimeMs":([\d.]+)/g)].map(([, ms]) =>
        String(Math.round(Number(ms))),
      );
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}
