import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@holdfast/kit/testing';
import type { Reading } from '@holdfast/redis';
import { HardwareError } from '../../src/core/hardware-error.ts';
import type { Measurement, Quantities } from '../../src/core/measurement.ts';
import { NEVER_STUCK } from '../../src/core/stuck.ts';
import { SensorRunner } from '../../src/sensor-runner.ts';

function setUp(measure: () => Promise<Quantities>, stuck = NEVER_STUCK) {
  return setUpFull(async () => ({ quantities: await measure() }), stuck);
}

function setUpFull(measure: () => Promise<Measurement>, stuck = NEVER_STUCK) {
  const clock = new ManualClock();
  const readings: Reading[] = [];
  const changes: string[] = [];
  let opened = 0;
  const runner = new SensorRunner({
    sensor: {
      id: 'x',
      ranges: { temperature_celsius: { min: -40, max: 85, decimals: 2 } },
      stuck,
      open: async () => {
        opened += 1;
        return { measure };
      },
    },
    boot: 'b',
    clock,
    onReading: (reading) => readings.push(reading),
    onHealth: (change) => {
      if (change !== undefined) changes.push(change);
    },
  });
  const tick = async () => {
    runner.tick();
    await clock.advance(0);
  };
  return { clock, runner, readings, changes, tick, opened: () => opened };
}

const WARM = { temperature_celsius: 21.5 };

describe('a sensor at work', () => {
  it('is opened once and measured at every tick', async () => {
    const { tick, readings, changes, opened } = setUp(async () => WARM);
    await tick();
    await tick();
    assert.equal(opened(), 1);
    assert.deepEqual(changes, ['found']);
    assert.deepEqual(readings[0]?.quantities, { temperature_celsius: '21.5' });
    assert.equal(readings.length, 2);
  });

  it('stamps a reading with the moment it was read, in whole milliseconds', async () => {
    const { clock, tick, readings } = setUp(async () => {
      await clock.sleepMs(9.3);
      return WARM;
    });
    await tick();
    await clock.advance(20);
    assert.equal(readings[0]?.uptimeMs, 10_009);
  });

  it('gives two readings within a millisecond different stamps', async () => {
    const { tick, readings } = setUp(async () => WARM);
    for (let n = 0; n < 3; n += 1) await tick();
    assert.deepEqual(
      readings.map(({ uptimeMs }) => uptimeMs),
      [10_000, 10_001, 10_002],
    );
  });

  it('gives no reading when it fails, and is opened anew afterwards', async () => {
    let broken = false;
    const { clock, tick, readings, changes, opened } = setUp(async () => {
      if (broken) throw new HardwareError('ENXIO', 'gone');
      return WARM;
    });
    await tick();
    broken = true;
    await tick();
    broken = false;
    await clock.advance(1_000);
    await tick();
    assert.deepEqual(changes, ['found', 'lost', 'found']);
    assert.equal(readings.length, 2);
    assert.equal(opened(), 2);
  });

  it('is not asked before its time when it is lost', async () => {
    const { clock, tick, opened } = setUp(async () => {
      throw new HardwareError('ENXIO', 'gone');
    });
    for (let n = 0; n < 10; n += 1) {
      await tick();
      await clock.advance(10);
    }
    assert.equal(opened(), 1);
    await clock.advance(200);
    await tick();
    assert.equal(opened(), 2);
  });

  it('counts ticks at which it is busy and does not make them up', async () => {
    const { clock, runner, tick, readings } = setUp(async () => {
      await clock.sleepMs(25);
      return WARM;
    });
    for (let n = 0; n < 3; n += 1) {
      await tick();
      await clock.advance(10);
    }
    assert.equal(runner.busyTicks, 2);
    assert.equal(readings.length, 1);
  });

  it('that hangs is lost after the time limit and not asked again before it lets go', async () => {
    const latch: { release?: (quantities: Quantities) => void } = {};
    const { clock, runner, tick, changes, readings } = setUp(
      async () =>
        new Promise<Quantities>((resolve) => {
          latch.release = resolve;
        }),
    );
    await tick();
    await clock.advance(10_000);
    assert.deepEqual(changes, ['lost']);
    assert.match(JSON.stringify(runner.health), /ETIMEDOUT/);
    await clock.advance(60_000);
    await tick();
    assert.equal(runner.busyTicks, 1);
    latch.release?.(WARM);
    await clock.advance(0);
    assert.equal(readings.length, 0);
  });

  it('marks a reading whose value is impossible', async () => {
    const { tick, readings } = setUp(async () => ({ temperature_celsius: 999 }));
    await tick();
    assert.equal(readings[0]?.quality, 'out_of_range');
    assert.deepEqual(readings[0]?.quantities, {});
  });

  it('survives a driver that throws what it should not', async () => {
    const { tick, changes } = setUp(async () => {
      throw new TypeError('a bug');
    });
    await tick();
    assert.deepEqual(changes, ['lost']);
  });

  it('keeps its chip after a broken answer, which costs that reading only', async () => {
    const broken = ['BAD_CRC', 'EIO'];
    const { tick, readings, changes, opened } = setUp(async () => {
      const code = readings.length === 1 ? broken.shift() : undefined;
      if (code !== undefined) throw new HardwareError(code, 'broken');
      return WARM;
    });
    for (let n = 0; n < 5; n += 1) await tick();
    assert.equal(readings.length, 3);
    assert.equal(opened(), 1);
    assert.deepEqual(changes, ['found']);
  });

  it('is opened anew after the third broken answer in a row', async () => {
    const { clock, tick, changes, opened } = setUp(async () => {
      if (changes.length > 0) throw new HardwareError('BAD_CRC', 'broken');
      return WARM;
    });
    for (let n = 0; n < 5; n += 1) {
      await tick();
      await clock.advance(1_000);
    }
    assert.deepEqual(changes, ['found', 'lost']);
    assert.equal(opened(), 2);
  });

  it('marks a reading with what the driver says, and with stuck rather than that', async () => {
    const { tick, readings } = setUpFull(
      async () => ({ quantities: WARM, quality: 'warming_up', raw: [1, 2] }),
      { readings: 3, spanMs: 0 },
    );
    for (let n = 0; n < 4; n += 1) await tick();
    const qualities = readings.map(({ quality }) => quality);
    assert.deepEqual(qualities, ['warming_up', 'warming_up', 'stuck', 'stuck']);
  });

  it('marks a missing value rather than a stuck one', async () => {
    const { tick, readings } = setUpFull(
      async () => ({ quantities: { temperature_celsius: Number.NaN }, raw: [1] }),
      { readings: 2, spanMs: 0 },
    );
    for (let n = 0; n < 3; n += 1) await tick();
    assert.deepEqual(
      readings.map(({ quality }) => quality),
      ['out_of_range', 'out_of_range', 'out_of_range'],
    );
  });
});
