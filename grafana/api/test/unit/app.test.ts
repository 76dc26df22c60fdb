/** The whole service on a store in memory and a clock moved by hand. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TransientError } from '@holdfast/kit';
import { ManualClock } from '@holdfast/kit/testing';
import { Dashboard } from '../../src/app.ts';
import { OVERVIEW, TABLE_ROUTES } from '../../src/core/contract/index.ts';
import type { Row, TableName } from '../../src/core/contract/index.ts';
import { Refusal, parseQuery } from '../../src/core/query.ts';
import { EXACT_READINGS } from '../../src/series.ts';
import { Turnstile } from '../../src/turnstile.ts';
import { facts, reading } from '../fakes/knowledge.ts';
import { MemoryStore } from '../fakes/memory-store.ts';

function bed(readings: number, spacingMs = 1_000) {
  const clock = new ManualClock();
  const store = new MemoryStore();
  const nowMs = clock.nowMs();
  store.values = Array.from({ length: readings }, (_, i) =>
    reading(nowMs - (readings - i) * spacingMs, 's', { temperature_celsius: i % 50 }),
  );
  const dashboard = new Dashboard({ store, clock, boot: '', control: false, device: '' });
  const ask = async (name: TableName, query = '') => {
    const parsed = parseQuery(new URLSearchParams(query), TABLE_ROUTES[name].parameters);
    const { body } = await dashboard.table(name, parsed);
    return JSON.parse(body.toString()) as Row[];
  };
  return { clock, store, dashboard, ask, nowMs };
}

/** For questions under way to be answered. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('the service', () => {
  test('reads few readings whole and samples many, and says which', async () => {
    const few = bed(1_000);
    const rows = await few.ask('series', `from=${few.nowMs - 900_000}&to=${few.nowMs}`);
    assert.equal(rows[0]?.['mode'], 'bucket');
    assert.equal(few.store.asked.get('windows'), undefined);
    const many = bed(EXACT_READINGS + 5_000);
    const all = await many.ask('series', `from=${many.nowMs - 86_400_000}&to=${many.nowMs}`);
    assert.equal(all[0]?.['mode'], 'sample');
    assert.equal(many.store.asked.get('page'), undefined);
  });

  test('goes over to sampling when there are more readings than expected', async () => {
    const { store, ask, nowMs } = bed(EXACT_READINGS + 5_000, 10);
    // What comes now comes slowly: nobody would expect so many a moment ago.
    store.values.push(
      ...Array.from({ length: 2_000 }, (_, i) => reading(nowMs + i * 60_000, 's', { t: 1 })),
    );
    const rows = await ask('series', `from=${nowMs - 3_600_000}&to=${nowMs}`);
    assert.equal(rows[0]?.['mode'], 'sample');
    assert.ok((store.asked.get('page') ?? 0) <= EXACT_READINGS / 1_000);
  });

  test('asks once for all who want to know at the same time, and again when it is old', async () => {
    const { store, clock, ask } = bed(10);
    await Promise.all(Array.from({ length: 10 }, async () => ask('latest')));
    await Promise.all([ask('status'), ask('sensors'), ask('links'), ask('services')]);
    assert.equal(store.asked.get('facts'), 1);
    await clock.advance(1_000);
    await ask('latest');
    assert.equal(store.asked.get('facts'), 2);
  });

  test('gives one answer to all curves over the same range', async () => {
    const { store, ask, nowMs } = bed(1_000);
    const range = `from=${nowMs - 600_000}&to=${nowMs}`;
    await ask('series', `quantity=temperature_celsius&${range}`);
    const pages = store.asked.get('page');
    await ask('series', `quantity=humidity_percent&${range}`);
    await ask('series', `sensor=s&${range}&points=310`);
    assert.equal(store.asked.get('page'), pages);
  });

  test('fails while the store is away and goes on by itself', async () => {
    const { store, ask, dashboard, clock } = bed(10);
    store.away = true;
    await assert.rejects(ask('status'), TransientError);
    await assert.rejects(dashboard.overview(), TransientError);
    store.away = false;
    await clock.advance(10);
    assert.equal((await ask('status')).length, 1);
  });

  test('puts together what the page shows', async () => {
    const { store, dashboard } = bed(10);
    store.known = facts({ sensor: { state: 'measuring', 'sensor:s': 'ok' } });
    const overview = JSON.parse((await dashboard.overview()).body.toString()) as object;
    assert.deepEqual(Object.keys(overview), OVERVIEW);
  });

  test('counts a loss once, whose record waits and whose event has been written', async () => {
    const { store, ask, nowMs } = bed(10);
    const gap = JSON.stringify({ from_seq: 1, to_seq: 1_000, count: 1_000, reason: 'buffer_full' });
    const told = ['event', 'readings_evicted', 'destination', 'mqtt', 'count', '1000'];
    store.records.mqtt = [[`${nowMs - 60_000}-0`, ['_gap', gap, '_epoch', 'e']]];
    store.told = [[`${nowMs - 60_000}-1`, ['service', 'mqtthandler', ...told]]];
    const rows = await ask('gaps');
    assert.deepEqual(
      rows.map((row) => [row['count'], row['state'], row['to_seq']]),
      [[1_000, 'waiting', 1_000]],
    );
  });

  test('takes a sample of its figures every ten seconds, none while the store is away', async () => {
    const { store, dashboard, clock, ask } = bed(10);
    const stop = new AbortController();
    const kept = dashboard.keepHistory(stop.signal);
    const tick = async () => {
      // For the questions of a sample to be answered.
      await settle();
      await clock.advance(10_000);
    };
    for (let i = 0; i < 3; i += 1) await tick();
    store.away = true;
    for (let i = 0; i < 3; i += 1) await tick();
    stop.abort();
    await tick();
    await kept;
    store.away = false;
    await clock.advance(10_000);
    assert.equal((await ask('history')).length, 4);
  });
});

describe('expensive questions', () => {
  test('come one after the other, each followed by a rest as long as the work', async () => {
    const clock = new ManualClock();
    const turnstile = new Turnstile(clock);
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(name);
      await clock.advance(50);
      return name;
    };
    const both = [turnstile.pass(work('first')), turnstile.pass(work('second'))];
    assert.equal(await both[0], 'first');
    await settle();
    assert.deepEqual(order, ['first']);
    await clock.advance(49);
    await settle();
    assert.deepEqual(order, ['first']);
    await clock.advance(1);
    assert.equal(await both[1], 'second');
  });

  test('that fail let the next one pass', async () => {
    const clock = new ManualClock();
    const turnstile = new Turnstile(clock);
    await assert.rejects(
      turnstile.pass(() => Promise.reject(new Error('away'))),
      /away/,
    );
    assert.equal(await turnstile.pass(() => Promise.resolve('next')), 'next');
  });

  test('are refused when too many wait, and taken again when there is room', async () => {
    const turnstile = new Turnstile(new ManualClock());
    let finish: (() => void) | undefined;
    const first = turnstile.pass(async () => new Promise<void>((resolve) => (finish = resolve)));
    await settle();
    const ask = async () =>
      turnstile.pass(() => Promise.resolve('answered')).catch((error: unknown) => error);
    const rest = Promise.all(Array.from({ length: 60 }, ask));
    const late = Promise.race([rest, settle()]);
    assert.equal(await late, undefined, 'those that wait do so until the first is done');
    finish?.();
    await first;
    const answers = await rest;
    assert.equal(answers.filter((answer) => answer === 'answered').length, 32);
    const refused = answers.filter((answer) => answer instanceof Refusal && answer.status === 429);
    assert.equal(refused.length, 28);
    assert.equal(await ask(), 'answered');
  });
});
