import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '@holdfast/kit';
import { ManualClock, seededRandom } from '@holdfast/kit/testing';
import { levelAt, pattern } from '../../src/core/lamp.ts';
import type { HandlerStatus, Pattern } from '../../src/core/lamp.ts';
import type { Level } from '../../src/core/contact.ts';
import { LineError } from '../../src/core/line-error.ts';
import type { ButtonLog } from '../../src/events.ts';
import { LampLoop } from '../../src/lamp.ts';

const TABLE: [name: string, measuring: boolean, handler: HandlerStatus, shown: Pattern][] = [
  ['paused is off', false, {}, 'off'],
  ['paused is off, whatever the backlog', false, { backlog: '9', mqtt_state: 'waiting' }, 'off'],
  ['measuring is on, also without a forwarding service', true, {}, 'on'],
  ['nothing waiting is on', true, { backlog: '0', mqtt_state: 'waiting' }, 'on'],
  [
    'readings on their way are no backlog',
    true,
    { backlog: '3', mqtt_state: 'connected', drained_in_seconds: '' },
    'on',
  ],
  [
    'a backlog behind a link that is down blinks',
    true,
    { backlog: '1', mqtt_state: 'waiting', drained_in_seconds: '' },
    'blinking',
  ],
  [
    'so does the one behind the second destination',
    true,
    { backlog: '1', mqtt_state: 'connected', hub_state: 'connecting' },
    'blinking',
  ],
  [
    'a backlog that drains is on',
    true,
    { backlog: '5000', mqtt_state: 'connected', drained_in_seconds: '12' },
    'on',
  ],
  [
    'a backlog that grows blinks',
    true,
    { backlog: '5000', mqtt_state: 'connected', drained_in_seconds: '' },
    'blinking',
  ],
  [
    'a destination that is switched off is none',
    true,
    { backlog: '5', mqtt_state: 'paused', drained_in_seconds: '' },
    'on',
  ],
];

for (const [name, measuring, handler, shown] of TABLE) {
  test(name, () => assert.equal(pattern(measuring, handler), shown));
}

test('blinking is half a second on and half a second off', () => {
  assert.deepEqual(levelAt('blinking', 0), { level: 1, forMs: 500 });
  assert.deepEqual(levelAt('blinking', 400), { level: 1, forMs: 100 });
  assert.deepEqual(levelAt('blinking', 1_600), { level: 0, forMs: 400 });
  assert.deepEqual(levelAt('on', 1_600), { level: 1, forMs: undefined });
});

function lampOnTheBench(initial?: LineError) {
  const clock = new ManualClock();
  const world = { measuring: true, handler: {} as HandlerStatus, reachable: true };
  const levels: Level[] = [];
  const lines: string[] = [];
  let failure = initial;
  const loop = new LampLoop({
    pin: 22,
    clock,
    random: seededRandom(1),
    log: createLog<ButtonLog>('startstopbutton', clock, (line) => lines.push(line)),
    facts: {
      async isMeasuring() {
        if (!world.reachable) throw new Error('no Redis');
        return world.measuring;
      },
      handlerStatus: async () => world.handler,
      sensorFields: async () => [],
    },
    lamp: {
      async open() {
        if (failure !== undefined) throw failure;
      },
      show: async (level) => void levels.push(level),
      close: async () => {},
    },
  });
  const stop = new AbortController();
  const running = loop.run(stop.signal);
  return {
    clock,
    world,
    levels,
    lines,
    loop,
    fail: (error: LineError | undefined) => (failure = error),
    async end() {
      stop.abort();
      await clock.advance(1);
      await running;
      assert.equal(clock.sleepers, 0);
    },
  };
}

test('the lamp follows measuring within a second, the button at once, and is off in the end', async () => {
  const bench = lampOnTheBench();
  await bench.clock.advance(10);
  assert.deepEqual(bench.levels, [1]);
  bench.world.measuring = false;
  bench.loop.look();
  await bench.clock.advance(1);
  assert.deepEqual(bench.levels, [1, 0]);
  bench.world.measuring = true;
  await bench.clock.advance(1_001);
  assert.deepEqual(bench.levels, [1, 0, 1]);
  await bench.end();
  assert.deepEqual(bench.levels, [1, 0, 1, 0]);
});

test('a backlog blinks once a second, and a Redis that is away changes nothing', async () => {
  const bench = lampOnTheBench();
  bench.world.handler = { backlog: '7', mqtt_state: 'waiting' };
  await bench.clock.advance(10_000);
  const changes = bench.levels.length;
  assert.ok(changes >= 19 && changes <= 21, `${changes} changes in 10 s`);
  bench.world.reachable = false;
  await bench.clock.advance(10_000);
  assert.ok(bench.levels.length > changes + 17);
  await bench.end();
});

test('a lamp whose line is not there is logged seldom and lights when it is', async () => {
  const bench = lampOnTheBench(new LineError('line_busy', 'taken'));
  await bench.clock.advance(3_600_000);
  assert.ok(bench.lines.length < 20, `${bench.lines.length} log lines in an hour`);
  assert.match(bench.lines[0] ?? '', /"event":"lamp_missing".*"code":"line_busy"/);
  bench.fail(undefined);
  await bench.clock.advance(45_000);
  assert.equal(bench.levels.at(-1), 1);
  await bench.end();
});
