import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CommandBench, codeOf } from '../fakes/command-bench.ts';
import { FakeCommands } from '../fakes/fake-commands.ts';

const SET = { command: 'set_config', key: 'measurement:interval', value: '5' };

function configEvents(store: FakeCommands): number {
  return store.events.filter(({ event }) => event === 'config_set').length;
}

describe('a command is carried out exactly once', () => {
  for (const phase of ['before', 'after'] as const) {
    test(`when the connection to Redis breaks ${phase} it is taken`, async () => {
      using bench = new CommandBench();
      let broken = true;
      bench.store.onStep = (step, at) => {
        if (step !== 'take' || at !== phase || !broken) return;
        broken = false;
        throw new Error('the connection is gone');
      };
      assert.equal(await bench.submit(SET), true);
      assert.equal(configEvents(bench.store), 1);
      assert.deepEqual(bench.sent, [SET]);
      assert.equal(bench.store.inboxLength, 0);
    });
  }

  test('when the connection to Redis breaks after its end is stored', async () => {
    const asked = { times: 0 };
    const supervisor = {
      reboot: async () => {
        asked.times += 1;
        return { status: 423, words: 'locked' };
      },
    };
    using bench = new CommandBench(new FakeCommands(), 'boot-1', supervisor);
    let broken = true;
    bench.store.onStep = (step, at) => {
      if (step !== 'apply' || at !== 'after' || !broken) return;
      broken = false;
      throw new Error('the connection is gone');
    };
    await bench.submit({ command: 'reboot' });
    await bench.clock.advance(30_000);
    assert.equal(asked.times, 1);
    assert.deepEqual(
      bench.sent.map((answer) => answer['status'] ?? codeOf(answer)),
      ['running', 'busy'],
    );
  });

  for (const phase of ['before', 'after'] as const) {
    test(`and a call is answered when the connection breaks ${phase} its end is stored`, async () => {
      using bench = new CommandBench();
      let broken = true;
      bench.store.onStep = (step, at) => {
        if (step !== 'apply' || at !== phase || !broken) return;
        broken = false;
        throw new Error('the connection is gone');
      };
      const answers: string[] = [];
      const respond = (answer: string) => void answers.push(answer);
      await bench.submit(SET, { source: 'hub', respond });
      await bench.clock.advance(5_000);
      assert.deepEqual(answers, [JSON.stringify(SET)]);
      assert.equal(configEvents(bench.store), 1);
    });
  }

  test('when the process dies before its end is stored', async () => {
    const store = new FakeCommands();
    {
      using bench = new CommandBench(store);
      store.onStep = (step, at) => {
        if (step === 'apply' && at === 'before') throw new Error('the process is gone');
      };
      assert.equal(await bench.submit(SET), true);
      assert.equal(store.inboxLength, 1);
    }
    store.onStep = () => {};
    using bench = new CommandBench(store);
    await bench.clock.advance(1_000);
    assert.equal(configEvents(store), 1);
    assert.deepEqual(bench.sent, [SET]);
  });

  test('when the broker delivers it again, with or without an id', async () => {
    using bench = new CommandBench();
    await bench.submit(SET, { deliveryId: 'x' });
    await bench.submit(SET, { deliveryId: 'x', redelivered: true });
    assert.equal(bench.sent.length, 2);
    await bench.submit({ ...SET, value: '6' }, { deliveryId: 'x' });
    await bench.submit({ ...SET, id: 'i', value: '7' }, { deliveryId: 'y' });
    await bench.submit({ ...SET, id: 'i', value: '7' }, { deliveryId: 'y', redelivered: true });
    assert.equal(configEvents(bench.store), 3);
    assert.equal(bench.store.keys.get('measurement:interval'), '7');
  });

  test('a delivery seen days ago is another command', async () => {
    using bench = new CommandBench();
    await bench.submit(SET, { deliveryId: 'x' });
    bench.store.keys.delete('measurement:interval');
    bench.clock.jumpWall(2 * 86_400_000);
    await bench.submit(SET, { deliveryId: 'x', redelivered: true });
    assert.equal(configEvents(bench.store), 2);
  });
});

test('an export cancelled just when the connection to Redis breaks gives its place free', async () => {
  using bench = new CommandBench();
  const begin = (id: string) => bench.submit({ command: 'send_measurements', id });
  for (const id of ['a', 'b', 'c', 'd', 'e']) await begin(id);
  await begin('busy');
  assert.equal(codeOf(bench.sent.at(-1)), 'busy');
  let broken = true;
  bench.store.onStep = (step, at) => {
    if (step !== 'apply' || at !== 'after' || !broken) return;
    broken = false;
    throw new Error('the connection is gone');
  };
  await bench.submit({ command: 'cancel', id: 'c' });
  await bench.clock.advance(10_000);
  assert.deepEqual(
    bench.sent.filter(({ status }) => status === 'cancelled').map(({ command }) => command),
    ['cancel', 'send_measurements'].toReversed(),
  );
  await begin('f');
  assert.equal(bench.sent.at(-1)?.['status'], 'queued');
  assert.deepEqual(
    (await bench.store.exports()).map(({ id }) => id),
    ['"a"', '"b"', '"d"', '"e"', '"f"'],
  );
});

describe('answers', () => {
  test('wait until their receiver is there', async () => {
    using bench = new CommandBench();
    bench.online = false;
    assert.equal(await bench.submit(SET), true);
    assert.equal(await bench.submit({ command: 'nothing' }), false, 'to be delivered again');
    await bench.clock.advance(5_000);
    bench.online = true;
    await bench.clock.advance(5_000);
    assert.deepEqual(bench.sent, [SET]);
  });

  test('that are too large for a message are cut to what tells them apart', async () => {
    using bench = new CommandBench();
    await bench.submit({ ...SET, id: 'large', padding: 'x'.repeat(2_000) });
    const [answer] = bench.sent;
    assert.deepEqual([answer?.['command'], answer?.['id']], ['set_config', 'large']);
    assert.equal(codeOf(answer), 'failed');
  });

  test('go back with the call where the transport carries them itself', async () => {
    using bench = new CommandBench();
    const answers: string[] = [];
    const extra = { source: 'hub', respond: (answer: string) => void answers.push(answer) };
    await bench.submit({ ...SET, id: 1 }, extra);
    await bench.submit({ ...SET, id: 1 }, extra);
    await bench.submit({ command: 'get_config', key: SET.key }, extra);
    await bench.submit({ command: 'nothing' }, extra);
    const parsed = answers.map((answer) => JSON.parse(answer) as Record<string, unknown>);
    assert.deepEqual(parsed[0], { ...SET, id: 1 });
    assert.deepEqual(parsed[1], parsed[0]);
    assert.equal(parsed[2]?.['value'], '5');
    assert.equal(parsed.length, 4);
    assert.deepEqual(bench.sent, []);
    assert.deepEqual(await bench.store.outbox('0-0', 10), []);
  });

  test('say that it failed when Redis refuses', async () => {
    using bench = new CommandBench();
    bench.store.onStep = (step) => {
      if (step !== 'get') return;
      throw Object.assign(new Error('WRONGTYPE'), { name: 'ReplyError' });
    };
    await bench.submit({ ...SET, id: 1 });
    await bench.submit({ command: 'get_config', key: SET.key });
    assert.deepEqual(bench.sent.map(codeOf), ['failed', 'failed']);
  });
});

test('a cursor that was set is told to the forwarder', async () => {
  using bench = new CommandBench();
  bench.store.keys.set('mqtt_sender:last_id', '9-0');
  await bench.submit({ command: 'set_config', key: 'mqtt_sender:last_id', value: '5-0' });
  assert.deepEqual(bench.cursorsSet, ['mqtt_sender:last_id']);
  bench.store.readings.push('7-0');
  await bench.submit({ command: 'set_config', key: 'mqtt_sender:last_id', value: '8-0' });
  assert.deepEqual(bench.cursorsSet, ['mqtt_sender:last_id']);
  assert.equal(bench.store.keys.get('mqtt_sender:last_id'), '5-0');
});

describe('a reboot', () => {
  const supervisor = (...replies: (number | 'no_answer')[]) => {
    let asked = 0;
    return {
      get asked() {
        return asked;
      },
      reboot: async () => {
        asked += 1;
        const status = replies.shift() ?? 202;
        return status === 'no_answer' ? { status } : { status, words: 'words' };
      },
    };
  };

  test('is done when the device comes back with another boot id', async () => {
    const store = new FakeCommands();
    const asked = supervisor();
    {
      using bench = new CommandBench(store, 'boot-1', asked);
      await bench.submit({ command: 'reboot', id: 'r' });
      await bench.clock.advance(10_000);
      assert.deepEqual(bench.sent, [{ command: 'reboot', id: 'r', status: 'running' }]);
    }
    using bench = new CommandBench(store, 'boot-2', asked);
    await bench.clock.advance(60_000);
    assert.deepEqual(bench.sent, [{ command: 'reboot', id: 'r', status: 'done' }]);
    assert.equal(asked.asked, 1);
  });

  const failures: [string, (number | 'no_answer')[], string, number][] = [
    ['locked', [423], 'busy', 1],
    ['refused', [401], 'failed', 1],
    ['silent', ['no_answer', 'no_answer'], 'failed', 2],
    ['broken', [500, 503], 'failed', 2],
    ['only agreed to', [202], 'failed', 1],
  ];
  for (const [name, replies, code, times] of failures) {
    test(`that is ${name} is answered ${code}`, async () => {
      const asked = supervisor(...replies);
      using bench = new CommandBench(new FakeCommands(), 'boot-1', asked);
      await bench.submit({ command: 'reboot' });
      for (let minute = 0; minute < 6; minute += 1) await bench.clock.advance(60_000);
      assert.equal(bench.sent.length, 2);
      assert.equal(codeOf(bench.sent[1]), code);
      assert.equal(asked.asked, times);
      assert.equal(bench.store.keys.has('commands:reboot'), false);
    });
  }
});
