import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StreamEntry } from '@holdfast/redis';
import { Deliveries } from '../../demo/src/core/deliveries.ts';
import {
  bytes,
  clip,
  columns,
  countline,
  duration,
  fit,
  gauge,
  paint,
  plain,
  sparkline,
  stopwatch,
} from '../../demo/src/core/format.ts';
import { stepKey } from '../../demo/src/core/keys.ts';
import { quantities } from '../../demo/src/core/quantities.ts';
import { Rate } from '../../demo/src/core/rates.ts';
import { scenes } from '../../demo/src/core/script.ts';
import { Tracker } from '../../demo/src/core/tracker.ts';
import { nextAttemptMs, tell } from '../../demo/src/core/words.ts';

describe('numbers for people', () => {
  for (const [value, text] of [
    [0, '0 B'],
    [999, '999 B'],
    [1_500, '1.5 KB'],
    [64_000_000, '64.0 MB'],
    [123_456_789_012, '123 GB'],
    [5e15, '5000 TB'],
  ] as const) {
    test(`${value} bytes are ${text}`, () => assert.equal(bytes(value), text));
  }
  for (const [value, text] of [
    [0, '0 s'],
    [89, '89 s'],
    [90, '2 min'],
    [7_200, '2 h'],
    [3_024_000, '35 days'],
  ] as const) {
    test(`${value} seconds are ${text}`, () => assert.equal(duration(value), text));
  }

  test('a stopwatch goes on beyond the hour', () => {
    assert.deepEqual([0, 61.9, 6_000].map(stopwatch), ['00:00', '01:01', '100:00']);
  });

  test('a painted text is cut by what is seen of it', () => {
    const text = `${paint('red', 'abc')}def`;
    assert.equal(plain(clip(text, 4)), 'abcd');
    assert.ok(clip(text, 2).endsWith('\u001b[0m'));
    assert.equal(clip(text, 6), text);
    assert.equal(columns(fit(text, 9)), 9);
  });

  test('a sparkline shows the newest values, a flat one included', () => {
    assert.equal(sparkline([9, 1, 2, 3], 3), '▁▅█');
    assert.equal(sparkline([5, 5], 4), '  ▁▁');
    assert.equal(sparkline([], 3), '   ');
  });

  test('a line of counts tells nothing from little, and little from a burst', () => {
    assert.equal(countline([7, 10, 0, 200, 1], 4), '▄▁█▂');
    assert.equal(countline([5, 5], 3), ' ██');
    assert.equal(countline([0, 0], 2), '▁▁');
    assert.equal(countline([], 2), '  ');
  });

  test('a gauge stays within its bounds', () => {
    assert.equal(gauge(5, 10, 4), '[##--]');
    assert.equal(gauge(50, 10, 4), '[####]');
    assert.equal(gauge(-1, 0, 4), '[----]');
  });
});

describe('values of a reading', () => {
  test('are shown with the unit their name carries', () => {
    const fields = ['_epoch', 'e', '_sensor', 's', 'temperature_celsius', '21.5', 'co2_ppm', '400'];
    const more = ['memory_free_bytes', '1500000', 'clock_synchronised', '1', 'spin_count', '3'];
    assert.deepEqual(quantities([...fields, ...more, '_quality', 'stale']), [
      '21.5 °C',
      'co2 400 ppm',
      'memory free 1.5 MB',
      'clock in sync',
      'spin count 3',
      '(stale)',
    ]);
  });
});

describe('the rate', () => {
  test('is the mean of the last three seconds', () => {
    const rate = new Rate();
    for (let ms = 0; ms <= 10_000; ms += 200) rate.add(ms);
    assert.equal(rate.perSecond(10_000), 5);
    assert.equal(rate.perSecond(20_000), 0);
  });

  test('does not exaggerate in the first second and knows nothing before', () => {
    const rate = new Rate();
    assert.equal(rate.perSecond(5), 0);
    rate.add(1_000, 3);
    assert.equal(rate.perSecond(1_001), 3);
  });

  test('remembers each past second', () => {
    const rate = new Rate();
    rate.add(1_000, 2);
    rate.add(3_500, 7);
    assert.deepEqual(rate.history(4_100, 60), [2, 0, 7]);
    assert.deepEqual(rate.history(4_100, 2), [0, 7]);
    assert.deepEqual(new Rate().history(4_100, 60), []);
  });
});

describe('the keys', () => {
  test('act at once', () => {
    assert.deepEqual(stepKey('mqtt', 'idle', 'B').action, { kind: 'press' });
    assert.deepEqual(stepKey('mqtt', 'idle', 'n').action, { kind: 'network' });
    assert.deepEqual(stepKey('mqtt', 'idle', '4').action, { kind: 'kill', part: 'redis' });
    assert.deepEqual(stepKey('mqtt', 'idle', '\u0003').action, { kind: 'quit' });
  });

  test('k asks which process, and any other key leaves the question', () => {
    assert.equal(stepKey('mqtt', 'idle', 'k').state, 'choosing');
    assert.deepEqual(stepKey('mqtt', 'choosing', '3'), {
      state: 'idle',
      action: { kind: 'kill', part: 'mqtthandler' },
    });
    for (const key of ['k', 'x', '\u001b'])
      assert.deepEqual(stepKey('mqtt', 'choosing', key), { state: 'idle' });
  });

  for (const key of ['0', '6', ' ', '', 'é', '\r']) {
    test(`${JSON.stringify(key)} does nothing`, () =>
      assert.deepEqual(stepKey('mqtt', 'idle', key), { state: 'idle' }));
  }
});

describe('the script', () => {
  test('cuts and restores the network, pauses and resumes, and kills two processes', () => {
    const list = scenes('mqtt', 10);
    const kinds = list.map(({ action }) => action.kind);
    assert.deepEqual(kinds, ['network', 'press', 'press', 'kill', 'kill', 'network', 'quit']);
    assert.equal(list.at(-1)?.atSeconds, 10);
    const times = list.map(({ atSeconds }) => atSeconds);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });
});

describe('log lines', () => {
  const line = (fields: object) => JSON.stringify({ level: 'warn', service: 's', ...fields });

  test('are told in plain words', () => {
    const told = tell(line({ event: 'redis_lost', code: 'ECONNREFUSED', error: 'x' }));
    assert.equal(told?.text, 'Redis is away (connection refused), readings wait in memory');
    assert.equal(told?.level, 'warn');
    const failed = line({ event: 'connect_failed', code: 'T', error: 'no luck', delayMs: 1_250 });
    assert.equal(tell(failed)?.text, 'broker not reachable (no luck), next try in 1.3 s');
    assert.equal(nextAttemptMs(failed), 1_250);
  });

  test('of unknown events are told by their name', () => {
    assert.equal(tell(line({ event: 'moon_risen' }))?.text, 'moon risen');
    assert.equal(tell(line({ event: 'toString' }))?.text, 'toString');
  });

  for (const other of ['', 'Ready to accept connections', '{', '{"a":1}', '[1]', 'null']) {
    test(`are not made of ${JSON.stringify(other)}`, () => {
      assert.equal(tell(other), undefined);
      assert.equal(nextAttemptMs(other), undefined);
    });
  }
});

describe('the tracker', () => {
  const entry = (id: string, seq: number, ms = 0): StreamEntry => [
    id,
    ['_epoch', 'e', '_seq', String(seq), '_sensor', 's', '_uptime_ms', String(ms)],
  ];
  const message = (seq: number) => JSON.stringify([{ _id: '1-1', _epoch: 'e', _seq: String(seq) }]);

  test('counts a reading that was put back under a second id once', () => {
    const tracker = new Tracker(new Deliveries());
    tracker.stored([entry('1-1', 1), entry('2-1', 1)], 0);
    assert.deepEqual([tracker.produced, tracker.notDelivered], [1, 1]);
    assert.equal(tracker.lastId, '2-1');
  });

  test('knows a reading that arrived before it was seen in the stream', () => {
    const deliveries = new Deliveries();
    const tracker = new Tracker(deliveries);
    tracker.delivered(deliveries.take(message(1)).fresh, 0);
    tracker.stored([entry('1-1', 1), entry('1-2', 2)], 0);
    assert.deepEqual([tracker.produced, tracker.notDelivered], [2, 1]);
    tracker.delivered(deliveries.take(message(2)).fresh, 1);
    assert.equal(tracker.notDelivered, 0);
  });

  test('counts as unacknowledged what lies beyond the cursor', () => {
    const tracker = new Tracker(new Deliveries());
    tracker.stored([entry('9-1', 1), entry('10-1', 2), entry('10-2', 3)], 0);
    tracker.acknowledged('10-1');
    assert.deepEqual([tracker.notAcknowledged, tracker.acknowledgedId], [1, '10-1']);
    tracker.acknowledged('-');
    assert.equal(tracker.notAcknowledged, 1);
  });

  test('takes the rate from when readings were measured, not from when they were stored', () => {
    const tracker = new Tracker(new Deliveries());
    const entries = Array.from({ length: 51 }, (_, i) => entry(`1-${i}`, i + 1, i * 200));
    tracker.stored(entries, 10_000);
    assert.equal(tracker.sensors(10_000)[0]?.perSecond, 5);
  });
});
