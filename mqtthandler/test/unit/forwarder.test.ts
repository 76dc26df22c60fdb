import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ForwarderBench } from '../fakes/index.ts';

test('a backlog in two adjacent ranges, the first a multiple of the read size, arrives whole', async () => {
  await using bench = new ForwarderBench({ lanes: 2 });
  bench.produce(40);
  const boundary = bench.readings.entries[19]?.[0] ?? '';
  const end = bench.readings.entries[39]?.[0] ?? '';
  bench.ledger.lastId = '0-0';
  bench.ledger.pending = `0-0 0-0:${boundary} ${boundary}:${end} ${end}:`;
  bench.start();

  await bench.until(() => bench.ledger.lastId === end);

  assert.deepEqual(
    bench.takenSeqs.toSorted((a, b) => a - b),
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
});

test('a failure of Redis in the middle of a read leaves nothing claimed: all goes out in the same session', async () => {
  await using bench = new ForwarderBench({ lanes: 2 });
  bench.destination.maxPayloadBytes = 1_024;
  bench.produce(2);
  bench.produce(1, { image: 'x'.repeat(2_000) });
  bench.produce(5);
  const { ledger } = bench;
  const putAside = ledger.putAside.bind(ledger);
  let failures = 0;
  ledger.putAside = (entry, gap) =>
    (failures += 1) === 1 ? Promise.reject(new Error('OOM')) : putAside(entry, gap);
  bench.start();

  await bench.until(() => new Set(bench.takenSeqs).size === 7 && bench.takenGaps.length === 1);

  assert.equal(bench.destination.sessions, 1);
  assert.deepEqual([...new Set(bench.takenSeqs)], [1, 2, 4, 5, 6, 7, 8]);
  assert.equal(bench.takenGaps[0]?.['from_seq'], 3);
});

test('a cursor beyond the newest reading starts over, and says so', async () => {
  await using bench = new ForwarderBench();
  bench.ledger.lastId = '9999999-0';
  bench.produce(5);
  bench.start();
  await bench.until(() => bench.takenSeqs.length === 5);
  assert.ok(bench.reported.some(({ event }) => event === 'cursor_reset'));
});

test('an emptied stream is no reason to start over', async () => {
  await using bench = new ForwarderBench();
  bench.produce(5);
  bench.start();
  await bench.until(() => bench.ledger.lastId === bench.readings.entries.at(-1)?.[0]);
  bench.readings.clear();
  await bench.clock.advance(20_000);
  bench.produce(5);
  await bench.until(() => bench.takenSeqs.length === 10);
  assert.deepEqual(bench.takenSeqs, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.ok(bench.reported.every(({ event }) => event !== 'cursor_reset'));
});

test('one reading a destination chokes on becomes a gap record, the others arrive', async () => {
  for (const lanes of [1, 2] as const) {
    await using bench = new ForwarderBench({ lanes });
    bench.destination.treat = (payload) => (payload.includes('poison') ? 'close' : 'acknowledge');
    bench.produce(20);
    bench.produce(1, { note: 'poison' });
    bench.produce(20);
    bench.start();
    await bench.until(() => bench.takenGaps.length > 0 && bench.ledger.gapRecords.length === 0);
    await bench.until(() => new Set(bench.takenSeqs).size === 40);
    assert.deepEqual(bench.takenGaps, [{ from_seq: 21, to_seq: 21, count: 1, reason: 'refused' }]);
    assert.ok(!bench.takenSeqs.includes(21));
    assert.equal(bench.ledger.rejected.length, 1);
  }
});

test('one reading a destination refuses outright becomes a gap record, the others arrive', async () => {
  await using bench = new ForwarderBench();
  bench.destination.treat = (payload) => (payload.includes('poison') ? 'refuse' : 'acknowledge');
  bench.produce(20);
  bench.produce(1, { note: 'poison' });
  bench.produce(20);
  bench.start();
  await bench.until(() => bench.takenGaps.length > 0 && new Set(bench.takenSeqs).size === 40);
  assert.deepEqual(bench.takenGaps, [{ from_seq: 21, to_seq: 21, count: 1, reason: 'refused' }]);
  assert.equal(bench.destination.sessions, 1);
});

test('a size limit that a destination does not announce is learned: the backlog goes on without breaking the connection again', async () => {
  for (const answer of ['close', 'refuse'] as const) {
    await using bench = new ForwarderBench();
    bench.destination.treat = (payload) => (payload.length > 700 ? answer : 'acknowledge');
    bench.produce(1_000);
    bench.start();
    await bench.until(() => new Set(bench.takenSeqs).size === 1_000);
    assert.deepEqual(bench.takenGaps, []);
    const learned = bench.destination.sessions;
    assert.ok(learned < 15, `${learned} sessions, ${answer}`);
    bench.produce(1_000);
    await bench.until(() => new Set(bench.takenSeqs).size === 2_000);
    assert.equal(bench.destination.sessions, learned);
  }
});

test('readings that somebody removed are recorded once each, in any order of lanes, also when the connection breaks in between', async () => {
  for (const lanes of [1, 2] as const) {
    for (const backlogOrder of ['oldest', 'newest'] as const) {
      await using bench = new ForwarderBench({ lanes, backlogOrder });
      let messages = 0;
      bench.destination.treat = () => ((messages += 1) <= 3 ? 'close' : 'acknowledge');
      bench.produce(600);
      const removed = [8, 9, 10, 300, 301, 599];
      bench.readings.remove(
        ([, fields]) => !removed.includes(Number(fields[fields.indexOf('_seq') + 1])),
      );
      bench.start();
      await bench.until(() => new Set(bench.takenSeqs).size === 594);
      await bench.until(() => bench.takenGaps.length === 3);
      await bench.clock.advance(3_000);
      const ranges = bench.takenGaps.map(
        (gap) => `${String(gap['from_seq'])}-${String(gap['to_seq'])}`,
      );
      assert.deepEqual(
        ranges.toSorted(),
        ['300-301', '599-599', '8-10'],
        `${lanes} ${backlogOrder}`,
      );
    }
  }
});

test('new readings do not wait for a backlog, and the backlog keeps to its limit', async () => {
  const backlogRate = { messagesPerSecond: 5, bytesPerSecond: Infinity };
  await using bench = new ForwarderBench({ lanes: 2, backlogRate });
  bench.produce(1_000);
  bench.start();
  await bench.until(() => bench.takenSeqs.length >= 100);
  bench.produce(1);
  await bench.clock.advance(50);
  assert.ok(bench.takenSeqs.includes(1_001), 'the newest is there');
  const before = bench.takenSeqs.length;
  await bench.clock.advance(4_000);
  assert.ok(bench.takenSeqs.length - before <= 250, 'five messages of ten a second, one in hand');
});

test('after a destination said later, nothing is sent for a while', async () => {
  await using bench = new ForwarderBench();
  let refusals = 0;
  bench.destination.treat = () => ((refusals += 1) <= 3 ? 'later' : 'acknowledge');
  bench.produce(1);
  bench.start();
  await bench.clock.advance(5_900);
  assert.equal(refusals, 3);
  await bench.until(() => bench.takenSeqs.length === 1);
});

test('reconnecting is unhurried: an absent destination is not hammered', async () => {
  await using bench = new ForwarderBench();
  bench.destination.away = true;
  bench.start();
  await bench.clock.advance(600_000);
  const attempts = bench.reported.filter(({ event }) => event === 'connect_failed').length;
  assert.ok(attempts > 15 && attempts < 45, `${attempts} attempts in ten minutes`);
});

test('a destination that takes no message for now is told of once, and again after a while without', async () => {
  await using bench = new ForwarderBench();
  bench.destination.treat = () => 'later';
  bench.produce(30);
  bench.start();
  const told = () => bench.reported.filter(({ event }) => event === 'sending_refused');
  assert.ok(await bench.until(() => told().length > 0));
  await bench.clock.advance(600_000);
  assert.deepEqual(
    told().map(({ fields }) => fields),
    [{ destination: 'fake', code: 'quota_exceeded' }],
  );
  bench.destination.treat = () => 'acknowledge';
  await bench.clock.advance(90_000);
  bench.destination.treat = () => 'later';
  bench.produce(1);
  assert.ok(await bench.until(() => told().length === 2));
});

test('a cursor set by hand while readings gather is noticed long before these are sent', async () => {
  await using bench = new ForwarderBench();
  bench.produce(20);
  bench.start();
  assert.ok(await bench.until(() => bench.takenSeqs.length === 20));
  await bench.until(() => bench.ledger.lastId === bench.readings.entries.at(-1)?.[0]);
  bench.forwarder.setIntervalSeconds(3_600);
  bench.produce(1);
  await bench.clock.advance(10_000);
  const wanted = bench.readings.entries[9]?.[0] ?? '';
  bench.ledger.lastId = wanted;
  const loaded = () =>
    bench.reported.some(
      ({ event, fields }) =>
        event === 'cursor_loaded' && (fields as { lastId: string }).lastId === wanted,
    );
  assert.ok(await bench.until(loaded, 60_000));
});

test('a destination that hangs up at every message for hours is not hammered, nothing is given up, and all arrives when it takes messages again', async () => {
  await using bench = new ForwarderBench();
  bench.destination.treat = () => 'close';
  bench.produce(1_000);
  bench.start();
  await bench.clock.advance(3 * 3_600_000);
  bench.produce(1);
  await bench.clock.advance(3 * 3_600_000);
  const { sessions } = bench.destination;
  assert.ok(sessions < 6 * 240 + 20, `${sessions} sessions in six hours`);
  assert.ok(sessions > 6 * 160, `${sessions} sessions in six hours`);
  bench.destination.treat = () => 'acknowledge';
  await bench.until(() => new Set(bench.takenSeqs).size === 1_001);
  await bench.clock.advance(5_000);
  assert.deepEqual(bench.takenGaps, []);
  assert.deepEqual(bench.ledger.gapRecords, []);
  assert.equal(bench.ledger.lastId, bench.readings.entries.at(-1)?.[0]);
});

test('good readings get past more bad ones than are probed at a time, and each bad one is put aside while good ones come', async () => {
  await using bench = new ForwarderBench({ lanes: 2 });
  bench.destination.treat = (payload) => (payload.includes('poison') ? 'close' : 'acknowledge');
  bench.produce(5);
  bench.produce(30, { note: 'poison' });
  bench.start();
  for (let minutes = 0; minutes < 240 && bench.ledger.rejected.length < 30; minutes += 1) {
    bench.produce(5);
    await bench.clock.advance(60_000);
  }
  const good = bench.sensor.seq - 30;
  assert.ok(await bench.until(() => new Set(bench.takenSeqs).size === good));
  assert.ok(!bench.takenSeqs.some((seq) => seq > 5 && seq <= 35));
  assert.equal(new Set(bench.ledger.rejected.map(([id]) => id)).size, 30);
});
