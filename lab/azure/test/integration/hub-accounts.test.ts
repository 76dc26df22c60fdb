import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import type { FaultAction, MqttDevice } from '../../src/index.ts';
import { EVENTS, startBed } from './hub-bed.ts';
import type { Bed } from './hub-bed.ts';

const MESSAGES = 300;
const IN_FLIGHT = 10;
const ACTIONS: readonly FaultAction[] = [
  { kind: 'hang' },
  { kind: 'close' },
  { kind: 'withhold' },
  { kind: 'process_and_close' },
  { kind: 'pass' },
];

/**
 * The log is what tests of devices prove their "nothing lost, nothing twice" with: so it must be
 * right itself, whatever happens to the connection.
 */
test('under faults of all kinds the log holds what was acknowledged, and nothing that was not sent', async () => {
  await using bed = await startBed();
  for (const action of ACTIONS) {
    bed.cloud.faults.add({ at: 'hub_publish', probability: 0.03, action });
  }
  const random = seededRandom(42);
  const sent = new Map<string, number>();
  const waiting = Array.from({ length: MESSAGES }, (_unused, index) => `message ${index}`);
  let device: MqttDevice | undefined;
  while (waiting.length > 0) {
    device ??= await bed.connect();
    device.timeoutMs = 100;
    const current = device;
    const batch = waiting.splice(0, IN_FLIGHT);
    const sends = batch.map(async (body) => {
      sent.set(body, (sent.get(body) ?? 0) + 1);
      const bag = `%24.mid=${encodeURIComponent(body)}`;
      await current.publish(`${EVENTS}${bag}`, body).catch(() => waiting.push(body));
    });
    if (random.next() < 0.05) bed.hub.dropConnections();
    const before = waiting.length;
    await Promise.all(sends);
    // As a device does that no longer trusts its connection.
    if (waiting.length > before) {
      device.destroy();
      await device.closed;
      device = undefined;
    }
  }
  checkAccounts(bed, sent);
});

function checkAccounts(bed: Bed, sent: ReadonlyMap<string, number>): void {
  const { messages } = bed.hub;
  const came = new Map<string, number>();
  for (const [index, { sequence, messageId = '', body, sha256 }] of messages.all.entries()) {
    assert.equal(sequence, index + 1);
    assert.equal(messageId, body.toString());
    assert.equal(sha256, createHash('sha256').update(body).digest('hex'));
    came.set(messageId, (came.get(messageId) ?? 0) + 1);
  }
  assert.equal(came.size, MESSAGES, 'all were acknowledged in the end, so all are there');
  for (const [body, times] of came) assert.ok(times <= (sent.get(body) ?? 0), body);
  assert.ok(messages.total > MESSAGES, 'some came twice: their acknowledgement was lost');
  assert.equal(bed.hub.usage.blocksTotal, messages.total);
  assert.equal(bed.cloud.log.count('message'), messages.total);
}
