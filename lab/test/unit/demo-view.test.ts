import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { columns, plain } from '../../demo/src/core/format.ts';
import { PARTS } from '../../demo/src/core/parts.ts';
import { render, summary } from '../../demo/src/core/view.ts';
import type { DemoView } from '../../demo/src/core/view.ts';

const VIEW: DemoView = {
  elapsedSeconds: 125,
  limitSeconds: undefined,
  phase: 'running',
  parts: PARTS.mqtt.map((name) => ({ name, pid: 1_234_567, up: true, restarts: 0 })),
  networkCut: false,
  cloud: undefined,
  measuring: true,
  sensors: [
    { id: 'bme280-1-76', perSecond: 5, values: ['21.53 °C', '1013.2 hPa', '45 %'] },
    { id: 'host', perSecond: 4.96, values: ['cpu 48.2 °C', 'load 0.31', 'memory free 1.9 GB'] },
  ],
  temperatures: [21, 21.5, 22, 21.53],
  deliveredHistory: [10, 10, 0, 10],
  produced: 421,
  delivered: 400,
  notDelivered: 21,
  missing: 0,
  notAcknowledged: 22,
  acknowledgedId: '1763760000000-0',
  link: 'connected',
  nextAttemptInSeconds: undefined,
  buffer: {
    usedBytes: 41_000,
    capacityBytes: 64_000_000,
    fullInSeconds: undefined,
    drainedInSeconds: undefined,
  },
  duplicates: 3,
  gapReadings: 0,
  firstDeliveredSeconds: 1.62,
  events: [
    { elapsedSeconds: 61, source: 'you', text: 'cut the network', level: 'info' },
    { elapsedSeconds: 62, source: 'mqtthandler', text: 'broker lost', level: 'warn' },
  ],
  pageUrl: 'http://127.0.0.1:8080/',
  choosing: false,
};

const CLOUD: NonNullable<DemoView['cloud']> = {
  command: 'npx holdfast-cloud watch --admin http://127.0.0.1:43217',
  hubs: ['hub-a', 'hub-b'].map((name) => ({
    name,
    connected: true,
    away: true,
    messages: 1,
    readings: 2,
    duplicates: 3,
  })),
  provisioning: { state: 'connected', reason: 'hub_connected', nextAttemptInSeconds: undefined },
  assignedHub: 'hub-a',
  throttled: true,
  disabled: true,
  registrations: 1,
  lookups: 1,
  polls: 1,
  refused: 1,
};

const size = (columns: number, rows: number) => ({ columns, rows });
const shown = (view: Partial<DemoView>, columns = 80, rows = 24) =>
  render({ ...VIEW, ...view }, size(columns, rows)).map((row) => plain(row).trimEnd());
const find = (rows: readonly string[], start: string) =>
  rows.find((row) => row.startsWith(start)) ?? assert.fail(`no row begins with ${start}`);

describe('the live picture', () => {
  for (const [width, height] of [
    [80, 24],
    [100, 30],
    [60, 24],
    [200, 60],
    [20, 5],
    [1, 1],
  ] as const) {
    test(`never exceeds a terminal of ${width} x ${height}, whatever happens`, () => {
      const views: Partial<DemoView>[] = [
        {},
        { choosing: true, networkCut: true, measuring: false },
        { phase: 'proving', limitSeconds: 86_400, notDelivered: 1_000_000 },
        { sensors: [], temperatures: [], deliveredHistory: [], buffer: undefined, parts: [] },
        { parts: VIEW.parts.map((part) => ({ ...part, restarts: 12 })) },
        { cloud: CLOUD },
        { temperatures: Array.from({ length: 500 }, (_, i) => i) },
      ];
      for (const view of views) {
        const rows = render({ ...VIEW, ...view }, size(width, height));
        assert.ok(rows.length <= height);
        for (const row of rows) assert.ok(columns(row) <= width, `${columns(row)}: ${plain(row)}`);
      }
    });
  }

  test('fills the terminal, so that the keys stand in the last row', () => {
    for (const height of [24, 30, 50]) {
      const rows = shown({}, 80, height);
      assert.equal(rows.length, height);
      assert.match(rows.at(-1) ?? '', /^b button {3}n cut network {3}1-5 kill -9/);
    }
  });

  test('opens with the address of the page', () => {
    assert.equal(shown({})[1], 'In your browser: http://127.0.0.1:8080/');
    assert.equal(shown({ pageUrl: undefined })[1], 'In your browser: in a moment');
  });

  test('says of each process whether it is up, with its pid and how often it was restarted', () => {
    const [first, ...others] = VIEW.parts;
    assert.ok(first !== undefined);
    const parts = [{ ...first, up: false, restarts: 2 }, ...others];
    const row = find(shown({ parts }, 100), '1 sensor');
    assert.match(row, /^1 sensor +DOWN restarts 2 +2 startstopbutton up pid 1234567$/);
    assert.match(
      find(shown({ parts }), '1 sensor'),
      /DOWN restarts 2 +2 startstopbutton up 1234567/,
    );
  });

  test('shows a row per sensor with its rate and its last values', () => {
    const rows = shown({});
    assert.equal(find(rows, 'bme280'), 'bme280-1-76   5.0/s  21.53 °C  1013.2 hPa  45 %');
    assert.match(find(rows, 'host'), /5\.0\/s {2}cpu 48\.2 °C {2}load 0\.31/);
  });

  test('draws the temperature between its own bounds and deliveries from nothing', () => {
    const rows = shown({});
    assert.match(find(rows, 'temperature'), /▁▅█▅ 21\.53 °C$/);
    assert.match(find(rows, 'delivered/s'), /██▁█ 10$/);
    assert.match(find(shown({ deliveredHistory: [5, 5] }), 'delivered/s'), / ██ 5$/);
  });

  test('tells backlog, acknowledged id and what was dropped', () => {
    const rows = shown({});
    assert.equal(
      find(rows, 'stored'),
      'stored 421  at the subscriber 400  backlog 21  unacknowledged 22',
    );
    assert.equal(find(rows, 'link'), 'link connected  acknowledged up to 1763760000000-0');
    assert.match(
      find(rows, 'duplicates'),
      /dropped 3 {2}recorded as gap 0 .*first reading after 1\.6 s$/,
    );
  });

  test('tells the state of the link and when the next attempt is due', () => {
    const rows = shown({ link: 'waiting', nextAttemptInSeconds: 11.6 });
    assert.match(find(rows, 'link'), /^link waiting, next attempt in 12 s {2}/);
    assert.match(find(shown({ link: '' }), 'link'), /^link unknown /);
  });

  test('tells how long the buffer will last and when the backlog is gone', () => {
    const buffer = {
      usedBytes: 32_000_000,
      capacityBytes: 64_000_000,
      fullInSeconds: 200_000,
      drainedInSeconds: 45,
    };
    assert.equal(
      find(shown({ buffer }), 'buffer'),
      'buffer [#####-----] 32.0 MB of 64.0 MB, lasts 2 days, backlog gone in 45 s',
    );
    assert.match(find(shown({ buffer, notDelivered: 0 }), 'buffer'), /lasts 2 days$/);
    assert.match(
      find(shown({ notDelivered: 0 }), 'buffer'),
      /41\.0 KB of 64\.0 MB, not filling up$/,
    );
    assert.match(find(shown({}), 'buffer'), /not known yet$/);
  });

  test('says in words what is cut, paused or ending', () => {
    assert.match(find(shown({ networkCut: true }), '5 mosquitto'), /n network +CUT$/);
    assert.match(shown({ networkCut: true }).at(-1) ?? '', /n restore network/);
    assert.match(shown({ measuring: false })[0] ?? '', /PAUSED by the button/);
    assert.match(shown({ phase: 'proving' })[0] ?? '', /stopped, 21 readings on their way/);
    assert.match(shown({ limitSeconds: 20 })[0] ?? '', /02:05 of 00:20$/);
  });

  test('with a cloud shows provisioning and hubs, and still has room for events and keys', () => {
    const rows = shown({ cloud: CLOUD, missing: 2 });
    assert.equal(rows.length, 24);
    assert.match(rows[0] ?? '', /every reading goes to an Azure IoT Hub/);
    assert.match(find(rows, 'In your browser'), /The cloud: npx holdfast-cloud watch/);
    assert.match(find(rows, 'stored'), /at the hubs 400 .* lost 2 {2}gaps 0$/);
    assert.equal(find(rows, 'provisioning'), 'provisioning connected (hub_connected)');
    assert.match(find(rows, '5 mosquitto'), /t DPS +THROTTLED device DISABLED$/);
    assert.match(find(rows, '> hub-a'), /AWAY +readings 2 {2}duplicates 3 {2}messages 1$/);
    assert.match(rows.at(-3) ?? '', /broker lost$/);
    assert.match(rows.at(-1) ?? '', /^b button .* h hub back {2}1-5 kill {2}q end$/);
  });

  test('asks which process to kill', () => {
    assert.match(shown({ choosing: true }).at(-1) ?? '', /^kill -9: 1 sensor {2}2 startstopbutton/);
  });

  test('shows the newest events that have room, the oldest of them first', () => {
    const events = Array.from({ length: 40 }, (_, i) => ({
      elapsedSeconds: i,
      source: 'sensor',
      text: `event ${i}`,
      level: 'info' as const,
    }));
    const rows = shown({ events }).filter((row) => row.includes(' event '));
    assert.equal(rows.at(-1), '00:39 sensor          event 39');
    assert.ok(rows.length >= 5 && rows.length < 40);
  });

  test('does without UTF-8 where the terminal does not know it', () => {
    for (const row of render(VIEW, size(80, 24), false)) {
      assert.match(plain(row), /^[\u0020-\u007e]*$/);
    }
  });

  test('fits in one line of a log', () => {
    assert.equal(
      summary({ ...VIEW, measuring: false, link: 'waiting', nextAttemptInSeconds: 3 }),
      'bme280-1-76 5.0/s  host 5.0/s  paused  stored 421  delivered 400  backlog 21' +
        '  link waiting, next attempt in 3 s',
    );
  });
});
