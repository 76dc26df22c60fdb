import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ManualClock, seededRandom } from '@holdfast/kit/testing';
import { dueMs, startSchedule, step } from '../../src/core/schedule.ts';
import type {
  IntervalSetting,
  Schedule,
  ScheduleEffect,
  ScheduleEvent,
} from '../../src/core/schedule.ts';

const DEFAULT_INTERVAL: IntervalSetting = { kind: 'default' };

function settings(
  nowMs: number,
  interval: IntervalSetting = DEFAULT_INTERVAL,
  enabled = true,
): ScheduleEvent {
  return { type: 'settings', nowMs, interval, enabled };
}

/** A schedule that measures from `nowMs` on. */
function measuring(nowMs: number, intervalMs: number): Schedule {
  return step(startSchedule(nowMs, intervalMs, 2000), settings(nowMs)).state;
}

function run(state: Schedule, ...events: readonly ScheduleEvent[]) {
  const effects: ScheduleEffect[] = [];
  let current = state;
  for (const event of events) {
    const result = step(current, event);
    current = result.state;
    effects.push(...result.effects);
  }
  return { state: current, effects };
}

const refused = (raw: string): IntervalSetting => ({ kind: 'refused', raw });
const types = (effects: readonly ScheduleEffect[]) => effects.map((effect) => effect.type);

describe('the start', () => {
  it('waits for the settings and then measures at once', () => {
    const first = startSchedule(100, 5000, 2000);
    assert.equal(dueMs(first), 2100);
    const { state } = step(first, settings(300));
    assert.equal(dueMs(state), 300);
    assert.deepEqual(step(state, { type: 'clock', nowMs: 300 }).effects, [{ type: 'measure' }]);
  });

  it('measures without Redis when the grace time has passed', () => {
    const { state, effects } = step(startSchedule(0, 5000, 2000), { type: 'clock', nowMs: 2000 });
    assert.deepEqual(types(effects), ['measure']);
    assert.equal(dueMs(state), 7000);
  });

  it('does nothing before the grace time has passed', () => {
    const first = startSchedule(0, 5000, 2000);
    assert.deepEqual(step(first, { type: 'clock', nowMs: 1999 }), { state: first, effects: [] });
  });

  it('never measures when measuring is off from the start', () => {
    const { state, effects } = step(
      startSchedule(0, 5000, 2000),
      settings(10, DEFAULT_INTERVAL, false),
    );
    assert.deepEqual(types(effects), ['paused']);
    assert.equal(dueMs(state), undefined);
    assert.deepEqual(step(state, { type: 'clock', nowMs: 99_999 }).effects, []);
  });

  it('takes the interval of Redis for the very first tick', () => {
    const { state } = run(
      startSchedule(0, 5000, 2000),
      settings(10, { kind: 'set', intervalMs: 700 }),
      { type: 'clock', nowMs: 10 },
    );
    assert.equal(dueMs(state), 710);
  });
});

describe('ticks', () => {
  for (const intervalMs of [10, 1000 / 3, 1000, 86_400_000]) {
    it(`are due at start + n * ${intervalMs} ms exactly, after 20,000 of them`, () => {
      let state = measuring(12_345.678, intervalMs);
      for (let n = 0; n < 20_000; n += 1) {
        const due = dueMs(state) ?? Number.NaN;
        assert.equal(due, 12_345.678 + n * intervalMs);
        const result = step(state, { type: 'clock', nowMs: due });
        assert.equal(result.effects.length, 1);
        ({ state } = result);
      }
    });
  }

  it('do not shift when one of them is late', () => {
    const { state, effects } = run(
      measuring(0, 1000),
      { type: 'clock', nowMs: 0 },
      { type: 'clock', nowMs: 1900 },
    );
    assert.deepEqual(types(effects), ['measure', 'measure']);
    assert.equal(dueMs(state), 2000);
  });

  it('that passed altogether are counted and not made up', () => {
    const { state, effects } = run(
      measuring(0, 1000),
      { type: 'clock', nowMs: 0 },
      { type: 'clock', nowMs: 5500 },
    );
    assert.deepEqual(effects, [
      { type: 'measure' },
      { type: 'measure' },
      { type: 'missed', ticks: 4 },
    ]);
    assert.equal(dueMs(state), 6000);
  });

  it('measured and missed add up to the time passed, however late the clock looks', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.double({ min: 10, max: 1e5, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 50 }),
        (startMs, intervalMs, waits) => {
          let state = measuring(startMs, intervalMs);
          let nowMs = startMs;
          let ticks = 0;
          for (const waitMs of waits) {
            nowMs += waitMs;
            const result = step(state, { type: 'clock', nowMs });
            ({ state } = result);
            for (const effect of result.effects) {
              ticks += effect.type === 'missed' ? effect.ticks : 1;
            }
            assert.ok((dueMs(state) ?? 0) > nowMs - 1e-3);
          }
          const passed = waits.length === 0 ? 0 : Math.floor((nowMs - startMs) / intervalMs) + 1;
          assert.ok(Math.abs(ticks - passed) <= 1, `${ticks} ticks of ${passed}`);
        },
      ),
    );
  });

  it('keep their rate while the wall clock jumps', async () => {
    const clock = new ManualClock();
    const random = seededRandom(7);
    let state = measuring(clock.monotonicMs(), 1000);
    let measured = 0;
    const startMs = clock.monotonicMs();
    while (clock.monotonicMs() - startMs < 100_000) {
      clock.jumpWall((random.next() - 0.5) * 1e10);
      await clock.advance((dueMs(state) ?? 0) - clock.monotonicMs());
      const result = step(state, { type: 'clock', nowMs: clock.monotonicMs() });
      ({ state } = result);
      measured += result.effects.length;
    }
    assert.equal(measured, 101);
  });
});

describe('a new interval', () => {
  const ticked = run(measuring(0, 3_600_000), { type: 'clock', nowMs: 0 }).state;

  it('counts from the last tick', () => {
    const { state, effects } = step(ticked, settings(2000, { kind: 'set', intervalMs: 5000 }));
    assert.deepEqual(effects, [{ type: 'interval_changed', intervalMs: 5000 }]);
    assert.equal(dueMs(state), 5000);
  });

  it('measures at once when that moment has passed', () => {
    const { state } = step(ticked, settings(600_000, { kind: 'set', intervalMs: 5000 }));
    assert.equal(dueMs(state), 600_000);
  });

  it('is not an hour away when it gets longer', () => {
    const short = run(measuring(0, 1000), { type: 'clock', nowMs: 0 }).state;
    const { state } = step(short, settings(400, { kind: 'set', intervalMs: 60_000 }));
    assert.equal(dueMs(state), 60_000);
  });

  it('that equals the old one changes nothing', () => {
    const { state, effects } = step(ticked, settings(9, { kind: 'set', intervalMs: 3_600_000 }));
    assert.deepEqual(effects, []);
    assert.equal(dueMs(state), 3_600_000);
  });

  it('goes back to the default when the key is deleted', () => {
    const fast = step(ticked, settings(1, { kind: 'set', intervalMs: 10 })).state;
    const { effects } = step(fast, settings(2));
    assert.deepEqual(effects, [{ type: 'interval_changed', intervalMs: 3_600_000 }]);
  });

  it('is known while paused and counts from the moment measuring goes on', () => {
    const { state, effects } = run(
      ticked,
      settings(10, DEFAULT_INTERVAL, false),
      settings(20, { kind: 'set', intervalMs: 50 }, false),
      settings(30, { kind: 'set', intervalMs: 50 }),
      { type: 'clock', nowMs: 30 },
    );
    assert.deepEqual(types(effects), ['paused', 'interval_changed', 'resumed', 'measure']);
    assert.equal(dueMs(state), 80);
  });
});

describe('nonsense as interval', () => {
  const good = step(measuring(0, 5000), settings(0, { kind: 'set', intervalMs: 700 })).state;

  it('leaves the last good value', () => {
    const { state, effects } = step(good, settings(5, refused('soon')));
    assert.deepEqual(effects, [{ type: 'interval_refused', raw: 'soon' }]);
    assert.equal(state.intervalMs, 700);
  });

  it('leaves the default when there was no good value', () => {
    assert.equal(step(measuring(0, 5000), settings(5, refused('-1'))).state.intervalMs, 5000);
  });

  it('is reported once for each value', () => {
    const { effects } = run(
      good,
      settings(5, refused('a')),
      settings(6, refused('a')),
      settings(7, refused('b')),
      settings(8, { kind: 'set', intervalMs: 700 }),
      settings(9, refused('b')),
    );
    assert.deepEqual(types(effects), Array.from({ length: 3 }).fill('interval_refused'));
  });

  it('does not stop a pause from being noticed', () => {
    const { state, effects } = step(good, settings(5, refused('a'), false));
    assert.deepEqual(types(effects), ['interval_refused', 'paused']);
    assert.equal(state.kind, 'paused');
  });
});

describe('pause', () => {
  it('is reported once, and so is its end', () => {
    const { effects } = run(
      measuring(0, 1000),
      settings(1, DEFAULT_INTERVAL, false),
      settings(2, DEFAULT_INTERVAL, false),
      settings(3),
      settings(4),
    );
    assert.deepEqual(types(effects), ['paused', 'resumed']);
  });

  it('leaves no ticks to be counted as missed', () => {
    const { effects } = run(
      measuring(0, 1000),
      settings(1, DEFAULT_INTERVAL, false),
      settings(100_000),
      { type: 'clock', nowMs: 100_000 },
    );
    assert.deepEqual(types(effects), ['paused', 'resumed', 'measure']);
  });
});
