import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { codeOf, commandBed } from './command-bed.ts';
import { API_KEY, startSupervisor } from './fake-supervisor.ts';

describe('reboot', () => {
  test('is answered before, and once after the device is back with another boot id', async () => {
    await using supervisor = await startSupervisor();
    await using bed = await commandBed({
      BALENA_SUPERVISOR_ADDRESS: supervisor.address,
      BALENA_SUPERVISOR_API_KEY: API_KEY,
    });
    const { commander, handler, redis } = bed;
    const reboot = { command: 'reboot', id: 'r' };
    const from = commander.answers.length;
    assert.deepEqual(await commander.ask(reboot), { ...reboot, status: 'running' });
    assert.equal(supervisor.requests.length, 0, 'the file of Redis is given its second');
    await until('the supervisor is asked', () => supervisor.requests.length === 1);
    assert.deepEqual(supervisor.requests, [`POST /v1/reboot?apikey=${API_KEY}`]);
    assert.deepEqual(await commander.ask(reboot), { ...reboot, status: 'running' });
    assert.equal(codeOf(await commander.ask({ command: 'reboot', id: 'second' })), 'busy');

    await handler.kill();
    const stored = JSON.parse((await redis.client.get('commands:reboot')) ?? '') as object;
    const before = JSON.stringify({ ...stored, bootId: 'the boot before' });
    await redis.client.set('commands:reboot', before);
    handler.start();
    await commander.answer(({ status }) => status === 'done', from);
    // An answer that is not yet acknowledged is rightly sent again after a kill.
    await until(
      'it is acknowledged',
      async () => (await redis.client.xlen('commands:outbox')) === 0,
    );
    await handler.kill();
    handler.start();
    await bed.untilListening();
    assert.deepEqual(await commander.ask(reboot), { ...reboot, status: 'done' });
    const done = commander.answers.filter(({ status }) => status === 'done');
    assert.equal(done.length, 2, 'one by itself, one when asked again');
    assert.equal(supervisor.requests.length, 1);
    assert.equal(await redis.client.get('commands:reboot'), null);
    assert.ok(!handler.lines.some((line) => line.includes(API_KEY)));
    const events = JSON.stringify(await redis.client.xrange('events', '-', '+'));
    assert.match(events, /reboot_requested.*rebooted/);
    assert.ok(!events.includes(API_KEY));
  });

  test('a process that restarts alone asks again', async () => {
    await using supervisor = await startSupervisor();
    await using bed = await commandBed({
      BALENA_SUPERVISOR_ADDRESS: supervisor.address,
      BALENA_SUPERVISOR_API_KEY: API_KEY,
    });
    await bed.commander.ask({ command: 'reboot' });
    await bed.handler.kill();
    bed.handler.start();
    await until('the supervisor is asked', () => supervisor.requests.length >= 1);
  });

  test('an update lock is passed on as busy, with the words of the supervisor', async () => {
    await using supervisor = await startSupervisor();
    supervisor.behaviour = 'locked';
    await using bed = await commandBed({
      BALENA_SUPERVISOR_ADDRESS: supervisor.address,
      BALENA_SUPERVISOR_API_KEY: API_KEY,
    });
    const { commander, redis } = bed;
    await commander.send({ command: 'reboot', id: 'locked' });
    const answer = await commander.answer((answer) => codeOf(answer) !== undefined);
    assert.deepEqual(answer, {
      command: 'reboot',
      id: 'locked',
      error: { code: 'busy', message: 'Lockfile exists for { appId: 1, service: sensor }' },
    });
    assert.equal(await redis.client.get('commands:reboot'), null);
  });

  test('a key that the supervisor refuses is answered as a failure, and never shown', async () => {
    await using supervisor = await startSupervisor();
    await using bed = await commandBed({
      BALENA_SUPERVISOR_ADDRESS: supervisor.address,
      BALENA_SUPERVISOR_API_KEY: 'another-secret',
    });
    const { commander, handler } = bed;
    await commander.send({ command: 'reboot', id: 'wrong' });
    const refused = await commander.answer((answer) => codeOf(answer) !== undefined);
    assert.equal(codeOf(refused), 'failed');
    assert.ok(!JSON.stringify([handler.lines, commander.answers]).includes('another-secret'));
  });

  test('a supervisor that hangs is given up, and readings flow meanwhile', async () => {
    await using supervisor = await startSupervisor();
    supervisor.behaviour = 'hang';
    await using bed = await commandBed({
      BALENA_SUPERVISOR_ADDRESS: supervisor.address,
      BALENA_SUPERVISOR_API_KEY: API_KEY,
    });
    const { commander, redis } = bed;
    await commander.send({ command: 'reboot', id: 'hangs' });
    await until('the supervisor is asked', () => supervisor.requests.length === 1);
    await redis.client.xadd('measurement:values', '1-0', 'n', '1');
    await until('the reading', () => commander.readings.size === 1);
    const answer = await commander.answer((answer) => codeOf(answer) !== undefined, 0, 60_000);
    assert.equal(codeOf(answer), 'failed');
    assert.equal(supervisor.requests.length, 2);
  });
});
