/** When the hub destination connects, what it reports, and how it changes over to another connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../../src/ports.ts';
import { HubBench, credentials } from '../fakes/fake-hub.ts';

const never = new AbortController().signal;
const IDS = { firstId: '1-0', lastId: '2-0' };
const settle = () => new Promise((resolve) => setImmediate(resolve));

async function connected(bench: HubBench): Promise<Session> {
  await bench.untilDue();
  return await bench.destination.connect(never);
}

test('without credentials nothing is tried; with them at once', async () => {
  const bench = new HubBench({ state: 'connected' });
  bench.publish(undefined);
  assert.ok((await bench.untilDue(600_000)) >= 600_000);
  assert.equal(bench.link.state, 'off');
  assert.equal(bench.destination.address, '(not provisioned)');
  bench.publish(credentials());
  assert.ok((await bench.untilDue()) <= 500);
  const session = await bench.destination.connect(never);
  assert.equal(bench.destination.address, 'mqtts://hub-a');
  assert.deepEqual(
    [bench.link.state, bench.link.outcome, bench.link.attempt],
    ['connected', 'ok', 1],
  );
  await session.close(true);
  assert.equal(bench.link.state, 'off');
});

test('each failure is reported with its attempt and since when; the next comes a minute later', async () => {
  const bench = new HubBench();
  bench.refusal = 'connack_5';
  const startMs = bench.clock.nowMs();
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const waitMs = await bench.untilDue();
    assert.ok(attempt === 1 ? waitMs <= 500 : waitMs >= 60_000 && waitMs <= 90_500, `${waitMs}`);
    await assert.rejects(bench.destination.connect(never), { code: 'connack_5' });
    const { state, outcome, failingSinceMs } = bench.link;
    assert.deepEqual([state, outcome, bench.link.attempt], ['failed', 'connack_5', attempt]);
    assert.ok(failingSinceMs - startMs <= 500);
  }
  bench.refusal = undefined;
  await connected(bench);
  assert.equal(bench.link.failingSinceMs, 0);
});

test('another generation resets the wait and the count, a new token does not', async () => {
  const bench = new HubBench();
  bench.refusal = 'network';
  await bench.untilDue();
  await assert.rejects(bench.destination.connect(never));
  bench.publish(credentials({ auth: { kind: 'sas', token: 'two', expiresMs: 0 } }));
  assert.ok((await bench.untilDue()) >= 59_000);
  await assert.rejects(bench.destination.connect(never));
  bench.publish(credentials({ generation: '2', host: 'hub-b' }));
  assert.ok((await bench.untilDue()) <= 500);
  await assert.rejects(bench.destination.connect(never));
  assert.deepEqual([bench.link.generation, bench.link.attempt], ['2', 1]);
});

test('the time the provisioner names is kept, also for another hub', async () => {
  const bench = new HubBench();
  bench.publish(credentials({ notBeforeMs: bench.clock.nowMs() + 300_000 }));
  assert.ok((await bench.untilDue()) >= 300_000);
  const waiting = bench.untilDue();
  assert.ok((await waiting) <= 500, 'it has passed');
});

for (const [state, agoMs, least, most] of [
  ['failed', 10_000, 50_000, 80_500],
  ['lost', 10_000, 50_000, 80_500],
  ['connecting', 10_000, 50_000, 80_500],
  ['failed', 200_000, 0, 500],
  ['connected', 10_000, 0, 500],
  ['off', 10_000, 0, 500],
] as const) {
  test(`started anew ${agoMs / 1_000} s after "${state}" it waits ${least / 1_000} s at least`, async () => {
    const clockMs = new HubBench().clock.nowMs();
    const bench = new HubBench({ state, generation: '1', atMs: clockMs - agoMs, attempt: 4 });
    const waitMs = await bench.untilDue();
    assert.ok(waitMs >= least && waitMs <= most, `${waitMs} ms`);
    await bench.destination.connect(never);
    assert.equal(bench.link.attempt, 5);
  });
}

test('a lost connection is reported and its messages are lost; after a long one the next comes soon', async () => {
  const bench = new HubBench();
  const session = await connected(bench);
  bench.connection.answers = false;
  const outcomes = [1, 2].map((n) => session.publish(`[${n}]`, IDS));
  await bench.clock.advance(400_000);
  bench.connection.drop('gone');
  assert.deepEqual(await Promise.all(outcomes), [{ kind: 'lost' }, { kind: 'lost' }]);
  assert.equal((await session.ended).detail, 'gone');
  assert.deepEqual([bench.link.state, bench.link.outcome], ['lost', 'dropped']);
  assert.ok((await bench.untilDue()) <= 5_500);
});

test('a new token: what is under way is still acknowledged, nothing new is sent, then the next connection', async () => {
  const bench = new HubBench();
  const session = await connected(bench);
  const { connection } = bench;
  connection.answers = false;
  const before = session.publish('["before"]', IDS);
  await bench.clock.advance(10_000);
  bench.publish(credentials({ auth: { kind: 'sas', token: 'two', expiresMs: 0 } }));
  await bench.clock.advance(50);
  const after = session.publish('["after"]', IDS);
  await bench.clock.advance(1_000);
  assert.ok(connection.open, 'the acknowledgement is waited for');
  connection.acknowledge();
  await bench.clock.advance(50);
  assert.deepEqual(await before, { kind: 'acknowledged' });
  assert.deepEqual(await after, { kind: 'lost' });
  assert.deepEqual(await session.ended, { reason: 'token_renewed', planned: true });
  assert.deepEqual(
    connection.sent.map(({ body }) => body),
    ['["before"]'],
  );
  assert.ok((await bench.untilDue()) <= 500);
  await bench.destination.connect(never);
  assert.equal(
    bench.connection.used.auth.kind === 'sas' && bench.connection.used.auth.token,
    'two',
  );
});

test('what is never acknowledged holds a change of connection up for seconds only', async () => {
  const bench = new HubBench();
  const session = await connected(bench);
  bench.connection.answers = false;
  const waiting = session.publish('[1]', IDS);
  bench.publish(credentials({ generation: '2', host: 'hub-b' }));
  await bench.clock.advance(11_000);
  assert.deepEqual(await session.ended, { reason: 'moved', planned: true });
  assert.deepEqual(await waiting, { kind: 'lost' });
});

test('credentials that change all the time make no storm of connections', async () => {
  const bench = new HubBench();
  const stop = new AbortController();
  let token = 0;
  const until = bench.clock.monotonicMs() + 60_000;
  const supervise = (async () => {
    while (!stop.signal.aborted) {
      await bench.destination.attempts.due(stop.signal);
      if (stop.signal.aborted) return;
      const session = await bench.destination.connect(stop.signal);
      await session.ended;
    }
  })();
  while (bench.clock.monotonicMs() < until) {
    token += 1;
    bench.publish(credentials({ auth: { kind: 'sas', token: `t${token}`, expiresMs: 0 } }));
    await bench.clock.advance(200);
  }
  assert.ok(bench.connections.length >= 5 && bench.connections.length <= 13);
  stop.abort();
  bench.connection.drop();
  await bench.clock.advance(10_000);
  await supervise;
});

test('credentials that vanish leave the connection as it is; when they are back the link is told again', async () => {
  const bench = new HubBench();
  const session = await connected(bench);
  bench.publish(undefined);
  await bench.clock.advance(60_000);
  const told = bench.told.length;
  bench.publish(credentials());
  await settle();
  assert.equal(bench.told.length, told + 1);
  assert.ok(bench.connection.open);
  await session.close(false);
});

test('a message without an acknowledgement ends the session, also when later ones have theirs', async () => {
  const bench = new HubBench();
  const session = await connected(bench);
  bench.connection.answers = false;
  const over = new AbortController();
  void session.ended.then(() => over.abort());
  for (let n = 0; n < 100 && !over.signal.aborted; n += 1) {
    void session.publish(`[${n}]`, IDS);
    if (n > 0) bench.connection.acknowledge(1);
    await bench.clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal((await session.ended).reason, 'puback_timeout');
});
