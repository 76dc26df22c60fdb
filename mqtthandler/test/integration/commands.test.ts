import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { codeOf, commandBed } from './command-bed.ts';

describe('remote commands over MQTT', () => {
  test('values are read and set, with the command echoed as the reference did', async () => {
    await using bed = await commandBed();
    const { commander, redis } = bed;
    assert.deepEqual(await commander.ask({ command: 'get_config', key: 'measurement:interval' }), {
      command: 'get_config',
      key: 'measurement:interval',
      value: null,
    });
    const set = { command: 'SET_CONFIG', key: 'measurement:interval', value: '2.5', extra: [1] };
    assert.deepEqual(await commander.ask(set), set);
    assert.equal(await redis.client.get('measurement:interval'), '2.5');
    const asNumber = { command: 'set_config', key: 'measurement:interval', value: 4, id: 7 };
    assert.deepEqual(await commander.ask(asNumber), asNumber);
    const read = { command: 'get_config', key: 'measurement:interval', id: 'read-1' };
    assert.deepEqual(await commander.ask(read), { ...read, value: '4' });
  });

  test('a command sent directly after another sees what that has set', async () => {
    await using bed = await commandBed();
    const { commander } = bed;
    const from = commander.answers.length;
    for (let i = 1; i <= 10; i += 1) {
      await commander.send({ command: 'set_config', key: 'measurement:interval', value: i });
      await commander.send({ command: 'get_config', key: 'measurement:interval', n: `${i}` });
    }
    await commander.answer(({ n }) => n === '10', from);
    for (const answer of commander.answers.slice(from)) {
      if (answer['n'] !== undefined) assert.equal(answer['value'], answer['n']);
    }
  });

  test('broadcast commands are carried out and answered like others', async () => {
    await using bed = await commandBed();
    const from = bed.commander.answers.length;
    await bed.commander.broadcast({ command: 'set_config', key: 'measurement:enabled', value: 0 });
    assert.equal((await bed.commander.answer(() => true, from))['value'], 0);
    await bed.commander.broadcast({ command: 'dance', id: 'b' });
    assert.equal(codeOf(await bed.commander.answer(({ id }) => id === 'b')), 'unknown_command');
    const events = await bed.redis.client.xrange('events', '-', '+');
    const stopped = events.find(([, fields]) => fields.includes('measuring_stopped'));
    assert.ok(stopped?.[1].includes('command'), JSON.stringify(events));
  });

  test('every faulty command is answered with its reason and changes nothing', async () => {
    await using bed = await commandBed();
    const { commander, redis } = bed;
    await redis.client.set('mqtt_sender:last_id', '5-0');
    const before = (await redis.client.keys('*')).toSorted();
    const set = (key: string, value: unknown) => ({ command: 'set_config', key, value });
    const cases: [unknown, string][] = [
      ['no json', 'not_json'],
      [Buffer.from([0xff, 0xfe, 0x80]), 'not_json'],
      ['[1]', 'not_an_object'],
      ['null', 'not_an_object'],
      [`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`, 'too_deep'],
      [Buffer.alloc(1_000_000, 0x20), 'too_large'],
      [{}, 'bad_type'],
      [{ command: 5 }, 'bad_type'],
      [{ command: 'format_card' }, 'unknown_command'],
      [{ command: 'get_config', key: 'measurement:values' }, 'forbidden_key'],
      [{ command: 'get_config', key: 'provisioning:request' }, 'forbidden_key'],
      [set('measurement:values', 'x'), 'forbidden_key'],
      [set('commands:reboot', 'x'), 'forbidden_key'],
      [set('mqtt_sender:last_id', 'garbage'), 'bad_value'],
      [set('mqtt_sender:last_id', '99999999999999-0'), 'bad_value'],
      [set('measurement:interval', {}), 'bad_type'],
      [set('measurement:interval', true), 'bad_type'],
      [set('measurement:interval', 'often'), 'bad_value'],
      [set('measurement:interval', -1), 'bad_value'],
      [{ command: 'send_measurements', count: 'x' }, 'bad_type'],
      [{ command: 'send_measurements', min_id: 'zzz' }, 'bad_value'],
      [{ command: 'cancel' }, 'bad_type'],
      [{ command: 'cancel', id: 'nobody' }, 'bad_value'],
      [{ command: 'reboot' }, 'not_supported'],
      [{ command: 'get_status', expires: Date.now() - 1 }, 'expired'],
      [{ signed: 'e30=', signature: 'AAAA' }, 'not_supported'],
    ];
    for (const [command, code] of cases) {
      const answer = await commander.ask(command);
      assert.equal(codeOf(answer), code, JSON.stringify(answer));
    }
    const left = (await redis.client.keys('*')).toSorted();
    const emptied = ['commands:inbox', 'commands:outbox'];
    for (const stream of emptied) assert.equal(await redis.client.xlen(stream), 0);
    const known = new Set(['mqtthandler:status', 'commands:records', ...emptied, ...before]);
    assert.deepEqual(
      left.filter((key) => !known.has(key)),
      [],
    );
    assert.equal(await redis.client.get('mqtt_sender:last_id'), '5-0');
    assert.equal(await redis.client.get('measurement:interval'), null);
  });

  test('the state of every service is answered, and a new provisioning requested', async () => {
    await using bed = await commandBed();
    await bed.redis.client.hset('sensor:status', 'state', 'measuring');
    await until('the status is written', async () => {
      return (await bed.redis.client.hget('mqtthandler:status', 'mqtt_state')) === 'connected';
    });
    const status = await bed.commander.ask({ command: 'get_status', id: 1 });
    const value = status['value'] as Record<string, Record<string, string>>;
    assert.equal(value['sensor:status']?.['state'], 'measuring');
    assert.equal(value['mqtthandler:status']?.['mqtt_state'], 'connected');
    const answer = await bed.commander.ask({ command: 'Reprovision' });
    assert.deepEqual(answer, { command: 'Reprovision', status: 'requested' });
    assert.match((await bed.redis.client.get('provisioning:request')) ?? '', /^\d{13} mqtt$/);
  });

  test('setting the cursor back sends everything after it again', async () => {
    await using bed = await commandBed();
    const { commander, redis } = bed;
    for (let i = 1; i <= 20; i += 1) {
      await redis.client.xadd('measurement:values', `${i}-0`, 'n', String(i));
    }
    const received = (times: number) => () =>
      commander.readings.size === 20 &&
      [...commander.readings].every(([id, n]) => n === (id === '1-0' ? 1 : times));
    await until('all readings', () => commander.readings.size === 20);
    await until(
      'the cursor',
      async () => (await redis.client.get('mqtt_sender:last_id')) === '20-0',
    );
    const answer = await commander.ask({
      command: 'set_config',
      key: 'mqtt_sender:last_id',
      value: '(1-0',
    });
    assert.equal(answer['value'], '(1-0');
    await until('the readings again', received(2));
  });

  test('the cursor cannot be set ahead of readings that are still to be sent', async () => {
    await using bed = await commandBed();
    const { commander, redis } = bed;
    const set = (value: string) =>
      commander.ask({ command: 'set_config', key: 'mqtt_sender:last_id', value });
    // Nothing lies between, and what comes will have a greater id.
    assert.equal((await set('1600000000000-0'))['value'], '1600000000000-0');
    assert.equal(codeOf(await set(`${Date.now() + 60_000}-0`)), 'bad_value');
    await redis.client.set('mqtt_sender:enabled', '0');
    await redis.client.xadd('measurement:values', '1600000000001-0', 'n', '1');
    assert.equal(codeOf(await set('1600000000002-0')), 'bad_value');
    await redis.client.set('mqtt_sender:enabled', '1');
    await until('the reading', () => commander.readings.size === 1);
  });

  test('a command sent while the device is away is carried out when it is back', async () => {
    await using bed = await commandBed();
    const { commander, handler, redis } = bed;
    assert.equal(await handler.stop(), 0);
    const from = commander.answers.length;
    await commander.send({ command: 'set_config', key: 'measurement:interval', value: 3, id: 'a' });
    const late = { command: 'set_config', key: 'measurement:interval', value: 9, id: 'late' };
    const expires = Date.now() + 300;
    await commander.send({ ...late, expires });
    await until('it has expired', () => Date.now() > expires);
    handler.start();
    assert.equal((await commander.answer(({ id }) => id === 'a', from))['value'], 3);
    assert.equal(codeOf(await commander.answer(({ id }) => id === 'late', from)), 'expired');
    assert.equal(await redis.client.get('measurement:interval'), '3');
  });

  test('a retained command is refused, also after the device comes back', async () => {
    await using bed = await commandBed();
    const { commander, handler, redis } = bed;
    const command = { command: 'set_config', key: 'measurement:interval', value: 8, id: 'kept' };
    await commander.send(command, { retain: true });
    assert.equal(codeOf(await commander.answer(({ id }) => id === 'kept')), 'retained');
    await handler.stop();
    handler.start();
    await bed.untilListening();
    assert.equal(await redis.client.get('measurement:interval'), null);
    assert.equal(codeOf(await commander.ask('not even json')), 'not_json');
  });
});
