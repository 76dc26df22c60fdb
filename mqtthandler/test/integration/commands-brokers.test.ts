import assert from 'node:assert/strict';
import { test } from 'node:test';
import { service, until } from '@holdfast/lab/servers';
import { DEVICE, codeOf, commandBed } from './command-bed.ts';

test('a broker that only knows MQTT 3.1.1 keeps and delivers commands just the same', async () => {
  await using bed = await commandBed({}, { oldBroker: true });
  const { commander, handler, redis } = bed;
  assert.equal(codeOf(await commander.ask('nonsense')), 'not_json');
  const kept = { command: 'set_config', key: 'measurement:interval', value: 8, id: 'kept' };
  await handler.kill();
  await commander.send({ ...kept, id: 'away' });
  await commander.send({ ...kept, id: 'retained', value: 9 }, { retain: true });
  handler.start();
  assert.equal((await commander.answer(({ id }) => id === 'away'))['value'], 8);
  // To a session that stands 3.1.1 delivers it as new; as retained to the next subscription.
  await commander.answer(({ id }) => id === 'retained');
  const refused = await commander.answer((answer) => codeOf(answer) === 'retained');
  assert.equal(refused['id'], 'retained');
  await redis.client.xadd('measurement:values', '1-0', 'n', '1');
  await until('the reading', () => commander.readings.size === 1);
});

test('a broker that takes one message at a time gets readings and answers in turn', async () => {
  const brokerConfig = ['max_inflight_messages 1'];
  await using bed = await commandBed({}, { brokerConfig });
  const { commander, handler, redis } = bed;
  const linesBefore = handler.lines.filter((line) => line.includes('link_up')).length;
  const from = commander.answers.length;
  for (let i = 1; i <= 40; i += 1) {
    await redis.client.xadd('measurement:values', `${i}-0`, 'n', String(i));
    await commander.send({ command: 'get_config', key: 'measurement:interval', id: `${i}` });
  }
  await until('all answers', () => commander.answers.length - from === 40);
  await until('all readings', () => commander.readings.size === 40);
  const links = handler.lines.filter((line) => line.includes('link_up')).length;
  assert.equal(links, linesBefore, 'one connection all the time');
});

test('commands on a topic of an earlier configuration are not taken', async () => {
  await using bed = await commandBed();
  const { commander, handler, redis, broker } = bed;
  await handler.stop();
  await using moved = service('mqtthandler', {
    ...redis.env,
    MQTT_HOST: '127.0.0.1',
    MQTT_PORT: String(broker.port),
    BALENA_DEVICE_UUID: DEVICE,
    MQTT_TOPIC_REQUEST: 'elsewhere/%(device_uuid)s/%(app_name)s',
  });
  const command = { command: 'set_config', key: 'measurement:interval', value: 3 };
  await commander.send(command);
  moved.start();
  const topic = `elsewhere/${DEVICE}/local`;
  await until('the new topic', async () => {
    const from = commander.answers.length;
    await commander.send({ command: 'get_config', key: 'measurement:interval' }, {}, topic);
    const answer = await commander.answer(() => true, from, 500).catch(() => undefined);
    if (answer !== undefined) assert.equal(answer['value'], null);
    return answer !== undefined;
  });
  assert.equal(await redis.client.get('measurement:interval'), null);
});

test('a command sent with QoS 0 is carried out and answered as well', async () => {
  await using bed = await commandBed();
  await bed.commander.send({ command: 'get_config', key: 'mqtt_sender:interval' }, { qos: 0 });
  assert.equal((await bed.commander.answer(() => true))['value'], null);
});

test('a Redis that is full refuses commands with a reason, and takes them when it has room', async () => {
  await using bed = await commandBed();
  const { commander, redis } = bed;
  const command = { command: 'set_config', key: 'measurement:interval', value: 3, id: 'full' };
  await redis.client.config('SET', 'maxmemory', '1mb');
  assert.equal(codeOf(await commander.ask(command)), 'failed');
  const read = await commander.ask({ command: 'get_config', key: 'measurement:interval' });
  assert.equal(read['value'], null);
  await redis.client.config('SET', 'maxmemory', '0');
  assert.deepEqual(await commander.ask(command), command);
});

test('SIGTERM ends the service while commands wait for a Redis that stands still', async () => {
  await using bed = await commandBed();
  const { commander, handler, redis } = bed;
  redis.process.freeze();
  await commander.send({ command: 'set_config', key: 'measurement:interval', value: 3, id: 1 });
  await commander.send({ command: 'get_status' });
  const stopped = handler.stop();
  const code = await stopped;
  redis.process.thaw();
  assert.equal(code, 0);
  handler.start();
  assert.equal((await commander.answer(({ id }) => id === 1))['value'], 3);
});
