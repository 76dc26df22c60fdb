/**
 * What a short script without guarantees does: wait for readings, publish them at once, store the
 * cursor after the PUBACK. One wake-up, one message and one write for each reading.
 * Environment: REDIS_PORT, MQTT_PORT, TOPIC.
 */
import { Redis } from 'ioredis';
import { connectAsync } from 'mqtt';

const port = Number(process.env['REDIS_PORT']);
const [redis, blocking] = [new Redis({ port }), new Redis({ port })];
const client = await connectAsync({
  host: '127.0.0.1',
  port: Number(process.env['MQTT_PORT']),
  protocolVersion: 5,
});
const topic = process.env['TOPIC'] ?? '';
console.log('ready');

let after = `${Date.now()}-0`;
for (;;) {
  const reply = await blocking.xread(
    'COUNT',
    200,
    'BLOCK',
    5_000,
    'STREAMS',
    'measurement:values',
    after,
  );
  const entries = reply?.[0]?.[1] ?? [];
  const last = entries.at(-1);
  if (last === undefined) continue;
  after = last[0];
  const readings = entries.map(([id, fields]) => {
    const reading: Record<string, string> = { _id: id };
    for (let i = 0; i + 1 < fields.length; i += 2) reading[fields[i] ?? ''] = fields[i + 1] ?? '';
    return reading;
  });
  await client.publishAsync(topic, JSON.stringify(readings), { qos: 1 });
  await redis.set('cursor', after);
}
