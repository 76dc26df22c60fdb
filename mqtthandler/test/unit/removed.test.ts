/** Readings that somebody removes are told as gaps, whatever stands at the cursor when they go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import { compareIds } from '@holdfast/redis';
import { Eviction } from '../../src/eviction.ts';
import { Flight } from '../../src/flight.ts';
import { FakeBuffer, FakeLedger, ForwarderBench } from '../fakes/index.ts';

type Settings = NonNullable<ConstructorParameters<typeof ForwarderBench>[0]>;
const SETTINGS: readonly Settings[] = [
  { lanes: 2 },
  { lanes: 1 },
  { lanes: 2, backlogOrder: 'newest' },
  { lanes: 2, maxReadings: 3 },
];
/** `make soak` runs many more. */
const SCHEDULES = Number(process.env['FAULT_SCHEDULES'] ?? 120);
const STEPS = 20;
const FOREIGN = ['door', 'open'];

const newestId = ({ readings }: ForwarderBench) => readings.entries.at(-1)?.[0] ?? '0-0';
const caughtUp = (bench: ForwarderBench) =>
  bench.until(() => bench.ledger.lastId === newestId(bench) && bench.ledger.pending === null);

for (const settings of SETTINGS) {
  test(`the cursor stands at an entry of another program, and readings behind it are removed with it: ${JSON.stringify(settings)}`, async () => {
    for (const foreignLast of [false, true]) {
      await using bench = new ForwarderBench(settings);
      bench.produce(5);
      if (foreignLast) bench.readings.append(FOREIGN);
      bench.start();
      await caughtUp(bench);
      await bench.stop();
      bench.produce(100);
      const keep = new Set(bench.readings.entries.slice(-40).map(([id]) => id));
      bench.readings.remove(([id]) => keep.has(id));
      bench.start();
      await caughtUp(bench);
      await bench.until(() => bench.takenGaps.length > 0);
      assert.deepEqual(bench.takenGaps, [
        { from_seq: 6, to_seq: 65, count: 60, reason: 'removed' },
      ]);
    }
  });
}

test('what is given up leaves a mark, so that what is removed behind it is noticed', async () => {
  await using bench = new ForwarderBench();
  const { flight } = bench.forwarder;
  await bench.forwarder.ensureLoaded();
  bench.produce(50);
  const upTo = bench.readings.entries[19]?.[0] ?? '';
  const stretch = { after: '0-0', upTo, count: 0 };
  assert.ok(flight.reserve(stretch));
  const gap = { from_seq: 1, to_seq: 20, count: 20, reason: 'buffer_full' } as const;
  await flight.forfeit(stretch, [{ epoch: 'e1', gap }]);
  bench.readings.remove(([id]) => compareIds(id, bench.readings.entries[29]?.[0] ?? '') > 0);
  bench.start();
  await caughtUp(bench);
  await bench.until(() => bench.takenGaps.length === 2);
  assert.deepEqual(bench.takenGaps, [
    gap,
    { from_seq: 21, to_seq: 30, count: 10, reason: 'removed' },
  ]);
});

test('what was removed in front of readings that are given up, or between them, is recorded with them', async () => {
  await using bench = new ForwarderBench();
  bench.produce(5);
  bench.readings.append(FOREIGN);
  bench.start();
  await caughtUp(bench);
  await bench.stop();
  bench.produce(300);
  const ids = bench.readings.entries.map(([id]) => id);
  // The first 10 behind the cursor, and one among those that no earlier process can have sent.
  const gone = new Set([...ids.slice(0, 16), ids[150]]);
  bench.readings.remove(([id]) => !gone.has(id));
  await bench.forwarder.ensureLoaded();
  const { readings, forwarder, ledger } = bench;
  const told = new Map<string, number>();
  const onLost = (event: string, _: string, count: number) => void told.set(event, count);
  const parts = { buffer: new FakeBuffer(readings), readings, onLost };
  assert.ok(await new Eviction({ ...parts, forwarders: [forwarder] }).giveUp(12_000));
  bench.start();
  await caughtUp(bench);
  await bench.until(() => bench.takenGaps.length > 0 && ledger.gapRecords.length === 0);
  const [first, last] = [bench.takenGaps.find((gap) => gap['reason'] === 'buffer_full'), 149];
  const from = Number(first?.['from_seq']);
  assert.ok(from > 16 && first?.['to_seq'] === last, JSON.stringify(first));
  const evicted = bench.takenGaps.filter((gap) => gap['reason'] === 'buffer_full');
  const count = evicted.reduce((sum, gap) => sum + Number(gap['count']), 0);
  assert.deepEqual(Object.fromEntries(told), { readings_evicted: count, readings_removed: 1 });
  const removed = bench.takenGaps.filter((gap) => gap['reason'] === 'removed');
  assert.deepEqual(removed, [
    { from_seq: 150, to_seq: 150, count: 1, reason: 'removed' },
    { from_seq: 6, to_seq: 15, count: 10, reason: 'removed' },
  ]);
  const delivered = new Set(bench.takenSeqs.filter((seq) => seq > 0));
  const lost = bench.takenGaps.reduce((sum, gap) => sum + Number(gap['count']), 0);
  assert.equal(delivered.size + lost, 305);
});

test('acknowledged out of order, the cursor ends with the mark of the last', async () => {
  const [ledger, bench] = [new FakeLedger(), new ForwarderBench()];
  const flight = new Flight(ledger, bench.clock, {
    onStoreFailed: () => {},
    onForeignCursor: () => {},
  });
  await flight.load();
  const edges = (first: number, last: number) => ({
    before: { epoch: 'e', seq: first - 1 },
    last: { epoch: 'e', seq: last },
  });
  flight.settle({ after: '9-0', upTo: '12-0', count: 3 }, undefined);
  flight.settle({ after: '5-0', upTo: '9-0', count: 4 }, edges(4, 7));
  await flight.settled();
  assert.equal(ledger.mark, '0-0 5-0 e 3 12-0 e 7');
  flight.settle({ after: '0-0', upTo: '5-0', count: 5 }, edges(1, 3));
  await flight.settled();
  assert.deepEqual([ledger.lastId, ledger.mark], ['12-0', '12-0 e 7']);
});

/** Readings of ours and of others, trims, a link that fails, restarts. */
class Schedule {
  readonly bench: ForwarderBench;
  readonly log: string[] = [];
  readonly #random;
  #faulty = false;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.bench = new ForwarderBench(SETTINGS[seed % SETTINGS.length], seed);
    this.bench.destination.latency = () => this.bench.clock.sleepMs(this.#below(80));
    this.bench.destination.treat = () =>
      this.#faulty && this.#random.next() < 0.3 ? 'close' : 'acknowledge';
  }

  async run(): Promise<void> {
    const { bench } = this;
    // Before the first reading that is delivered nobody knows what there was.
    bench.produce(1);
    bench.start();
    await caughtUp(bench);
    for (let step = 0; step < STEPS; step += 1) {
      await this.#step();
      await bench.clock.advance(this.#below(1_500));
    }
    this.#faulty = false;
    bench.destination.away = false;
    // The one behind a hole is what shows it.
    bench.produce(1);
    const arrived = () => bench.takenSeqs.includes(bench.sensor.seq);
    const told = () => arrived() && bench.ledger.gapRecords.length === 0;
    assert.ok(await bench.until(told, 1_200_000));
    await caughtUp(bench);
    await bench.until(told);
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  async #step(): Promise<void> {
    const { bench } = this;
    const { destination } = bench;
    const actions: [string, () => unknown][] = [
      ['produce', () => this.#produce(40)],
      ['produce much', () => this.#produce(400)],
      ['cut', () => destination.cut()],
      ['away', () => ((destination.away = true), destination.cut())],
      ['back', () => (destination.away = false)],
      ['faulty', () => (this.#faulty = true)],
      ['sound', () => (this.#faulty = false)],
      ['trim', () => this.#trim()],
      ['remove some', () => this.#removeSome()],
      ['buffer full', () => this.#evict()],
      ['restart', async () => (await bench.stop(), bench.start())],
    ];
    const [name, act] = actions[this.#below(actions.length)] ?? ['', () => {}];
    this.log.push(name);
    await act();
  }

  /** Some stretches all ours, some all of others, some mixed. */
  #produce(limit: number): void {
    const share = [0, 0.1, 0.6, 1][this.#below(4)] ?? 0;
    for (let left = this.#below(limit); left > 0; left -= 1) {
      if (this.#random.next() < share) this.bench.readings.append(FOREIGN);
      else this.bench.produce(1);
    }
  }

  /** What XTRIM, or XADD with MAXLEN, does. */
  #trim(): void {
    const { readings } = this.bench;
    const first = readings.entries[this.#below(readings.entries.length + 1)]?.[0];
    readings.remove(([id]) => first !== undefined && compareIds(id, first) >= 0);
  }

  async #evict(): Promise<void> {
    const { readings, forwarder } = this.bench;
    await forwarder.ensureLoaded();
    const parts = { buffer: new FakeBuffer(readings), readings, onLost: () => {} };
    await new Eviction({ ...parts, forwarders: [forwarder] }).giveUp(this.#below(10_000));
  }

  /** What XDEL does, of neighbours. */
  #removeSome(): void {
    const { readings } = this.bench;
    const from = this.#below(readings.entries.length);
    const gone = readings.entries.slice(from, from + this.#below(60)).map(([id]) => id);
    readings.remove(([id]) => !gone.includes(id));
  }
}

for (const [part, settings] of SETTINGS.entries()) {
  test(`whatever is removed whenever, produced = delivered + gaps: ${JSON.stringify(settings)}`, async () => {
    for (let seed = part; seed < SCHEDULES; seed += SETTINGS.length) {
      const schedule = new Schedule(seed);
      await using bench = schedule.bench;
      await schedule.run();
      const ofOurs = bench.takenGaps.filter((gap) => gap['from_seq'] !== undefined);
      const lost = ofOurs.flatMap((gap) => {
        const [from, count] = [Number(gap['from_seq']), Number(gap['count'])];
        return Array.from({ length: count }, (_, i) => from + i);
      });
      const delivered = new Set(bench.takenSeqs.filter((seq) => seq > 0));
      const all = Array.from({ length: bench.sensor.seq }, (_, i) => i + 1);
      const silent = all.filter((seq) => !delivered.has(seq) && !lost.includes(seq));
      const invented = lost.filter((seq) => delivered.has(seq));
      const twice = lost.filter((seq, i) => lost.indexOf(seq) !== i);
      const why = `seed ${seed}: ${schedule.log.join(', ')}`;
      assert.deepEqual({ silent, invented }, { silent: [], invented: [] }, why);
      // What a process has told of readings not yet sent dies with it.
      if (!schedule.log.includes('restart')) assert.deepEqual(twice, [], why);
    }
  });
}
