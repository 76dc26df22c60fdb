import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageLog } from '../../src/hub/message-log.ts';

const message = (deviceId: string, body: string) => ({
  atMs: 1,
  deviceId,
  messageId: undefined,
  system: {},
  properties: {},
  body: Buffer.from(body),
  bytes: body.length,
  sha256: 'x',
  blocks: 1,
  duplicate: false,
  acknowledged: true,
});

test('the newest messages are kept within count and bytes, the counters are complete', () => {
  const log = new MessageLog({ maxMessages: 3 });
  for (let index = 1; index <= 5; index += 1) log.append(message(`d${index % 2}`, `${index}`));
  assert.deepEqual(
    log.all.map(({ sequence, body }) => [sequence, body.toString()]),
    [
      [3, '3'],
      [4, '4'],
      [5, '5'],
    ],
  );
  assert.deepEqual(
    [log.total, log.totalBytes, log.countOf('d1'), log.of('d1').length],
    [5, 5, 3, 2],
  );
  const small = new MessageLog({ maxBytes: 10 });
  for (const body of ['123456', '7890', 'x']) small.append(message('d', body));
  assert.deepEqual(
    small.all.map(({ body }) => body.toString()),
    ['7890', 'x'],
  );
});

test('bodies or messages need not be kept, subscribers get them all the same', () => {
  for (const keep of ['checksums', 'counters'] as const) {
    const log = new MessageLog({ keep });
    const bodies: string[] = [];
    const unsubscribe = log.subscribe(({ body }) => bodies.push(body.toString()));
    log.append(message('d', 'hello'));
    unsubscribe();
    log.append(message('d', 'later'));
    assert.deepEqual(bodies, ['hello']);
    assert.deepEqual(
      log.all.map(({ body, bytes }) => [body.length, bytes]),
      keep === 'counters'
        ? []
        : [
            [0, 5],
            [0, 5],
          ],
    );
    assert.equal(log.total, 2);
  }
});

test('waiting takes what is there or what comes', async () => {
  const log = new MessageLog();
  log.append(message('d', 'one'));
  assert.equal((await log.waitFor(({ body }) => body.toString() === 'one')).sequence, 1);
  const second = log.waitForTotal(2);
  const next = log.waitForNew(() => true);
  log.append(message('d', 'two'));
  await second;
  assert.equal((await next).sequence, 2);
  await assert.rejects(log.waitForTotal(3, 5), /no such message within 5 ms; 2 came/);
  log.clear();
  assert.equal(log.all.length, 0);
  log.append(message('d', 'three'));
  assert.equal(log.all[0]?.sequence, 3);
});
