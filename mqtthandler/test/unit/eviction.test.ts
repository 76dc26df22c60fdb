/** Giving up readings of a full buffer, for several destinations at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ManualClock } from '@holdfast/kit/testing';
import { identityOf } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import { Bell } from '../../src/bell.ts';
import { BufferKeeper } from '../../src/buffer-keeper.ts';
import { parseGap } from '../../src/core/gap-json.ts';
import { isPending } from '../../src/core/progress.ts';
import { Eviction } from '../../src/eviction.ts';
import type { LossEvent, Waiting } from '../../src/eviction.ts';
import { Flight } from '../../src/flight.ts';
import { Tally } from '../../src/tally.ts';
import { FakeBuffer, FakeLedger, FakeReadings, FakeSensor } from '../fakes/index.ts';

interface Stand {
  /** Name of the destination. */
  readonly name: string;
  /** Readings acknowledged. */
  readonly acknowledged: number;
  /** Readings up to which messages were sent without an answer. */
  readonly sentUpTo?: number;
  /** Readings an earlier life may have sent. */
  readonly windowReadings?: number;
}

/** Size of a reading of the fake sensor, about. */
const BYTES_EACH = 90;

class Bench {
  readonly clock = new ManualClock();
  readonly readings = new FakeReadings(this.clock);
  readonly buffer = new FakeBuffer(this.readings);
  readonly produced: readonly StreamEntry[];
  readonly destinations: (Waiting & { readonly ledger: FakeLedger; readonly stand: Stand })[] = [];
  readonly evicted = new Map<string, number>();

  constructor(count: number) {
    const sensor = new FakeSensor();
    for (let i = 0; i < count; i += 1) this.readings.append(sensor.next());
    this.produced = this.readings.entries;
  }

  async add(stand: Stand): Promise<void> {
    const ledger = new FakeLedger();
    const idOf = (seq: number) => this.produced[seq - 1]?.[0] ?? '0-0';
    const after = idOf(stand.acknowledged);
    ledger.lastId = after;
    const callbacks = { onStoreFailed: () => {}, onForeignCursor: () => {} };
    const flight = new Flight(ledger, this.clock, callbacks);
    await flight.load();
    const { name, sentUpTo = stand.acknowledged, windowReadings = 0 } = stand;
    const count = sentUpTo - stand.acknowledged;
    if (count > 0) flight.claim({ after, upTo: idOf(sentUpTo), count });
    flight.landAll();
    const ensureLoaded = () => Promise.resolve();
    const [tally, moreWork] = [new Tally(), new Bell()];
    const parts = { name, flight, tally, moreWork, windowReadings, ensureLoaded };
    this.destinations.push({ ...parts, ledger, stand });
  }

  parts() {
    return {
      buffer: this.buffer,
      readings: this.readings,
      forwarders: this.destinations,
      onLost: (event: LossEvent, name: string, count: number) => {
        assert.equal(event, 'readings_evicted');
        this.evicted.set(name, (this.evicted.get(name) ?? 0) + count);
      },
    };
  }

  /** For each destination every reading is acknowledged, recorded as lost, or still there to send. */
  assertAccounted(): void {
    const stored = new Set(this.readings.entries.map(([id]) => id));
    for (const { name, ledger, flight, stand } of this.destinations) {
      const lost = lostSeqs(ledger);
      for (const [id, fields] of this.produced) {
        const seq = identityOf(fields)?.seq ?? 0;
        const pending = isPending(flight.progress, id);
        assert.ok(!pending || stored.has(id), `${name} waits for ${seq}, which is gone`);
        const fates = [seq <= stand.acknowledged, lost.has(seq), pending].filter(Boolean);
        assert.equal(fates.length, 1, `reading ${seq} at ${name}`);
        const sent = seq > stand.acknowledged && seq <= (stand.sentUpTo ?? 0);
        assert.ok(!sent || pending, `${name} may have ${seq}`);
      }
      assert.equal(this.evicted.get(name) ?? 0, lost.size);
    }
  }

  /** What was given up has made room. */
  assertNotInVain(): void {
    const stored = new Set(this.readings.entries.map(([, fields]) => identityOf(fields)?.seq ?? 0));
    for (const { name, ledger } of this.destinations) {
      const inVain = [...lostSeqs(ledger)].filter((seq) => stored.has(seq));
      assert.deepEqual(inVain, [], `${name} lost what is still stored`);
    }
  }
}

function lostSeqs(ledger: FakeLedger): Set<number> {
  const lost = new Set<number>();
  for (const [, fields] of ledger.gapRecords) {
    const gap = parseGap(fields[fields.indexOf('_gap') + 1] ?? '');
    assert.ok(gap !== undefined && 'from_seq' in gap);
    assert.equal(gap.count, gap.to_seq - gap.from_seq + 1);
    for (let seq = gap.from_seq; seq <= gap.to_seq; seq += 1) {
      assert.ok(!lost.has(seq), `${seq} is in two gap records`);
      lost.add(seq);
    }
  }
  return lost;
}

for (const [title, mqtt, hub] of [
  ['nothing under way', {}, {}],
  ['one under way further than the other', { sentUpTo: 1_008 }, { sentUpTo: 1_025 }],
  ['the other way round', { sentUpTo: 1_025 }, { sentUpTo: 1_008 }],
  ['only one with something under way', {}, { sentUpTo: 1_005 }],
  ['both restarted', { windowReadings: 1_600 }, { windowReadings: 4_000 }],
] as const) {
  test(`with both destinations away a full buffer gives up the oldest: ${title}`, async () => {
    const bench = new Bench(20_000);
    await bench.add({ name: 'mqtt', acknowledged: 1_000, ...mqtt });
    await bench.add({ name: 'hub', acknowledged: 995, ...hub });
    const { bytes } = await bench.buffer.measure();
    const keeper = new BufferKeeper({
      ...bench.parts(),
      clock: bench.clock,
      limits: { maxBytes: Math.round(bytes * 0.75), keepMs: 0 },
      redisReady: () => Promise.resolve(true),
      onError: () => {},
    });
    await keeper.tick();
    await keeper.tick();
    assert.ok((keeper.state?.bytes ?? Infinity) <= bytes * 0.75, `${keeper.state?.entries} left`);
    bench.assertAccounted();
    bench.assertNotInVain();
    for (const { name, tally } of bench.destinations) {
      assert.ok(tally.gapReadings > 3_000, `${name} lost ${tally.gapReadings}`);
    }
  });
}

test('whatever each destination may have, readings given up are delivered or recorded, never both', async () => {
  const stand = fc.record({
    acknowledged: fc.nat(300),
    sent: fc.nat(200),
    windowReadings: fc.nat(100),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(stand, { minLength: 1, maxLength: 3 }),
      fc.nat(400),
      async (stands, count) => {
        const bench = new Bench(500);
        for (const [i, { acknowledged, sent, windowReadings }] of stands.entries()) {
          const sentUpTo = Math.min(500, acknowledged + sent);
          await bench.add({ name: `d${i}`, acknowledged, sentUpTo, windowReadings });
        }
        const eviction = new Eviction(bench.parts());
        await eviction.giveUp(count * BYTES_EACH);
        await eviction.giveUp(count * BYTES_EACH);
        bench.assertAccounted();
        bench.assertNotInVain();
      },
    ),
    { numRuns: 100 },
  );
});

for (const [title, spoil] of [
  ['Redis fails', () => Promise.reject(new Error('Connection is closed.'))],
  ['the cursor was set by command', () => Promise.resolve(false)],
] as const) {
  test(`when giving up for one destination fails because ${title}, nothing stays claimed at any`, async () => {
    const bench = new Bench(3_000);
    await bench.add({ name: 'mqtt', acknowledged: 0 });
    await bench.add({ name: 'hub', acknowledged: 0 });
    const [mqtt, hub] = bench.destinations;
    assert.ok(mqtt !== undefined && hub !== undefined);
    const save = mqtt.ledger.save.bind(mqtt.ledger);
    mqtt.ledger.save = spoil;
    const woken = mqtt.moreWork.wait(new AbortController().signal);
    const eviction = new Eviction(bench.parts());
    await eviction.giveUp(500 * BYTES_EACH).catch(() => {});
    await woken;
    for (const { flight } of bench.destinations) {
      assert.deepEqual(flight.available, flight.progress);
    }
    bench.assertAccounted();
    mqtt.ledger.save = save;
    await eviction.giveUp(500 * BYTES_EACH);
    bench.assertAccounted();
    assert.deepEqual(
      bench.destinations.map(({ tally }) => tally.gapReadings >= 500),
      [true, true],
    );
  });
}
