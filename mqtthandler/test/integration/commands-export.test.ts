import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { codeOf, commandBed } from './command-bed.ts';
import type { Commander, CommandBed } from './command-bed.ts';

const STORED = 20_000;

/** Stores readings 1..count as if they had long been delivered; the live ones come after them. */
async function store(bed: CommandBed, count: number): Promise<void> {
  const { client } = bed.redis;
  await client.set('mqtt_sender:enabled', '0');
  await until('forwarding is paused', async () => {
    return (await client.hget('mqtthandler:status', 'mqtt_state')) === 'paused';
  });
  for (let from = 1; from <= count; from += 1_000) {
    const steps = client.pipeline();
    for (let i = from; i < from + 1_000 && i <= count; i += 1) {
      steps.xadd('measurement:values', `${i}-0`, 'temperature_celsius', '21.5', 'n', String(i));
    }
    await steps.exec();
  }
  await client.set('mqtt_sender:last_id', `${count}-0`);
  await client.set('mqtt_sender:enabled', '1');
  await until('forwarding goes on', async () => {
    return (await client.hget('mqtthandler:status', 'mqtt_state')) === 'connected';
  });
}

function storedReceived(commander: Commander): number {
  return [...commander.readings.keys()].filter((id) => Number.parseInt(id, 10) <= STORED).length;
}

describe('send_measurements', () => {
  test('sends a large range beside live readings, which are not held up', async () => {
    await using bed = await commandBed();
    const { commander, redis } = bed;
    await store(bed, STORED);
    const command = { command: 'send_measurements', id: 'all', max_id: `${STORED}` };
    const first = await commander.ask(command);
    assert.deepEqual(first, { ...command, status: 'running', sent: 0 });
    const waits: number[] = [];
    for (let i = 1; i <= 20; i += 1) {
      const id = `${STORED + i}-0`;
      const atMs = performance.now();
      await redis.client.xadd('measurement:values', id, 'live', '1');
      await until('the live reading', () => commander.readings.has(id));
      waits.push(performance.now() - atMs);
      assert.ok(waits.length > 1 || storedReceived(commander) < STORED, 'the export is under way');
    }
    const done = await commander.answer(({ status }) => status === 'done');
    assert.deepEqual(done, { ...command, status: 'done', sent: STORED });
    assert.equal(storedReceived(commander), STORED);
    assert.equal(commander.readings.size, STORED + 20);
    assert.equal(Math.max(...commander.readings.values()), 1);
    assert.deepEqual(await commander.ask(command), done);
  });

  test('sends the part that was asked for', async () => {
    await using bed = await commandBed();
    const { commander } = bed;
    await store(bed, 1_000);
    await commander.send({ command: 'send_measurements', min_id: '11', max_id: '(501-0', id: 'a' });
    await commander.send({ command: 'send_measurements', min_id: '(800-0', count: 50, id: 'b' });
    await commander.send({ command: 'send_measurements', min_id: '5000-0', id: 'none' });
    const done = async (which: string) =>
      await commander.answer(({ id, status }) => id === which && status === 'done');
    assert.equal((await done('a'))['sent'], 490);
    assert.equal((await done('b'))['sent'], 50);
    assert.equal((await done('none'))['sent'], 0);
    const ids = [...commander.readings.keys()].map((id) => Number.parseInt(id, 10));
    assert.deepEqual([Math.min(...ids), Math.max(...ids), ids.length], [11, 850, 540]);
  });

  test('goes on after the connection was cut and after the process was killed', async () => {
    await using bed = await commandBed({ SEND_MEASUREMENTS_MAX_READINGS_PER_SECOND: '4000' });
    const { commander, handler, broker } = bed;
    await store(bed, STORED);
    await commander.send({ command: 'send_measurements', id: 'long', max_id: `${STORED}` });
    await until('a quarter', () => storedReceived(commander) >= STORED / 4);
    await broker.restart();
    await until('half', () => storedReceived(commander) >= STORED / 2, 60_000);
    await handler.kill();
    handler.start();
    const done = await commander.answer(({ status }) => status === 'done', 0, 60_000);
    assert.equal(done['sent'], STORED);
    assert.equal(storedReceived(commander), STORED);
    const repeats = [...commander.readings.values()].filter((times) => times > 1).length;
    assert.ok(repeats < STORED / 2, `${repeats} readings came twice`);
  });

  test('is cancelled by its id, one waits for the other, and too many are refused', async () => {
    await using bed = await commandBed({ SEND_MEASUREMENTS_MAX_READINGS_PER_SECOND: '500' });
    const { commander, redis } = bed;
    await store(bed, 10_000);
    const range = { command: 'send_measurements', max_id: '10000' };
    assert.equal((await commander.ask({ ...range, id: 0 }))['status'], 'running');
    for (let id = 1; id <= 4; id += 1) {
      assert.equal((await commander.ask({ ...range, id, count: 1 }))['status'], 'queued');
    }
    assert.equal(codeOf(await commander.ask({ ...range, id: 'more' })), 'busy');
    await until('some readings', () => commander.readings.size >= 100);
    const from = commander.answers.length;
    await commander.send({ command: 'cancel', id: 0 });
    const cancelled = ({ status }: Record<string, unknown>) => status === 'cancelled';
    await until('both answers', () => commander.answers.filter(cancelled).length === 2);
    const answers = commander.answers.slice(from).filter(cancelled);
    assert.deepEqual(answers.map(({ command }) => command as string).toSorted(), [
      'cancel',
      'send_measurements',
    ]);
    const sent = answers.map((answer) => Number(answer['sent']));
    assert.ok(sent[0] === sent[1] && Number(sent[0]) > 0 && Number(sent[0]) < 10_000);
    for (let i = 1; i <= 4; i += 1) {
      await commander.answer(({ id, status }) => id === i && status === 'done');
    }
    assert.deepEqual(await redis.client.hgetall('commands:exports'), {});
    assert.equal(codeOf(await commander.ask({ command: 'cancel', id: 0 })), 'bad_value');
  });
});
