/** What becomes of values that repeat, sensors that flap, and a button on the sensors' wires. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@holdfast/kit/testing';
import { MAX_TOLD, WINDOW_MS } from '../../src/core/flapping.ts';
import { conflictText, isConflict } from '../../src/core/gpio-conflict.ts';
import type { Health } from '../../src/core/health.ts';
import {
  NEVER_STUCK,
  STUCK_BY_DEFAULT,
  isStuck,
  repeated,
  stuckRule,
} from '../../src/core/stuck.ts';
import type { Repetition, StuckRule } from '../../src/core/stuck.ts';
import { watchConflict } from '../../src/gpio-conflict.ts';
import { HealthTeller } from '../../src/health-teller.ts';

describe('a chip that repeats itself', () => {
  const feed = (rule: StuckRule, values: readonly number[], everyMs = 5_000) => {
    let repetition: Repetition | undefined;
    return values.map((value, i) => {
      repetition = repeated(repetition, [value], i * everyMs);
      return isStuck(repetition, rule, i * everyMs);
    });
  };
  const same = (count: number) => Array.from({ length: count }, () => 7);

  it('is stuck after so many identical readings, and not any more with another one', () => {
    const rule = stuckRule(false, 3);
    assert.deepEqual(feed(rule, [7, 7, 7, 7, 8, 8]), [false, false, true, true, false, false]);
  });

  it('is by default stuck after 120 readings that span ten minutes', () => {
    assert.equal(stuckRule(true, undefined), STUCK_BY_DEFAULT);
    assert.equal(feed(STUCK_BY_DEFAULT, same(120)).at(-1), false);
    assert.equal(feed(STUCK_BY_DEFAULT, same(121)).at(-1), true);
    assert.equal(feed(STUCK_BY_DEFAULT, same(5_000), 100).at(-1), false);
    assert.equal(feed(STUCK_BY_DEFAULT, same(100), 60_000).at(-1), false);
  });

  it('is never stuck when its numbers may repeat, or the user says so', () => {
    assert.equal(stuckRule(false, undefined), NEVER_STUCK);
    assert.equal(feed(NEVER_STUCK, same(500), 60_000).at(-1), false);
    assert.equal(feed(stuckRule(true, 0), same(500), 60_000).at(-1), false);
  });

  it('is not judged by readings that carry no raw numbers', () => {
    const before = repeated(undefined, [1], 0);
    assert.equal(repeated(before, undefined, 5), before);
  });
});

describe('events of a sensor', () => {
  const lost: Health = { kind: 'lost', code: 'ENXIO', message: 'gone', retryAtMs: 0 };
  const bench = () => {
    const told: string[] = [];
    const teller = new HealthTeller((event, fields) =>
      told.push(
        `${event} ${fields['code'] ?? fields['changes'] ?? ''} ${fields['state'] ?? ''}`.trim(),
      ),
    );
    return { told, teller };
  };

  it('are told one by one when they are few', () => {
    const { told, teller } = bench();
    teller.changed('x', 'found', { kind: 'ok' }, 0);
    teller.changed('x', 'lost', lost, 1_000);
    assert.deepEqual(told, ['sensor_found', 'sensor_lost ENXIO']);
  });

  it('of a loose contact are counted and told once a minute with the state', () => {
    const { told, teller } = bench();
    for (let n = 0; n < 100; n += 1) {
      const found = n % 2 === 0;
      teller.changed('x', found ? 'found' : 'lost', found ? { kind: 'ok' } : lost, n * 100);
    }
    assert.equal(told.length, MAX_TOLD);
    teller.passed(WINDOW_MS - 1);
    assert.equal(told.length, MAX_TOLD);
    teller.passed(WINDOW_MS);
    assert.equal(told.at(-1), `sensor_flapping ${100 - MAX_TOLD} lost`);
    teller.passed(10 * WINDOW_MS);
    assert.equal(told.length, MAX_TOLD + 1);
    teller.changed('x', 'found', { kind: 'ok' }, 10 * WINDOW_MS + 1);
    assert.equal(told.at(-1), 'sensor_found');
  });

  it('of one sensor do not count against another', () => {
    const { told, teller } = bench();
    for (let n = 0; n < 50; n += 1) teller.changed('x', 'lost', lost, n);
    teller.changed('y', 'found', { kind: 'ok' }, 50);
    assert.equal(told.at(-1), 'sensor_found');
  });
});

describe('a button on GPIO 2 or 3', () => {
  const cases: readonly [string | null, readonly number[], boolean][] = [
    ['2', [1], true],
    ['3', [0, 1], true],
    ['2', [3], false],
    ['2', [], false],
    ['17', [1], false],
    ['22', [1], false],
    [null, [1], false],
  ];
  for (const [pin, buses, expected] of cases) {
    it(`${expected ? 'disturbs' : 'does not disturb'} buses [${buses.join()}] on pin ${pin}`, () => {
      assert.equal(isConflict(pin, buses), expected);
    });
  }

  it('is explained with three remedies and the values for balena', () => {
    const text = conflictText('2');
    assert.match(
      text,
      /\(1\).*"i2c-gpio,bus=3,i2c_gpio_sda=23,i2c_gpio_scl=24,i2c_gpio_delay_us=2"/,
    );
    assert.match(text, /\(2\)[^;]*BALENA_HOST_CONFIG_dtparam = "i2c_arm=off","spi=on"/);
    assert.match(text, /\(2\).*BALENA_HOST_CONFIG_dtoverlay = "vc4-kms-v3d","i2c3,pins_4_5"/);
    assert.match(text, /\(3\).*BUTTON_PIN = 17/);
  });

  it('is told once, as soon as its service has told its pin', async () => {
    const clock = new ManualClock();
    const told: string[] = [];
    const stop = new AbortController();
    let pin: string | null = null;
    const done = watchConflict(
      {
        clock,
        buttonPin: async () => pin,
        inUse: async () => [1],
        app: { gpioConflict: (line) => told.push(line) },
      },
      stop.signal,
    );
    await clock.advance(20_000);
    assert.deepEqual(told, []);
    pin = '2';
    await clock.advance(60_000);
    assert.deepEqual(told, ['2']);
    await done;
  });

  it('is not looked for any more when the service stops', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const nobody = {
      clock,
      buttonPin: async () => '2',
      inUse: async () => Promise.reject(new Error('no buses')),
      app: { gpioConflict: () => assert.fail() },
    };
    const done = watchConflict(nobody, stop.signal);
    await clock.advance(10_000);
    stop.abort();
    await done;
  });
});
