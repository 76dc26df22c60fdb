/** A Redis that is killed, frozen or full, and a service that is killed, at 100 readings a second. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { checkStream } from '../fakes/stream-check.ts';
import { startBench } from './service.ts';

const FAST = { INTERVAL_SECONDS: '0.01' };
const MEGABYTE = 1024 * 1024;

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
    await using bench = await startBench({ ...FAST, PENDING_MAX_READINGS: '20' });
    await bench.more(30);
    await bench.server.process.kill();
    await bench.sensor.untilLine(/"redis_lost"/);
    await new Promise((resolve) => setTimeout(resolve, 600));
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
});
