import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { codeOf, commandBed } from './command-bed.ts';

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
