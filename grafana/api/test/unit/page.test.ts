/** What the page makes of the answers, without a browser. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { plotWords, plotsOf, sparkOf, timeMarks } from '../../page/core/plot.ts';
import type { Curves, Overview, Row } from '../../page/core/rows.ts';
import { ago, ahead, bytes, measured, rate } from '../../page/core/show.ts';
import { verdictOf } from '../../page/core/verdict.ts';

const CURVES: Curves = {
  mode: 'bucket',
  from: 0,
  to: 100,
  step_ms: 20,
  time: [0, 20, 30, 40, 60],
  curves: [
    {
      sensor: 'a',
      quantity: 't',
      label: 'Temperature',
      unit: '°C',
      value: [20, 21, null, 22, null],
      min: [19, 20, null, 21, null],
      max: [21, 22, null, 23, null],
      breaks: [2],
    },
    {
      sensor: 'b',
      quantity: 't',
      label: 'Temperature',
      unit: '°C',
      value: [null, null, null, null, 5],
      min: [],
      max: [],
      breaks: [],
    },
  ],
};

describe('charts', () => {
  test('break a line where it is broken, and only there', () => {
    const [plot, ...others] = plotsOf(CURVES);
    assert.equal(others.length, 0);
    assert.deepEqual(plot?.lines[0]?.value, [20, 21, null, 22, undefined]);
    assert.deepEqual(plot?.lines[1]?.value, [undefined, undefined, undefined, undefined, 5]);
  });

  test('leave out the whole gap, also where another sensor has values meanwhile', () => {
    const [curve] = CURVES.curves;
    assert.ok(curve !== undefined);
    const value = [1, null, null, null, 2];
    const [plot] = plotsOf({ ...CURVES, curves: [{ ...curve, value, breaks: [3] }] });
    assert.deepEqual(plot?.lines[0]?.value, [1, null, null, null, 2]);
    assert.match(plotWords(plot), /1 gap$/);
  });

  test('say in words what they show', () => {
    const [plot] = plotsOf(CURVES);
    assert.ok(plot !== undefined);
    assert.equal(
      plotWords(plot),
      'Temperature. a: 20.0 °C to 22.0 °C, last 22.0 °C, 1 gap. b: 5.0 °C to 5.0 °C, last 5.0 °C',
    );
  });

  test('have a small picture with the same gap, none of a single value', () => {
    const [first, second] = CURVES.curves;
    assert.ok(first !== undefined && second !== undefined);
    const spark = sparkOf(CURVES, first);
    assert.equal(spark?.line.match(/M/g)?.length, 2);
    assert.doesNotMatch(`${spark?.line}${spark?.area}`, /NaN|Infinity|undefined/);
    assert.equal(sparkOf(CURVES, second), undefined);
  });

  test('mark the time as finely as the marks are apart', () => {
    const ms = new Date(2026, 10, 21, 9, 5, 7).getTime();
    assert.deepEqual(timeMarks([ms], 1_000), ['09:05:07']);
    assert.deepEqual(timeMarks([ms], 60_000), ['09:05']);
    assert.deepEqual(timeMarks([ms], 86_400_000), ['21 Nov']);
    assert.deepEqual(timeMarks([new Date(2026, 10, 21).getTime()], 3_600_000), ['21 Nov']);
  });
});

describe('numbers on the page', () => {
  for (const [value, unit, text] of [
    [21, '°C', '21.0 °C'],
    [-0.04, '°C', '0.0 °C'],
    [1_013.25, 'hPa', '1,013.3 hPa'],
    [12_345.6, 'lx', '12,346 lx'],
    [0.0123, 'A', '0.012 A'],
    [417, 'ppm', '417 ppm'],
    [0, 'V', '0 V'],
    [1_900_000_000, 'B', '1.9 GB'],
  ] as const) {
    test(`${value} ${unit} is shown as ${text}`, () => {
      assert.equal(measured(value, unit).join(' '), text);
    });
  }

  test('ages, rates and sizes can be grasped', () => {
    assert.deepEqual(
      [ago(200), ago(12_000), ahead(500), ahead(90_000)],
      ['just now', '12 s ago', 'now', 'in 2 min'],
    );
    assert.deepEqual(
      [rate(0), rate(5), rate(0.1), rate(500)],
      ['0 /s', '5.0 /s', '6.0 /min', '500 /s'],
    );
    assert.deepEqual([bytes(512), bytes(64e6), bytes(82.7e9, 2)], ['512 B', '64.0 MB', '82.70 GB']);
  });
});

describe('the sentence at the top', () => {
  const link: Row = {
    label: 'MQTT broker',
    configured: true,
    level: 'good',
    state: 'connected',
    detail: '',
  };
  const status: Row = {
    last_reading_age_ms: 200,
    freshness: 'fresh',
    measuring_state: 'measuring',
    sensors: 2,
    interval_ms: 200,
    backlog: 0,
    full_in_seconds: null,
    drained_in_seconds: 0,
    forecast: 'everything is delivered',
  };
  const overview = (more: Row = {}, parts: Partial<Overview> = {}): Overview => ({
    status: [{ ...status, ...more }],
    latest: [],
    sensors: [],
    links: [link],
    provisioning: [],
    services: [],
    gaps: [],
    events: [],
    ...parts,
  });
  const lost: Row = { sensor: 'bme280', state: 'lost', detail: 'ENXIO' };
  const down: Row = { ...link, level: 'bad', state: 'waiting' };
  const cases: readonly (readonly [string, Overview, string, RegExp])[] = [
    ['all is well', overview(), 'good', /^All is well/],
    [
      'nothing was measured yet',
      overview({ last_reading_age_ms: null }),
      'idle',
      /^Waiting for the first/,
    ],
    [
      'measuring has died',
      overview({ freshness: 'old', last_reading_age_ms: 120_000 }),
      'bad',
      /^No new reading for 2 min/,
    ],
    ['a sensor is lost', overview({}, { sensors: [lost] }), 'bad', /^bme280 does not answer/],
    [
      'two sensors are lost',
      overview({}, { sensors: [lost, lost] }),
      'bad',
      /^bme280 and 1 more do not answer/,
    ],
    [
      'the broker is away',
      overview({}, { links: [down] }),
      'warning',
      /^MQTT broker cannot be reached/,
    ],
    [
      'nobody forwards',
      overview({}, { links: [{ ...down, state: 'silent' }] }),
      'bad',
      /^Nothing is being forwarded/,
    ],
    [
      'a backlog drains',
      overview({ backlog: 1_200, drained_in_seconds: 3 }),
      'good',
      /^Sending 1,200 stored readings/,
    ],
    [
      'a backlog grows',
      overview({ backlog: 1_200, drained_in_seconds: null, full_in_seconds: 9 }),
      'warning',
      /^More readings come/,
    ],
    [
      'measuring is paused',
      overview({ measuring_state: 'paused', freshness: 'paused' }),
      'idle',
      /paused/,
    ],
    ['readings were lost', overview({}, { gaps: [{ count: 7 }] }), 'warning', /^7 readings lost/],
    [
      'the same readings were lost for two destinations: once',
      overview(
        {},
        {
          gaps: [
            { destination: 'mqtt', count: 400 },
            { destination: 'mqtt', count: 600 },
            { destination: 'hub', count: 1_000 },
          ],
        },
      ),
      'warning',
      /^1,000 readings lost/,
    ],
    [
      'some were lost for one destination, and others before they were stored',
      overview(
        {},
        {
          gaps: [
            { destination: 'mqtt', count: 5 },
            { destination: 'all', count: 3 },
          ],
        },
      ),
      'warning',
      /^8 readings lost/,
    ],
    [
      'nothing is sent',
      overview({}, { links: [{ ...link, configured: false }] }),
      'idle',
      /^Measuring\. Nothing is sent/,
    ],
  ];
  for (const [when, given, level, title] of cases) {
    test(`says it when ${when}`, () => {
      const verdict = verdictOf(given);
      assert.equal(verdict.level, level);
      assert.match(verdict.title, title);
      assert.doesNotMatch(verdict.detail, /undefined|null|NaN/);
    });
  }
});
