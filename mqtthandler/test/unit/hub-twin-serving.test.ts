/** The twin over a connection: desired values carried out, reported ones told, faults of the hub. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject } from '../../src/core/commands/json.ts';
import { TwinBench } from '../fakes/twin-bench.ts';

const set = (key: string, value: unknown) => ({ command: 'set_config', key, value });

test('a twin is subscribed to before it is read; each desired value is carried out once', async () => {
  using bench = new TwinBench();
  bench.link.desired = { config: { k: 5 }, $version: 3 };
  await bench.connect();
  assert.deepEqual(bench.link.calls, ['subscribe', 'read', 'report']);
  bench.link.push({ config: { k: 6 }, $version: 4 });
  bench.link.push({ config: { k: 5 }, $version: 3 });
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.commands, [set('k', 5), set('k', 6)]);
  bench.link.desired = { config: { k: 6 }, $version: 4 };
  await bench.connect();
  assert.equal(bench.commands.length, 2);
});

test('a change that was missed makes the whole be read again', async () => {
  using bench = new TwinBench();
  await bench.connect();
  bench.link.desired = { config: { a: 1, b: 2 }, $version: 9 };
  bench.link.push({ config: { b: 2 }, $version: 9 });
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.commands, [set('a', 1), set('b', 2)]);
});

test('requests that fail are repeated with growing waits of five seconds at least', async () => {
  using bench = new TwinBench();
  bench.link.failures = Array.from({ length: 12 }, () => new Error('no answer'));
  const times: number[] = [];
  bench.link.onDesired = () => {
    times.push(bench.clock.monotonicMs());
    const failure = bench.link.failures.shift();
    return failure === undefined ? Promise.resolve() : Promise.reject(failure);
  };
  await bench.connect();
  await bench.clock.advance(3_600_000);
  const waits = times.slice(1).map((ms, i) => ms - (times[i] ?? 0));
  assert.ok(
    waits.length >= 10 && waits.every((ms) => ms >= 5_000 && ms <= 450_000),
    waits.join(' '),
  );
  assert.ok(waits.slice(7).every((ms) => ms >= 300_000));
});

test("the hub's own time to wait is not shortened", async () => {
  using bench = new TwinBench();
  bench.link.failures = [new Error('twin_failure 429 90')];
  await bench.connect();
  await bench.clock.advance(88_000);
  assert.deepEqual(bench.link.calls, ['subscribe']);
  await bench.clock.advance(5_000);
  assert.deepEqual(bench.link.calls.slice(0, 3), ['subscribe', 'subscribe', 'read']);
});

test('a report the hub refuses is not repeated', async () => {
  using bench = new TwinBench();
  await bench.connect();
  bench.link.failures = [new Error('twin_failure 400 0')];
  bench.state = { services: { sensor: 'lost' } };
  await bench.clock.advance(600_000);
  assert.equal(bench.link.calls.filter((call) => call === 'report').length, 2);
});

test('nothing changed is nothing reported; changed values and late answers are, soon', async () => {
  using bench = new TwinBench();
  await bench.connect();
  await bench.clock.advance(3_600_000);
  const reports = () => bench.link.calls.filter((call) => call === 'report').length;
  assert.equal(reports(), 1);
  bench.twin.setValues(new Map([['measurement:interval', '3']]));
  void bench.answer({ command: 'reboot', status: 'done' });
  await bench.clock.advance(1_000);
  assert.equal(reports(), 2);
  assert.deepEqual(bench.link.reported['config'], { 'measurement:interval': { value: '3' } });
  assert.deepEqual(bench.link.reported['answer'], { command: 'reboot', status: 'done' });
});

test('a wiped Redis has everything desired carried out again', async () => {
  using bench = new TwinBench();
  bench.link.desired = { config: { k: 5 }, $version: 3 };
  await bench.connect();
  bench.memory.clear();
  bench.twin.forget();
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.commands, [set('k', 5), set('k', 5)]);
});

describe('a desired value that cannot be set for now', () => {
  const refused = (code: string) => ({ error: { code, message: 'not now' } });
  const passing: [string, JsonObject | Error][] = [
    ...['rate_limited', 'busy', 'failed'].map((code): [string, JsonObject] => [
      code,
      refused(code),
    ]),
    ['not answered at all', new Error('the command could not be taken')],
  ];
  for (const [name, answer] of passing) {
    test(`because it is ${name} is set later, over the same connection`, async () => {
      using bench = new TwinBench();
      bench.link.desired = { config: { k: 5 }, $version: 3 };
      bench.answers.push(answer, answer);
      await bench.connect();
      await bench.clock.advance(3_000);
      assert.equal(bench.commands.length, 1, 'not at once');
      await bench.clock.advance(60_000);
      assert.deepEqual(bench.commands, [set('k', 5), set('k', 5), set('k', 5)]);
      assert.deepEqual((bench.link.reported['config'] as JsonObject)['k'], {
        version: 3,
        outcome: 'done',
      });
      await bench.connect();
      assert.equal(bench.commands.length, 3, 'and then it is done');
    });

    test(`because it is ${name} is set at the next connection too`, async () => {
      using bench = new TwinBench();
      bench.link.desired = { config: { k: 5 }, $version: 3 };
      bench.answers.push(answer);
      await bench.connect();
      await bench.connect();
      assert.deepEqual(bench.commands, [set('k', 5), set('k', 5)]);
    });
  }

  test('is forgotten for a newer one', async () => {
    using bench = new TwinBench();
    bench.link.desired = { config: { k: 5, l: 1 }, $version: 3 };
    bench.answers.push(refused('busy'), refused('busy'));
    await bench.connect();
    bench.link.push({ config: { k: 6, l: null }, $version: 4 });
    await bench.clock.advance(600_000);
    assert.deepEqual(bench.commands, [set('k', 5), set('l', 1), set('k', 6)]);
  });

  const withdrawals = [
    ['by its key', { l: null }, [set('k', 5)]],
    ['with all of them', null, []],
    ['not at all, but another one', { m: null }, [set('k', 5), set('l', 1)]],
  ] as const;
  for (const [how, config, later] of withdrawals) {
    test(`and was never answered, then withdrawn ${how}: only what is desired is set`, async () => {
      using bench = new TwinBench();
      bench.link.desired = { config: { k: 5, l: 1 }, $version: 3 };
      const untaken = new Error('the command could not be taken');
      bench.answers.push(untaken, untaken);
      await bench.connect();
      bench.link.push({ config, $version: 4 });
      await bench.clock.advance(600_000);
      assert.deepEqual(bench.commands, [set('k', 5), set('l', 1), ...later]);
      const told = later.map(({ key }) => [key, { version: 3, outcome: 'done' }]);
      assert.deepEqual(bench.link.reported['config'] ?? {}, Object.fromEntries(told));
      assert.deepEqual(
        [...bench.memory.keys()],
        later.map(({ key }) => key),
      );
    });
  }

  test('is tried ever less often', async () => {
    using bench = new TwinBench();
    bench.link.desired = { config: { k: 5 }, $version: 3 };
    bench.answers.push(...Array.from({ length: 100 }, () => refused('failed')));
    await bench.connect();
    await bench.clock.advance(3_600_000);
    assert.ok(bench.commands.length > 8 && bench.commands.length < 25, `${bench.commands.length}`);
    assert.equal(bench.link.calls.filter((call) => call === 'report').length, 1);
  });

  test('because it is wrong is not tried again', async () => {
    using bench = new TwinBench();
    bench.link.desired = { config: { k: 5 }, $version: 3 };
    bench.answers.push(refused('bad_value'));
    await bench.connect();
    await bench.clock.advance(3_600_000);
    await bench.connect();
    assert.equal(bench.commands.length, 1);
  });
});

describe('a late answer', () => {
  const answer = {
    command: 'send_measurements',
    min_id: null,
    nested: { a: null },
    status: 'done',
  };
  const reports = (bench: TwinBench) => bench.link.calls.filter((call) => call === 'report').length;

  test('that echoes a null is reported once', async () => {
    using bench = new TwinBench();
    await bench.connect();
    void bench.answer(answer);
    await bench.clock.advance(3_600_000);
    assert.equal(reports(bench), 2);
    const { command, status } = answer;
    assert.deepEqual(bench.link.reported['answer'], { command, nested: {}, status });
  });

  test('that the twin refuses takes nothing else with it', async () => {
    using bench = new TwinBench();
    await bench.connect();
    bench.link.refuses = ({ answer }) => Object.hasOwn(answer ?? {}, 'a.b');
    void bench.answer({ 'a.b': 1 });
    bench.twin.setValues(new Map([['measurement:interval', '3']]));
    await bench.clock.advance(3_600_000);
    assert.deepEqual(bench.link.reported['config'], { 'measurement:interval': { value: '3' } });
    assert.equal(bench.link.reported['answer'], undefined);
    // All together, each by itself, and then nothing is repeated.
    assert.equal(reports(bench), 4);
    void bench.answer({ a: 1 });
    await bench.clock.advance(60_000);
    assert.deepEqual(bench.link.reported['answer'], { a: 1 });
  });

  test('is delivered when the hub has it, or a newer one, and not before', async () => {
    using bench = new TwinBench();
    bench.link.failures = Array.from({ length: 4 }, () => new Error('no answer'));
    await bench.connect();
    const delivered: [string, boolean][] = [];
    const send = (id: string) => {
      void bench.answer({ id }).then((told) => delivered.push([id, told]));
    };
    send('a');
    await bench.clock.advance(1_000);
    assert.deepEqual(delivered, []);
    await bench.connect();
    assert.deepEqual(delivered, [['a', false]], 'the connection is over');
    send('a');
    send('b');
    await bench.clock.advance(600_000);
    assert.deepEqual(bench.link.reported['answer'], { id: 'b' });
    assert.deepEqual(delivered.slice(1), [
      ['a', true],
      ['b', true],
    ]);
    send('b');
    await bench.clock.advance(1_000);
    assert.equal(delivered.length, 4, 'the hub has it already');
  });

  test('that the twin refuses counts as delivered, for nobody will ever take it', async () => {
    using bench = new TwinBench();
    await bench.connect();
    bench.link.refuses = () => true;
    const delivered = bench.answer({ 'a.b': 1 });
    await bench.clock.advance(5_000);
    assert.equal(await delivered, true);
  });
});
