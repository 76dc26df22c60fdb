import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { codeOf, commandBed } from './command-bed.ts';
import type { Answer, CommandBed } from './command-bed.ts';

/** How often `config_set` or the like was written: one event per execution. */
async function executions(bed: CommandBed, event: string): Promise<number> {
  const events = await bed.redis.client.xrange('events', '-', '+');
  return events.filter(([, fields]) => fields.includes(event)).length;
}

describe('a command is carried out once', () => {
  test('the same id gets the same answer again, also after a restart', async () => {
    await using bed = await commandBed();
    const { commander, handler, redis } = bed;
    const command = { command: 'set_config', key: 'measurement:interval', value: 5, id: 'once' };
    const first = await commander.ask(command);
    await redis.client.set('measurement:interval', '6');
    assert.deepEqual(await commander.ask(command), first);
    assert.deepEqual(await commander.ask({ ...command, value: 7 }), first);
    await handler.kill();
    handler.start();
    await bed.untilListening();
    assert.deepEqual(await commander.ask(command), first);
    assert.equal(await redis.client.get('measurement:interval'), '6');
    assert.equal(await executions(bed, 'config_set'), 1);
    // A number and a text are two ids.
    // Killed before its acknowledgement was out, the last command came again: one answer more.
    for (const [id, value] of [
      [1, 5],
      ['1', 8],
    ] as const) {
      await commander.send({ ...command, id, value });
      assert.equal((await commander.answer((answer) => answer['id'] === id))['value'], value);
    }
  });

  test('the same id sent many times at once is carried out once', async () => {
    await using bed = await commandBed();
    const { commander } = bed;
    const from = commander.answers.length;
    const command = { command: 'set_config', key: 'measurement:interval', value: 5, id: 'many' };
    await Promise.all(Array.from({ length: 10 }, () => commander.send(command)));
    await commander.answer(({ id }) => id === 'many', from);
    await commander.ask({ command: 'get_status' });
    assert.equal(await executions(bed, 'config_set'), 1);
  });

  test('killed between taking and answering, it answers after its return', async () => {
    await using bed = await commandBed();
    const { commander, handler, redis } = bed;
    for (let round = 0; round < 5; round += 1) {
      const from = commander.answers.length;
      const id = `killed-${round}`;
      // Redis stands still: the command arrives and cannot be stored, or not be finished.
      redis.process.freeze();
      await commander.send({
        command: 'set_config',
        key: 'measurement:interval',
        value: round + 1,
        id,
      });
      await commander.send({
        command: 'set_config',
        key: 'mqtt_sender:interval',
        value: round / 100,
      });
      if (round % 2 === 0) redis.process.thaw();
      await handler.kill();
      redis.process.thaw();
      handler.start();
      await commander.answer((answer) => answer['id'] === id, from);
      await commander.answer(({ key }) => key === 'mqtt_sender:interval', from);
      assert.equal(await redis.client.get('measurement:interval'), String(round + 1));
    }
    const keys = (answer: Answer) => answer['key'] === 'measurement:interval';
    const ids = commander.answers.filter(keys).map(({ id }) => id);
    assert.equal(new Set(ids).size, 5);
    assert.equal(await executions(bed, 'config_set'), 10);
    assert.equal(await redis.client.xlen('commands:inbox'), 0);
  });

  test('a command that comes while Redis is away is carried out when it is back', async () => {
    await using bed = await commandBed();
    const { commander, redis } = bed;
    await redis.process.kill();
    const from = commander.answers.length;
    const command = { command: 'set_config', key: 'measurement:interval', value: 2, id: 'away' };
    await commander.send(command);
    await commander.send({ command: 'no such thing', id: 'fault' });
    assert.equal(
      codeOf(await commander.answer(({ id }) => id === 'fault', from)),
      'unknown_command',
    );
    await redis.restart();
    assert.deepEqual(await commander.answer(({ id }) => id === 'away', from), command);
    assert.equal(await redis.client.get('measurement:interval'), '2');
  });

  test('ids are forgotten beyond their number', async () => {
    await using bed = await commandBed();
    const { commander, redis } = bed;
    const old = JSON.stringify({ takenMs: Date.now() - 1_000, answer: '{}' });
    for (let i = 0; i < 600; i += 1) await redis.client.hset('commands:records', `id:${i}`, old);
    for (let i = 0; i < 50; i += 1) {
      await commander.send({ command: 'get_config', key: 'measurement:interval', id: `new-${i}` });
    }
    await until('records are forgotten', async () => {
      const kept = await redis.client.hlen('commands:records');
      return kept <= 500;
    });
  });
});

describe('with COMMAND_PUBLIC_KEY', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const der = publicKey.export({ format: 'der', type: 'spki' });
  const signed = (command: object, key = privateKey) => {
    const text = Buffer.from(JSON.stringify(command));
    return { signed: text.toString('base64'), signature: sign(null, text, key).toString('base64') };
  };
  const forms: Record<string, string> = {
    'the 32 bytes': der.subarray(-32).toString('base64'),
    DER: der.toString('base64'),
    PEM: publicKey.export({ format: 'pem', type: 'spki' }) as string,
  };

  for (const [name, key] of Object.entries(forms)) {
    test(`only what is signed runs (key given as ${name})`, async () => {
      await using bed = await commandBed({ COMMAND_PUBLIC_KEY: key });
      const { commander, redis } = bed;
      const expires = Date.now() + 60_000;
      const set = { command: 'set_config', key: 'measurement:interval', value: 5, expires };
      assert.equal(codeOf(await commander.ask({ ...set, id: 1 })), 'missing_signature');
      const other = generateKeyPairSync('ed25519').privateKey;
      assert.equal(codeOf(await commander.ask(signed({ ...set, id: 1 }, other))), 'bad_signature');
      assert.equal(codeOf(await commander.ask(signed(set))), 'bad_type');
      assert.equal(await redis.client.get('measurement:interval'), null);
      const good = signed({ ...set, id: 1 });
      assert.deepEqual(await commander.ask(good), { ...set, id: 1 });
      await redis.client.set('measurement:interval', '6');
      const replayed = await commander.ask(good);
      assert.equal(codeOf(replayed), 'replayed');
      assert.deepEqual(replayed['answer'], { ...set, id: 1 });
      const changed = { ...good, signed: Buffer.from('{"command":"reboot"}').toString('base64') };
      assert.equal(codeOf(await commander.ask(changed)), 'bad_signature');
      assert.equal(await redis.client.get('measurement:interval'), '6');
    });
  }
});
