import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StreamEntry } from '@holdfast/redis';
import { TABLE_ROUTES } from '../../src/core/contract/index.ts';
import { forecastOf } from '../../src/core/forecast.ts';
import { freshness } from '../../src/core/freshness.ts';
import { latestRows, quantityRows, readingRows, sensorRows } from '../../src/core/latest.ts';
import { linkOf, linkRows } from '../../src/core/links.ts';
import { remember } from '../../src/core/memory.ts';
import { provisioningRow } from '../../src/core/provisioning.ts';
import { seen, sensorsSeen } from '../../src/core/readings.ts';
import { serviceRows } from '../../src/core/services.ts';
import { observe, silentMs } from '../../src/core/silence.ts';
import { statusRow } from '../../src/core/status.ts';
import { BOOT, NOW_MS, UPTIME_MS, facts, known, reading } from '../fakes/knowledge.ts';

const names = (table: keyof typeof TABLE_ROUTES) =>
  TABLE_ROUTES[table].columns.map(({ name }) => name);
describe('the newest values', () => {
  const entries = [0, 1, 2, 3].map((i) =>
    reading(NOW_MS - 500 - i * 1_000, 'bme280-1-76', { temperature_celsius: 20 + i }),
  );

  test('carry unit, age and interval', () => {
    const [row] = latestRows(known({}, entries));
    assert.deepEqual(Object.keys(row ?? {}), names('latest'));
    assert.equal(row?.['value'], 20);
    assert.equal(row['unit'], '°C');
    assert.equal(row['age_ms'], 500);
    assert.equal(row['interval_ms'], 1_000);
    assert.equal(row['freshness'], 'fresh');
  });

  test('of this boot are dated by the time since boot, whatever the clock says', () => {
    const ahead = reading(
      NOW_MS + 9e8,
      's',
      { t: 1 },
      { _boot: BOOT, _uptime_ms: String(UPTIME_MS - 700) },
    );
    const all = known({}, [ahead]);
    assert.equal(latestRows(all)[0]?.['age_ms'], 700);
    assert.equal(statusRow(all)['clock'], 'ahead');
    const other = reading(NOW_MS - 5_000, 's', { t: 1 }, { _boot: 'another', _uptime_ms: '1' });
    assert.equal(latestRows(known({}, [other]))[0]?.['age_ms'], 5_000);
  });

  test('are null where the newest reading lacks them, and say why', () => {
    const older = reading(NOW_MS - 1_000, 's', { t: 20, h: 40 });
    const newest = reading(NOW_MS, 's', { h: 41 }, { _quality: 'out_of_range' });
    const rows = latestRows(known({}, [newest, older]));
    const row = rows.find(({ quantity }) => quantity === 't');
    assert.deepEqual(
      [row?.['value'], row?.['text'], row?.['quality']],
      [null, null, 'out_of_range'],
    );
    assert.equal(rows.find(({ quantity }) => quantity === 'h')?.['value'], 41);
  });

  test('of a program that sends each quantity by itself are not missing', () => {
    const list: StreamEntry[] = [
      [`${NOW_MS}-0`, ['door', 'open']],
      [`${NOW_MS - 1}-0`, ['rain_mm', '2']],
    ];
    const rows = latestRows(known({}, list));
    assert.deepEqual(
      rows.map(({ sensor, quantity, value, text }) => [sensor, quantity, value, text]),
      [
        ['other', 'door', null, 'open'],
        ['other', 'rain_mm', 2, '2'],
      ],
    );
  });

  test('are late, old or paused by what is usual for them', () => {
    assert.equal(freshness(4_000, 1_000, true), 'fresh');
    assert.equal(freshness(6_000, 1_000, true), 'late');
    assert.equal(freshness(61_000, 1_000, true), 'old');
    assert.equal(freshness(170_000, 60_000, true), 'fresh');
    assert.equal(freshness(599_000, 60_000, true), 'late');
    assert.equal(freshness(6_000, 1_000, false), 'paused');
    assert.equal(freshness(null, null, true), 'old');
  });
});

describe('sensors', () => {
  const sensor = {
    state: 'measuring',
    interval_seconds: '1',
    'sensor:host': 'ok',
    'sensor:bme280-1-76': 'lost: ENXIO no answer: at 0x76',
  };

  test('that have failed are shown, with the reason, also without a reading', () => {
    const all = known({ facts: facts({ sensor }) }, [reading(NOW_MS, 'host', { load_1m: 1 })]);
    const [lost, host] = sensorRows(all);
    assert.deepEqual(Object.keys(lost ?? {}), names('sensors'));
    assert.deepEqual(
      [lost?.['sensor'], lost?.['state'], lost?.['level'], lost?.['detail'], lost?.['time']],
      ['bme280-1-76', 'lost', 'bad', 'ENXIO no answer: at 0x76', null],
    );
    assert.deepEqual([host?.['level'], host?.['quality']], ['good', 'good']);
    assert.equal(statusRow(all)['sensors_lost'], 1);
    assert.equal(serviceRows(all)[0]?.['level'], 'warning');
  });

  test('with doubtful readings need attention', () => {
    const entry = reading(NOW_MS, 'host', { load_1m: 1 }, { _quality: 'stuck' });
    const rows = sensorRows(known({ facts: facts({ sensor }) }, [entry]));
    assert.equal(rows.find((row) => row['sensor'] === 'host')?.['level'], 'warning');
  });

  test('that are slow are remembered beside fast ones, and forgotten with the buffer', () => {
    const slow = seen(reading(NOW_MS - 60_000, 'slow', { t: 1 }));
    const fast = seen(reading(NOW_MS, 'fast', { t: 2 }));
    assert.ok(slow !== undefined && fast !== undefined);
    const first = remember(new Map(), sensorsSeen([slow]));
    const second = remember(first, sensorsSeen([fast]));
    assert.deepEqual([...second.keys()].sort(), ['fast', 'slow']);
    const again = seen(reading(NOW_MS + 1, 'slow', { t: 1 }));
    assert.ok(again !== undefined);
    assert.equal(remember(second, sensorsSeen([again])).get('slow')?.intervalMs, 60_001);
    assert.equal(remember(second, new Map()).size, 0);
  });

  test('tell what is measured, the most wanted first', () => {
    const list = [
      reading(NOW_MS, 'a', { load_1m: 1, temperature_celsius: 2 }),
      reading(NOW_MS, 'b', { temperature_celsius: 3 }),
    ];
    const rows = quantityRows(known({}, list), () => true);
    assert.deepEqual(Object.keys(rows[0] ?? {}), names('quantities'));
    assert.deepEqual(
      rows.map((row) => [row['quantity'], row['sensors']]),
      [
        ['temperature_celsius', 'a,b'],
        ['load_1m', 'a'],
      ],
    );
  });

  test('list their readings in words', () => {
    const [row] = readingRows([reading(NOW_MS, 'a', { temperature_celsius: 2.5, door: 'open' })]);
    assert.deepEqual(Object.keys(row ?? {}), names('readings'));
    assert.equal(row?.['values'], 'Temperature 2.5 °C, Door open');
    assert.equal(row['seq'], 1);
  });
});

describe('the buffer', () => {
  const handler = (fields: Record<string, string>) =>
    forecastOf({ backlog: '0', ...fields }, undefined).words;

  test('goes on as the mqtthandler says, in words', () => {
    assert.equal(handler({ drained_in_seconds: '0' }), 'everything is delivered');
    assert.equal(
      handler({ backlog: '1', full_in_seconds: '864000' }),
      '1 reading waiting, room for 10 d more',
    );
    assert.equal(
      handler({ backlog: '12000', drained_in_seconds: '90' }),
      '12,000 readings waiting, gone in 2 min',
    );
    assert.equal(handler({ backlog: '400' }), '400 readings waiting');
    assert.equal(forecastOf({}, undefined).words, 'not known yet');
  });

  test('does not say that readings are delivered where no destination is set up', () => {
    assert.equal(handler({ started: '1' }), 'no destination is set up');
    assert.equal(handler({ started: '1', hub_state: 'connected' }), 'everything is delivered');
  });

  test('is not known while the mqtthandler does not report', () => {
    const { backlog, words } = forecastOf({ backlog: '5' }, 45_000);
    assert.equal(backlog, null);
    assert.match(words, /^unknown: the mqtthandler has not reported for 45 s$/);
  });

  test('the mqtthandler is silent when readings come and its status stays the same', () => {
    let silence = observe(undefined, 'a', '1-0', 0);
    silence = observe(silence, 'a', '1-0', 100_000);
    assert.equal(silentMs(silence, 100_000), undefined, 'nothing came, nothing to report');
    silence = observe(silence, 'a', '2-0', 101_000);
    assert.equal(silentMs(silence, 130_000), undefined);
    assert.equal(silentMs(silence, 131_001), 131_001);
    assert.equal(silentMs(observe(silence, 'b', '3-0', 132_000), 132_000), undefined);
    assert.equal(silentMs({ ...silence, status: '' }, 1e9), undefined, 'was never there');
  });
});

describe('destinations', () => {
  const connected = {
    mqtt_state: 'connected',
    mqtt_last_error: '',
    mqtt_sent_messages: '7',
    started: '1',
  };

  test('have a row each, also the one that is not set up', () => {
    const [mqtt, hub] = linkRows(
      known({ facts: facts({ mqtthandler: connected }, { mqttLastId: `(${NOW_MS - 500}-0` }) }),
    );
    assert.deepEqual(Object.keys(mqtt ?? {}), names('links'));
    assert.deepEqual(
      [mqtt?.['state'], mqtt?.['last_age_ms'], mqtt?.['sent_messages']],
      ['connected', 500, 7],
    );
    assert.deepEqual([hub?.['configured'], hub?.['state'], hub?.['last_id']], [false, 'off', null]);
  });

  test('are paused, lost or silent in words', () => {
    const of = (
      mqtthandler: Record<string, string>,
      mqttEnabled = '1',
      handlerSilentMs?: number,
    ) => {
      const { state, level, detail } = linkOf(
        known({ facts: facts({ mqtthandler }, { mqttEnabled }), handlerSilentMs }),
        'mqtt',
      );
      return [state, level, detail];
    };
    assert.deepEqual(of(connected), ['connected', 'good', 'connected']);
    assert.deepEqual(of(connected, '0'), ['paused', 'idle', 'paused by mqtt_sender:enabled']);
    assert.deepEqual(of({ mqtt_state: 'waiting', mqtt_last_error: 'ECONNREFUSED' }), [
      'waiting',
      'bad',
      'waiting: ECONNREFUSED',
    ]);
    assert.equal(of(connected, '1', 60_000)[0], 'silent');
  });

  test('that lose the same readings have lost them once', () => {
    const mqtthandler = { mqtt_gap_readings: '1000', hub_gap_readings: '1000' };
    const row = statusRow(known({ facts: facts({ mqtthandler }) }));
    assert.equal(row['gap_readings'], 1_000);
  });

  test('do not call a hub connected that the mqtthandler no longer knows', () => {
    const mqtthandler = { started: '1', mqtt_state: 'connected' };
    const all = known({ facts: facts({ mqtthandler, hubLink: { state: 'connected' } }) });
    assert.equal(linkOf(all, 'hub').configured, false);
  });

  test('tell since when the hub cannot be reached', () => {
    const hubLink = {
      state: 'failed',
      outcome: 'network',
      failing_since_ms: String(NOW_MS - 120_000),
    };
    const all = known({ facts: facts({ mqtthandler: { hub_state: 'waiting' }, hubLink }) });
    assert.equal(linkOf(all, 'hub').detail, 'waiting for 2 min: network');
  });
});

describe('provisioning', () => {
  test('is off without any of its keys', () => {
    const row = provisioningRow(known());
    assert.deepEqual(Object.keys(row), names('provisioning'));
    assert.deepEqual([row['configured'], row['state'], row['level']], [false, 'off', 'idle']);
  });

  test('tells state, next attempt and hub', () => {
    const hashes = {
      provisioning: {
        state: 'waiting',
        reason: 'throttled',
        attempt: '3',
        next_attempt_ms: String(NOW_MS + 60_000),
      },
      assignment: {
        host: 'h.example',
        device_id: 'd',
        generation: '2',
        assigned_ms: String(NOW_MS - 9),
      },
    };
    const row = provisioningRow(known({ facts: facts(hashes, { request: `${NOW_MS} button` }) }));
    assert.equal(row['level'], 'warning');
    assert.equal(row['next_attempt_in_ms'], 60_000);
    assert.deepEqual([row['hub_host'], row['device_id'], row['generation']], ['h.example', 'd', 2]);
    assert.deepEqual([row['requested'], row['requested_by']], [NOW_MS, 'button']);
  });
});

test('every table has the members of its columns, and no others', () => {
  const all = known();
  assert.deepEqual(Object.keys(statusRow(all)), names('status'));
  for (const row of serviceRows(all)) assert.deepEqual(Object.keys(row), names('services'));
});
