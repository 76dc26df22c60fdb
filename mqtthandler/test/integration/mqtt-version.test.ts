/**
 * Which version of MQTT is spoken. Over 3.1.1 Mosquitto tells no size limit and acknowledges an
 * oversized message that it drops: a broker of MQTT 5 must never be asked with 3.1.1 by mistake.
 */
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { freePort } from '@holdfast/lab/servers';
import { startBed } from './bed.ts';

type Answer = 'pass' | 'hang_up' | 'unacceptable_version';

/** Stands before a broker and answers CONNECT in its place; `level` is 4 or 5. */
async function startGate(targetPort: number, decide: (level: number, attempt: number) => Answer) {
  const levels: number[] = [];
  const server = createServer((client) => {
    client.on('error', () => {});
    client.once('data', (chunk) => {
      const level = chunk[chunk.indexOf('MQTT') + 4] ?? 0;
      levels.push(level);
      const answer = decide(level, levels.length);
      if (answer === 'unacceptable_version') client.write(Buffer.from([0x20, 2, 0, 1]));
      if (answer !== 'pass') {
        client.end();
        return;
      }
      const broker = connect(targetPort, '127.0.0.1');
      broker.on('error', () => client.destroy());
      broker.write(chunk);
      client.pipe(broker).pipe(client);
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { port, levels, [Symbol.asyncDispose]: async () => void server.close() };
}

const SMALL_MESSAGES = { config: ['allow_anonymous true', 'message_size_limit 3000'] };

test('a broker that hangs up at the first attempt is still asked with MQTT 5, so its refusals are heard', async () => {
  await using bed = await startBed({ start: false, mosquitto: SMALL_MESSAGES });
  await using gate = await startGate(bed.broker.port, (_level, attempt) =>
    attempt === 1 ? 'hang_up' : 'pass',
  );
  await bed.producer.produce(24);
  bed.startHandler({ MQTT_PORT: String(gate.port) });
  await bed.assertNothingLost();
  assert.equal(gate.levels.at(-1), 5);
});

test('a broker that hangs up on MQTT 5 each time gets 3.1.1', async () => {
  await using bed = await startBed({ start: false });
  await using gate = await startGate(bed.broker.port, (level) =>
    level === 5 ? 'hang_up' : 'pass',
  );
  await bed.producer.produce(24);
  bed.startHandler({ MQTT_PORT: String(gate.port) });
  await bed.assertNothingLost();
});

test('a broker that refuses MQTT 5 as an unacceptable version gets 3.1.1', async () => {
  await using bed = await startBed({ start: false });
  await using gate = await startGate(bed.broker.port, (level) =>
    level === 5 ? 'unacceptable_version' : 'pass',
  );
  await bed.producer.produce(24);
  bed.startHandler({ MQTT_PORT: String(gate.port) });
  await bed.assertNothingLost();
});
