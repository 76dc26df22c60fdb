import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '@holdfast/kit';
import { ManualClock, seededRandom } from '@holdfast/kit/testing';
import { runButton } from '../../src/app.ts';
import { contactFor } from '../../src/core/contact.ts';
import { LineError } from '../../src/core/line-error.ts';
import type { ButtonLog } from '../../src/events.ts';
import { Presses } from '../../src/presses.ts';
import type { StatusFields } from '../../src/ports.ts';
import { FakeLine } from '../fakes/fake-line.ts';
import { FakeMeasuring } from '../fakes/fake-measuring.ts';
import { FakeProvisioning } from '../fakes/fake-provisioning.ts';

function button() {
  const clock = new ManualClock();
  const line = new FakeLine(clock);
  const measuring = new FakeMeasuring();
  const lines: string[] = [];
  const events: [string, StatusFields][] = [];
  let status: StatusFields = {};
  const surroundings = {
    clock,
    random: seededRandom(1),
    log: createLog<ButtonLog>('startstopbutton', clock, (text) => lines.push(text)),
    reports: {
      status: (fields: StatusFields) => (status = { ...status, ...fields }),
      event: (event: string, fields: StatusFields) => events.push([event, fields]),
    },
  };
  let id = 0;
  const provisioning = new FakeProvisioning();
  const presses = new Presses(surroundings, {
    measuring,
    provisioning,
    newId: () => `press-${(id += 1)}`,
  });
  const stop = new AbortController();
  const options = {
    ...surroundings,
    pin: 2,
    contact: contactFor({ pin: 2, pull: 'UP', edge: 'FALLING', bounceMs: 20, longPressMs: 5_000 }),
    line,
    presses,
  };
  const running = runButton(options, stop.signal);
  return {
    clock,
    line,
    measuring,
    provisioning,
    lines,
    events,
    status: () => status,
    logged: (event: string) => lines.filter((text) => text.includes(`"event":"${event}"`)).length,
    async press(holdMs = 10) {
      line.drive(0);
      await clock.advance(holdMs);
      line.drive(1);
      await clock.advance(50);
    },
    async end() {
      stop.abort();
      await clock.advance(3_000);
      await running;
      assert.equal(clock.sleepers, 0);
      assert.equal(line.isOpen, false);
    },
  };
}

test('fifty presses toggle fifty times', async () => {
  const device = button();
  await device.clock.advance(1);
  for (let i = 0; i < 50; i += 1) await device.press();
  assert.equal(device.measuring.toggles, 50);
  assert.equal(device.status()['presses'], 50);
  assert.equal(device.status()['state'], 'ready');
  await device.end();
});

test('a press while Redis is away for two seconds is carried out when it is back', async () => {
  const device = button();
  device.measuring.mode = 'down';
  await device.press();
  await device.clock.advance(2_000);
  assert.equal(device.measuring.toggles, 0);
  device.measuring.comeBack();
  await device.clock.advance(10);
  assert.equal(device.measuring.toggles, 1);
  await device.end();
});

test('a press older than five seconds when Redis is back is discarded and recorded', async () => {
  const device = button();
  device.measuring.mode = 'down';
  await device.press();
  await device.clock.advance(6_000);
  device.measuring.comeBack();
  await device.clock.advance(10);
  assert.equal(device.measuring.toggles, 0);
  assert.equal(device.measuring.expired.length, 1);
  assert.equal(device.logged('press_discarded'), 1);
  await device.end();
});

test('a press whose answer was lost toggles once', async () => {
  const device = button();
  device.measuring.mode = 'lost_answer';
  await device.press();
  assert.equal(device.measuring.toggles, 1);
  device.measuring.comeBack();
  await device.clock.advance(2_000);
  assert.equal(device.measuring.toggles, 1);
  assert.equal(device.logged('toggled'), 1);
  await device.press();
  assert.equal(device.measuring.toggles, 2);
  await device.end();
});

test('a Redis that refuses is tried again with growing pauses, and the log says it once', async () => {
  const device = button();
  device.measuring.mode = 'refusing';
  await device.press();
  await device.clock.advance(3_000);
  assert.equal(device.logged('press_failed'), 1);
  device.measuring.mode = 'up';
  await device.clock.advance(1_600);
  assert.equal(device.measuring.toggles, 1);
  await device.end();
});

test('a missing line is reported once, tried again ever more slowly, and found', async () => {
  const device = button();
  await device.clock.advance(1);
  device.line.failure = new LineError('no_sysfs_gpio', 'no /sys/class/gpio');
  device.line.lose();
  await device.clock.advance(3_600_000);
  const names = () => device.events.map(([name]) => name);
  // The line was lost, and then turned out to be missing for another reason.
  assert.deepEqual(names(), ['button_lost', 'button_lost']);
  assert.equal(device.status()['state'], 'missing');
  assert.equal(device.status()['last_error'], 'no /sys/class/gpio');
  const attempts = device.lines.length;
  assert.ok(attempts < 20, `${attempts} log lines in an hour`);
  device.line.failure = undefined;
  await device.clock.advance(45_000);
  assert.deepEqual(names(), ['button_lost', 'button_lost', 'button_found']);
  await device.press();
  assert.equal(device.measuring.toggles, 1);
  await device.end();
});

test('a button held while the service starts has not been pressed', async () => {
  const device = button();
  await device.end();
  const held = button();
  held.line.level = 0;
  held.line.lose();
  await held.clock.advance(2_000);
  held.line.drive(1);
  await held.clock.advance(100);
  assert.equal(held.measuring.toggles, 0);
  await held.press();
  assert.equal(held.measuring.toggles, 1);
  await held.end();
});

test('a press that cannot be carried out before the service ends is abandoned and logged', async () => {
  const device = button();
  device.measuring.mode = 'down';
  await device.press();
  await device.end();
  assert.equal(device.logged('presses_abandoned'), 1);
});

test('hammering without Redis keeps memory bounded and records what is dropped', async () => {
  const device = button();
  device.measuring.mode = 'down';
  for (let i = 0; i < 300; i += 1) await device.press();
  assert.equal(device.events.length, 300 - 256);
  device.measuring.comeBack();
  await device.clock.advance(10);
  const { toggles, expired } = device.measuring;
  assert.equal(toggles + expired.length, 256);
  assert.ok(toggles > 0);
  await device.end();
});

test('a press of five seconds asks for provisioning once, while it is held, and toggles nothing', async () => {
  const device = button();
  await device.clock.advance(1);
  device.line.drive(0);
  await device.clock.advance(4_990);
  assert.equal(device.provisioning.requests.length, 0);
  await device.clock.advance(20);
  assert.equal(device.provisioning.requests.length, 1);
  await device.clock.advance(60_000);
  device.line.drive(1);
  await device.clock.advance(1_000);
  assert.equal(device.provisioning.requests.length, 1);
  assert.equal(device.measuring.toggles, 0);
  assert.equal(device.logged('reprovision_requested'), 1);
  await device.press();
  assert.equal(device.measuring.toggles, 1);
  await device.end();
});

test('what could not be set at the line is logged once, however often it is opened', async () => {
  const device = button();
  device.line.remarks.push('the pull cannot be set');
  for (let i = 0; i < 3; i += 1) {
    await device.clock.advance(40_000);
    device.line.lose();
  }
  await device.clock.advance(40_000);
  assert.equal(device.logged('line_remark'), 1);
  await device.end();
});
