/** Events, losses, states and figures over time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StreamEntry } from '@holdfast/redis';
import { TABLE_ROUTES } from '../../src/core/contract/index.ts';
import type { Row } from '../../src/core/contract/index.ts';
import { eventOf, eventRow } from '../../src/core/events.ts';
import { gapOfEvent, gapOfRecord, lossRows } from '../../src/core/gaps.ts';
import { History, historyRow, sampleOf } from '../../src/core/history.ts';
import { changeOf, present, stateRows } from '../../src/core/states.ts';
import { NOW_MS, facts, known } from '../fakes/knowledge.ts';

const names = (table: keyof typeof TABLE_ROUTES) =>
  TABLE_ROUTES[table].columns.map(({ name }) => name);
const event = (timeMs: number, fields: Record<string, string>): StreamEntry => [
  `${timeMs}-0`,
  Object.entries(fields).flat(),
];

describe('events', () => {
  test('are told in words, however little they say', () => {
    const row = eventRow(
      eventOf(event(NOW_MS, { service: 'sensor', event: 'sensor_lost', sensor: 'x', code: 'EIO' })),
    );
    assert.deepEqual(Object.keys(row), names('events'));
    assert.deepEqual(
      [row['title'], row['text'], row['level']],
      ['Sensor lost: x', 'sensor: x, code: EIO', 'bad'],
    );
    assert.equal(eventRow(eventOf(event(NOW_MS, {})))['title'], 'Unknown');
    const long = { service: 'p', event: 'e'.repeat(500), x: 'y'.repeat(5_000) };
    assert.ok(JSON.stringify(eventRow(eventOf(event(NOW_MS, long)))).length < 1_500);
  });

  test('of losses are losses', () => {
    const row = gapOfEvent(
      eventOf(event(NOW_MS, { event: 'readings_evicted', count: '1000', destination: 'mqtt' })),
    );
    assert.deepEqual(Object.keys(row ?? {}), names('gaps'));
    assert.deepEqual(
      [row?.['reason'], row?.['count'], row?.['state']],
      ['buffer_full', 1_000, 'told'],
    );
    assert.equal(gapOfEvent(eventOf(event(NOW_MS, { event: 'link_up' }))), undefined);
  });

  test('and records of losses that cannot be read are passed over', () => {
    const record = (gap: string): StreamEntry => [`${NOW_MS}-0`, ['_epoch', 'e', '_gap', gap]];
    const row = gapOfRecord(
      record('{"from_seq":3,"to_seq":5,"count":3,"reason":"removed"}'),
      'mqtt',
    );
    assert.deepEqual(
      [row?.['from_seq'], row?.['to_seq'], row?.['count'], row?.['state']],
      [3, 5, 3, 'waiting'],
    );
    for (const gap of ['', 'null', '[', '7'])
      assert.equal(gapOfRecord(record(gap), 'hub'), undefined);
  });
});

describe('losses', () => {
  const record = (timeMs: number, count: number): StreamEntry => [
    `${timeMs}-0`,
    ['_epoch', 'e', '_gap', JSON.stringify({ count, reason: 'buffer_full' })],
  ];
  const evicted = (timeMs: number, count: number, destination = 'mqtt') =>
    eventOf(event(timeMs, { event: 'readings_evicted', count: String(count), destination }));
  const nothing = { records: [], complete: true };
  const rows = (
    events: Parameters<typeof lossRows>[0],
    records: StreamEntry[],
    complete = true,
    hub = nothing,
  ) =>
    lossRows(events, { mqtt: { records, complete }, hub }).map(
      (row) => [row['destination'], row['count'], row['state']] as const,
    );

  test('that wait to be reported are not counted by their event, too, nor called reported', () => {
    const all = rows([evicted(NOW_MS + 1, 1_000)], [record(NOW_MS, 1_000)]);
    assert.deepEqual(all, [['mqtt', 1_000, 'waiting']]);
  });

  test('are told when their record has gone, together with those that still wait', () => {
    const events = [evicted(NOW_MS + 1, 10), evicted(NOW_MS + 5_001, 20)];
    assert.deepEqual(rows(events, [record(NOW_MS + 5_000, 20)]), [
      ['mqtt', 10, 'told'],
      ['mqtt', 20, 'waiting'],
    ]);
    assert.deepEqual(rows(events, []), [
      ['mqtt', 10, 'told'],
      ['mqtt', 20, 'told'],
    ]);
  });

  test('of one event of which a part is told already, are both parts', () => {
    assert.deepEqual(rows([evicted(NOW_MS + 9, 1_000)], [record(NOW_MS + 5, 600)]), [
      ['mqtt', 600, 'waiting'],
      ['mqtt', 400, 'told'],
    ]);
  });

  test('that two lanes find at the same moment are counted once', () => {
    const events = [evicted(NOW_MS + 2, 5), evicted(NOW_MS + 3, 3)];
    const records = [record(NOW_MS, 5), record(NOW_MS + 1, 3)];
    assert.deepEqual(rows(events, records), [
      ['mqtt', 5, 'waiting'],
      ['mqtt', 3, 'waiting'],
    ]);
  });

  test('for one reason say nothing about another, also at the same moment', () => {
    const large: StreamEntry = [`${NOW_MS}-0`, ['_gap', '{"count":5,"reason":"too_large"}']];
    assert.deepEqual(rows([evicted(NOW_MS, 1_000)], [large]), [
      ['mqtt', 1_000, 'told'],
      ['mqtt', 5, 'waiting'],
    ]);
  });

  test('behind more records than are looked at wait as well', () => {
    const events = [evicted(NOW_MS + 1, 5), evicted(NOW_MS + 9_000, 7)];
    assert.deepEqual(rows(events, [record(NOW_MS, 5)], false), [
      ['mqtt', 5, 'waiting'],
      ['mqtt', 7, 'waiting'],
    ]);
  });

  test('of one destination say nothing about the other, and those of all stay', () => {
    const dropped = eventOf(event(NOW_MS + 2, { event: 'readings_dropped', count: '4' }));
    const events = [evicted(NOW_MS + 1, 5), evicted(NOW_MS + 1, 5, 'hub'), dropped];
    assert.deepEqual(rows(events, [record(NOW_MS, 5)]), [
      ['mqtt', 5, 'waiting'],
      ['hub', 5, 'told'],
      ['all', 4, 'told'],
    ]);
  });
});

describe('states over time', () => {
  const at = (seconds: number, fields: Record<string, string>) =>
    eventOf(event(NOW_MS - seconds * 1_000, fields));
  const events = [
    at(90, { service: 'startstopbutton', event: 'measuring_stopped', source: 'button' }),
    at(90, { service: 'sensor', event: 'measuring_paused' }),
    at(60, { service: 'mqtthandler', event: 'link_down', destination: 'mqtt' }),
    at(30, { service: 'sensor', event: 'measuring_resumed' }),
    at(20, { service: 'mqtthandler', event: 'link_up', destination: 'mqtt' }),
  ].flatMap((one) => changeOf(one) ?? []);
  const current = present(known({ facts: facts({ mqtthandler: { mqtt_state: 'connected' } }) }));
  const of = (rows: Row[], subject: string) =>
    rows
      .filter((row) => row['subject'] === subject)
      .map((row) => [(Number(row['time']) - NOW_MS) / 1_000, row['state'], row['source']]);

  test('begin with what was before, change where something happened, end with the present', () => {
    const rows = stateRows(events, current, NOW_MS - 75_000, NOW_MS, NOW_MS - 90_000);
    assert.deepEqual(Object.keys(rows[0] ?? {}), names('states'));
    assert.deepEqual(of(rows, 'measuring'), [
      [-75, 'off', 'button'],
      [-30, 'on', ''],
      [0, 'on', ''],
    ]);
    assert.deepEqual(of(rows, 'mqtt'), [
      [-75, 'connected', ''],
      [-60, 'lost', ''],
      [-20, 'connected', ''],
      [0, 'connected', ''],
    ]);
  });

  test('are known back to the oldest event, because only what was on can be switched off', () => {
    const [first] = events;
    assert.ok(first !== undefined);
    const rows = stateRows([first], [], NOW_MS - 300_000, NOW_MS, NOW_MS - 200_000);
    assert.deepEqual(of(rows, 'measuring'), [
      [-300, 'unknown', ''],
      [-200, 'on', ''],
      [-90, 'off', 'button'],
      [0, 'off', 'button'],
    ]);
  });

  test('of the past end with the range, not with the present', () => {
    const rows = stateRows(events, current, NOW_MS - 75_000, NOW_MS - 40_000, NOW_MS);
    assert.deepEqual(of(rows, 'measuring'), [
      [-75, 'off', 'button'],
      [-40, 'off', 'button'],
    ]);
  });

  test('without any event are what they are now', () => {
    assert.deepEqual(of(stateRows([], current, NOW_MS - 10_000, NOW_MS, NOW_MS), 'measuring'), [
      [-10, 'on', ''],
      [0, 'on', ''],
    ]);
  });
});

describe('figures over time', () => {
  const handler = (readings: number) => ({
    started: '1',
    mqtt_state: 'connected',
    backlog: '3',
    mqtt_acknowledged_readings: String(readings),
    mqtt_retried_messages: '1',
  });
  const sample = (seconds: number, readings: number) =>
    sampleOf(
      known({
        now: { wallMs: NOW_MS + seconds * 1_000, uptimeMs: 0, boot: '' },
        facts: facts({ mqtthandler: handler(readings) }),
        memory: { usedBytes: 5, limitBytes: null, aofBytes: readings * 100 },
      }),
      seconds * 1_000,
    );

  test('are differences where the one before is known', () => {
    const row = historyRow(sample(10, 150), sample(0, 100));
    assert.deepEqual(Object.keys(row), names('history'));
    assert.deepEqual([row['mqtt_readings_per_second'], row['card_bytes_per_second']], [5, 500]);
    assert.deepEqual([row['retried_messages'], row['hub_readings_per_second']], [0, null]);
    assert.deepEqual([row['mqtt_connected'], row['hub_connected']], [true, null]);
  });

  test('are not known after a restart of what counts, or a pause', () => {
    assert.equal(historyRow(sample(10, 20), sample(0, 100))['mqtt_readings_per_second'], null);
    assert.equal(historyRow(sample(100, 150), sample(0, 100))['mqtt_readings_per_second'], null);
    assert.equal(historyRow(sample(0, 1), undefined)['mqtt_readings_per_second'], null);
  });

  test('are thinned out to the points asked for, without losing what happened', () => {
    const history = new History();
    for (let i = 0; i < 1_000; i += 1) history.add(sample(i * 10, i * 20));
    const rows = history.rows(NOW_MS, NOW_MS + 1e8, 100);
    assert.ok(rows.length >= 95 && rows.length <= 100, `${rows.length} rows`);
    assert.equal(rows.at(-1)?.['time'], NOW_MS + 9_990_000);
    assert.equal(rows.at(-1)?.['mqtt_readings_per_second'], 2);
  });

  test('are kept for a day', () => {
    const history = new History();
    for (let i = 0; i < 10_000; i += 1) history.add(sample(i * 10, i));
    assert.ok(history.length >= 8_640 && history.length < 8_640 + 256);
  });
});
