/** The handler is killed at each exact step on the way of a reading, again and again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChunkFate } from '@holdfast/lab/fault-proxy';
import { until } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import { startBed } from './bed.ts';

const ROUNDS = 5;
/** MQTT 3.1.1, section 3.3.1: PUBLISH, QoS 1. */
const PUBLISH_QOS_1 = 0x32;

const isPublish = (chunk: Buffer) => chunk[0] === PUBLISH_QOS_1;
/** The script that stores the cursor is the only one that is given this key. */
const isCursorWrite = (chunk: Buffer) => chunk.includes(KEYS.mqttMark.key);

interface Step {
  readonly name: string;
  readonly line: 'network' | 'redisNetwork';
  readonly is: (chunk: Buffer) => boolean;
  readonly fate: ChunkFate;
}

const STEPS: readonly Step[] = [
  {
    name: 'read, but not yet published',
    line: 'network',
    is: isPublish,
    fate: 'close_before',
  },
  {
    name: 'published, but without its PUBACK',
    line: 'network',
    is: isPublish,
    fate: 'close_after',
  },
  {
    name: 'acknowledged, but before the cursor is stored',
    line: 'redisNetwork',
    is: isCursorWrite,
    fate: 'close_before',
  },
  {
    name: 'the cursor stored, but before it is told so',
    line: 'redisNetwork',
    is: isCursorWrite,
    fate: 'close_after',
  },
];

for (const { name, line, is, fate } of STEPS) {
  test(`killed with a reading ${name}, ${ROUNDS} times at 500 readings/s: nothing is lost`, async () => {
    await using bed = await startBed();
    bed.producer.start(500);
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = bed.receiver.readings.size;
      await until('readings flow', () => bed.receiver.readings.size > before + 100);
      let kills = 0;
      bed[line].setRule((chunk) => {
        if (!is(chunk)) return 'forward';
        if (kills === 0) void bed.handler.kill();
        kills += 1;
        return fate;
      });
      await until('it was killed at that step', () => kills > 0 && !bed.handler.running);
      bed[line].setRule(undefined);
      bed.handler.start();
    }
    await bed.producer.stop();
    await bed.assertNothingLost();
    assert.ok(bed.receiver.readings.size > ROUNDS * 100);
  });
}
