import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@holdfast/kit/testing';
import { EventLog } from '../../src/event-log.ts';

const created = (deviceId: string) =>
  ({ event: 'device_created', hub: 'hub-a', deviceId }) as const;

test('the newest events are kept, the counters are complete', () => {
  const log = new EventLog(new ManualClock(), 10);
  for (let index = 0; index < 95; index += 1) log.append(created(`dev-${index}`));
  assert.equal(log.count('device_created'), 95);
  assert.equal(log.position, 95);
  assert.ok(log.events.length >= 10 && log.events.length < 20);
  assert.deepEqual(
    log.of('device_created', 93).map((event) => event.deviceId),
    ['dev-93', 'dev-94'],
  );
});

test('waiting takes what is already there, or what comes after the mark', async () => {
  const log = new EventLog(new ManualClock());
  log.append(created('one'));
  assert.equal((await log.waitFor('device_created')).deviceId, 'one');
  const next = log.waitFor('device_created', undefined, { after: log.position });
  log.append({ event: 'hub_down', hub: 'hub-a' });
  log.append(created('two'));
  assert.equal((await next).deviceId, 'two');
});

test('waiting for what does not come fails and leaves no subscriber', async () => {
  const log = new EventLog(new ManualClock());
  const waiting = log.waitFor('hub_up', undefined, { timeoutMs: 5 });
  await assert.rejects(waiting, /no event "hub_up" within 5 ms/);
});
