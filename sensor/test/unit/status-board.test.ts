import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@holdfast/kit/testing';
import { StatusBoard } from '../../src/status-board.ts';
import type { StatusFields } from '../../src/status-board.ts';

function setUp() {
  const clock = new ManualClock();
  const writes: StatusFields[] = [];
  const status: Record<string, string | number> = { state: 'a', readings: 0 };
  const link = { up: true };
  const board = new StatusBoard({
    clock,
    render: () => ({ ...status }),
    write: async (fields) => {
      if (link.up) writes.push(fields);
      return link.up;
    },
  });
  const stop = new AbortController();
  const running = board.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  return { clock, writes, status, board, link, end };
}

describe('the status', () => {
  it('is written at once the first time, whole', async () => {
    const { clock, writes, board, end } = setUp();
    board.touch(true);
    await clock.advance(0);
    assert.deepEqual(writes, [{ state: 'a', readings: 0 }]);
    await end();
  });

  it('writes counters every 5 s at most, and only what differs', async () => {
    const { clock, writes, status, board, end } = setUp();
    board.touch(true);
    await clock.advance(0);
    for (let n = 1; n <= 1_000; n += 1) {
      status['readings'] = n;
      board.touch(false);
      await clock.advance(10);
    }
    assert.equal(writes.length, 3);
    assert.deepEqual(Object.keys(writes[1] ?? {}), ['readings']);
    await end();
  });

  it('writes a change of state soon', async () => {
    const { clock, writes, status, board, end } = setUp();
    board.touch(true);
    await clock.advance(0);
    board.touch(false);
    status['state'] = 'b';
    board.touch(true);
    await clock.advance(500);
    assert.deepEqual(writes[1], { state: 'b' });
    await end();
  });

  it('writes nothing when nothing happens', async () => {
    const { clock, writes, board, end } = setUp();
    board.touch(true);
    await clock.advance(86_400_000);
    board.touch(true);
    await clock.advance(86_400_000);
    assert.equal(writes.length, 1);
    await end();
  });

  it('tries again after a failure, and writes all anew on a new connection', async () => {
    const { clock, writes, board, link, end } = setUp();
    link.up = false;
    board.touch(true);
    await clock.advance(1_000);
    link.up = true;
    await clock.advance(5_000);
    assert.equal(writes.length, 1);
    board.forget();
    await clock.advance(5_000);
    assert.deepEqual(writes[1], { state: 'a', readings: 0 });
    await end();
  });
});
