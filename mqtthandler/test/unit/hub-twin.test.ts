import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ManualClock, seededRandom } from '@holdfast/kit/testing';
import {
  carriedOut,
  decodeCarried,
  encodeCarried,
  patchOf,
  patched,
  reportedConfig,
  wishesOf,
} from '../../src/core/hub/twin.ts';
import type { Carried } from '../../src/core/hub/twin.ts';
import type { JsonObject } from '../../src/core/commands/json.ts';
import { HubTwin } from '../../src/hub/twin.ts';
import type { TwinLink } from '../../src/hub/ports.ts';

const done = (value: unknown, version = 1): Carried => ({
  desired: JSON.stringify(value),
  version,
  outcome: 'done',
});
const known = new Map([
  ['a', done(1)],
  ['b', done('x')],
]);
const keysOf = (desired: JsonObject, whole: boolean) =>
  wishesOf(desired, known, whole).map(({ key, value }) => [key, value]);

describe('of the whole document', () => {
  test('only what has changed is carried out', () => {
    assert.deepEqual(keysOf({ config: { a: 1, b: 'y', c: 2 }, $version: 4 }, true), [
      ['b', 'y'],
      ['c', 2],
    ]);
  });

  test('what is no longer desired is given up', () => {
    assert.deepEqual(keysOf({ config: { a: 1 }, $version: 4 }, true), [['b', null]]);
    assert.equal(keysOf({ $version: 4 }, true).length, 2);
    assert.equal(keysOf({ config: 'odd', $version: 4 }, true).length, 2);
  });
});

describe('of a change', () => {
  test('everything it names is meant, also the same value again', () => {
    assert.deepEqual(keysOf({ config: { a: 1 }, $version: 4 }, false), [['a', 1]]);
    assert.deepEqual(keysOf({ config: { b: null, z: null }, $version: 4 }, false), [['b', null]]);
    assert.deepEqual(keysOf({ other: 1, $version: 4 }, false), []);
    assert.equal(keysOf({ config: null, $version: 4 }, false).length, 2);
  });
});

test('what came of a wish survives being stored', () => {
  const wish = { key: 'a', value: { deep: [1] }, version: 3 };
  for (const answer of [{}, { error: { code: 'bad_value', message: 'no' } }]) {
    const carried = carriedOut(wish, answer);
    assert.deepEqual(decodeCarried(encodeCarried(carried)), carried);
  }
  for (const text of ['', '5', '{}', 'null', '{"desired":1,"version":1,"outcome":"x"}']) {
    assert.equal(decodeCarried(text), undefined);
  }
});

test('every key is reported with its value, and with the outcome where one was desired', () => {
  const values = new Map([
    ['a', '1'],
    ['n', null],
    ['free', '5'],
  ]);
  assert.deepEqual(reportedConfig(values, new Map([['a', done(1, 7)]])), {
    a: { value: '1', version: 7, outcome: 'done' },
    free: { value: '5' },
  });
});

describe('the patch of reported properties', () => {
  const json = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.oneof(
      fc.integer(),
      fc.string(),
      fc.dictionary(fc.constantFrom('x', 'y'), fc.oneof(fc.integer(), fc.string())),
    ),
  );
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
  const sorted = (value: JsonObject) =>
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'object' && inner !== null
        ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    );

  test('turns what the hub has into what is wanted, and then there is none', () => {
    fc.assert(
      fc.property(json, json, (knownSection, wantedSection) => {
        const before = plain({ config: knownSection, other: 1, $version: 4 }) as JsonObject;
        const wanted = plain({ config: wantedSection }) as JsonObject;
        const patch = patchOf(before, wanted);
        const after = patch === undefined ? before : patched(before, patch);
        assert.equal(sorted(after['config'] as JsonObject), sorted(wanted['config'] as JsonObject));
        assert.equal(after['other'], 1);
        assert.equal(patchOf(after, wanted), undefined);
      }),
    );
  });

  test('is none once the hub has done its part with a null, however deep', () => {
    const withNulls = (depth: number): fc.Arbitrary<JsonObject> =>
      fc.dictionary(
        fc.constantFrom('a', 'b', 'c'),
        depth === 0
          ? fc.constantFrom(null, 1, 'x')
          : fc.oneof(fc.constantFrom(null, 1, 'x'), withNulls(depth - 1), fc.array(fc.integer())),
      );
    fc.assert(
      fc.property(withNulls(2), withNulls(3), (has, wantedSection) => {
        const before = patched({}, { answer: plain(has) });
        const wanted = plain({ config: {}, answer: wantedSection }) as JsonObject;
        const patch = patchOf(before, wanted);
        const after = patch === undefined ? before : patched(before, patch);
        assert.equal(patchOf(after, wanted), undefined, JSON.stringify(after));
      }),
      { numRuns: 2_000 },
    );
  });

  test('deletes what is wanted to be null', () => {
    const before = { answer: { id: 1, min_id: '5-0' } };
    assert.deepEqual(patchOf(before, { answer: { id: 1, min_id: null } }), {
      answer: { min_id: null },
    });
    assert.deepEqual(patchOf(before, { answer: null }), { answer: null });
    assert.equal(patchOf({}, { answer: null }), undefined);
  });

  test('names only what differs', () => {
    const before = { config: { a: { value: '1', version: 2 }, b: { value: 'x' } } };
    const wanted = { config: { a: { value: '2', version: 2 } } };
    assert.deepEqual(patchOf(before, wanted), { config: { a: { value: '2' }, b: null } });
  });
});

/** A twin in memory that a test can make fail. */
class FakeTwin implements TwinLink {
  desired: JsonObject = { $version: 1 };
  reported: JsonObject = { $version: 1 };
  failures: Error[] = [];
  refuses: (patch: JsonObject) => boolean = () => false;
  calls: string[] = [];
  push: (patch: JsonObject) => void = () => {};

  onDesired(listener: (patch: JsonObject) => void): Promise<void> {
    this.push = listener;
    return this.#call('subscribe', undefined);
  }

  readTwin() {
    return this.#call('read', { desired: this.desired, reported: this.reported });
  }

  reportTwin(patch: JsonObject) {
    if (this.refuses(patch)) this.failures.push(new Error('twin_failure 400 0'));
    this.reported = this.failures.length > 0 ? this.reported : patched(this.reported, patch);
    return this.#call('report', undefined);
  }

  #call<T>(name: string, result: T): Promise<T> {
    this.calls.push(name);
    const failure = this.failures.shift();
    return failure === undefined ? Promise.resolve(result) : Promise.reject(failure);
  }
}

class Bench implements Disposable {
  readonly clock = new ManualClock();
  readonly link = new FakeTwin();
  readonly commands: unknown[] = [];
  readonly memory = new Map<string, Carried>();
  /** What the next commands are answered; then every one is done. */
  readonly answers: (JsonObject | Error)[] = [];
  readonly twin: HubTwin;
  state: JsonObject = { services: {} };
  #stop = new AbortController();

  constructor() {
    this.twin = new HubTwin({
      memory: {
        load: () => Promise.resolve(new Map(this.memory)),
        store: (key, carried) => {
          if (carried === null) this.memory.delete(key);
          else this.memory.set(key, carried);
          return Promise.resolve();
        },
      },
      run: (command) => {
        this.commands.push(command);
        const answer = this.answers.shift() ?? {};
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
      clock: this.clock,
      random: seededRandom(1),
      report: () => {},
      summary: () => Promise.resolve(this.state),
    });
  }

  async connect(): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    void this.twin.serve(this.link, this.#stop.signal);
    await this.clock.advance(1_000);
  }

  /** A late answer over the present connection. */
  answer(answer: JsonObject): Promise<boolean> {
    return this.twin.reportAnswer(answer, this.#stop.signal);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}

const set = (key: string, value: unknown) => ({ command: 'set_config', key, value });

test('a twin is subscribed to before it is read; each desired value is carried out once', async () => {
  using bench = new Bench();
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
  using bench = new Bench();
  await bench.connect();
  bench.link.desired = { config: { a: 1, b: 2 }, $version: 9 };
  bench.link.push({ config: { b: 2 }, $version: 9 });
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.commands, [set('a', 1), set('b', 2)]);
});

test('requests that fail are repeated with growing waits of five seconds at least', async () => {
  using bench = new Bench();
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
  using bench = new Bench();
  bench.link.failures = [new Error('twin_failure 429 90')];
  await bench.connect();
  await bench.clock.advance(88_000);
  assert.deepEqual(bench.link.calls, ['subscribe']);
  await bench.clock.advance(5_000);
  assert.deepEqual(bench.link.calls.slice(0, 3), ['subscribe', 'subscribe', 'read']);
});

test('a report the hub refuses is not repeated', async () => {
  using bench = new Bench();
  await bench.connect();
  bench.link.failures = [new Error('twin_failure 400 0')];
  bench.state = { services: { sensor: 'lost' } };
  await bench.clock.advance(600_000);
  assert.equal(bench.link.calls.filter((call) => call === 'report').length, 2);
});

test('nothing changed is nothing reported; changed values and late answers are, soon', async () => {
  using bench = new Bench();
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
  using bench = new Bench();
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
      using bench = new Bench();
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
      using bench = new Bench();
      bench.link.desired = { config: { k: 5 }, $version: 3 };
      bench.answers.push(answer);
      await bench.connect();
      await bench.connect();
      assert.deepEqual(bench.commands, [set('k', 5), set('k', 5)]);
    });
  }

  test('is forgotten for a newer one', async () => {
    using bench = new Bench();
    bench.link.desired = { config: { k: 5, l: 1 }, $version: 3 };
    bench.answers.push(refused('busy'), refused('busy'));
    await bench.connect();
    bench.link.push({ config: { k: 6, l: null }, $version: 4 });
    await bench.clock.advance(600_000);
    assert.deepEqual(bench.commands, [set('k', 5), set('l', 1), set('k', 6)]);
  });

  test('is tried ever less often', async () => {
    using bench = new Bench();
    bench.link.desired = { config: { k: 5 }, $version: 3 };
    bench.answers.push(...Array.from({ length: 100 }, () => refused('failed')));
    await bench.connect();
    await bench.clock.advance(3_600_000);
    assert.ok(bench.commands.length > 8 && bench.commands.length < 25, `${bench.commands.length}`);
    assert.equal(bench.link.calls.filter((call) => call === 'report').length, 1);
  });

  test('because it is wrong is not tried again', async () => {
    using bench = new Bench();
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
  const reports = (bench: Bench) => bench.link.calls.filter((call) => call === 'report').length;

  test('that echoes a null is reported once', async () => {
    using bench = new Bench();
    await bench.connect();
    void bench.answer(answer);
    await bench.clock.advance(3_600_000);
    assert.equal(reports(bench), 2);
    const { command, status } = answer;
    assert.deepEqual(bench.link.reported['answer'], { command, nested: {}, status });
  });

  test('that the twin refuses takes nothing else with it', async () => {
    using bench = new Bench();
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
    using bench = new Bench();
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
    using bench = new Bench();
    await bench.connect();
    bench.link.refuses = () => true;
    const delivered = bench.answer({ 'a.b': 1 });
    await bench.clock.advance(5_000);
    assert.equal(await delivered, true);
  });
});
