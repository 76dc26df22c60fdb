/** What every adapter of a destination promises. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransientError } from '@holdfast/kit';
import type { Destination } from '../../src/ports.ts';

export interface DestinationUnderTest extends AsyncDisposable {
  readonly destination: Destination;
  /** Messages it has taken, in order. */
  taken(): Promise<readonly string[]>;
  /** The connection breaks. */
  cut(): Promise<void>;
  /** It cannot be reached from now on. */
  leave(): Promise<void>;
}

const never = new AbortController().signal;
const message = (n: number) => JSON.stringify([{ n }]);
const ids = (n: number) => ({ firstId: `${n}-0`, lastId: `${n}-0` });

export function destinationSuite(name: string, make: () => Promise<DestinationUnderTest>): void {
  test(`${name}: what is published is taken in order and acknowledged`, async () => {
    await using subject = await make();
    const session = await subject.destination.connect(never);
    assert.ok(session.maxInFlight >= 1);
    assert.ok(session.maxPayloadBytes >= 1_000);
    const outcomes = await Promise.all([1, 2, 3].map((n) => session.publish(message(n), ids(n))));
    assert.deepEqual(
      outcomes,
      outcomes.map(() => ({ kind: 'acknowledged' })),
    );
    assert.deepEqual(await subject.taken(), [1, 2, 3].map(message));
    await session.close(true);
  });

  test(`${name}: closing ends the session, says why, and what follows is lost`, async () => {
    for (const graceful of [true, false]) {
      await using subject = await make();
      const session = await subject.destination.connect(never);
      await session.close(graceful);
      assert.equal((await session.ended).reason, 'stopped');
      assert.deepEqual(await session.publish(message(1), ids(1)), { kind: 'lost' });
      await session.close(graceful);
    }
  });

  test(`${name}: a connection that breaks ends the session; nothing stays without an answer`, async () => {
    await using subject = await make();
    const session = await subject.destination.connect(never);
    const outcomes = Array.from({ length: 50 }, (_, n) => session.publish(message(n), ids(n)));
    await subject.cut();
    assert.notEqual((await session.ended).reason, '');
    for (const { kind } of await Promise.all(outcomes)) {
      assert.ok(kind === 'lost' || kind === 'acknowledged');
    }
    await (await subject.destination.connect(never)).close(true);
  });

  test(`${name}: when it is away, connecting fails as something to be tried again`, async () => {
    await using subject = await make();
    await subject.leave();
    await assert.rejects(subject.destination.connect(never), TransientError);
  });

  test(`${name}: an abort ends an attempt to connect`, async () => {
    await using subject = await make();
    await assert.rejects(subject.destination.connect(AbortSignal.abort()), TransientError);
  });
}
