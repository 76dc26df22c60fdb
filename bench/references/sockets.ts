/**
 * The least that any Node process can do: two bare sockets, protocols written by hand, no parsing.
 * Every `EVERY_MS` one request to Redis (cursor and new readings in one write), one PUBLISH of the
 * reply as it is. What this costs in CPU is the price of waking up and of the system calls.
 * Environment: REDIS_PORT, MQTT_PORT, TOPIC, EVERY_MS.
 */
import { once } from 'node:events';
import { connect } from 'node:net';

const topic = process.env['TOPIC'] ?? '';
const redis = connect({ port: Number(process.env['REDIS_PORT']), noDelay: true });
const broker = connect({ port: Number(process.env['MQTT_PORT']), noDelay: true });

/** MQTT 3.1.1, section 2.2.3. */
function remainingLength(bytes: number): number[] {
  const rest = Math.floor(bytes / 128);
  return rest === 0 ? [bytes] : [(bytes % 128) | 0x80, ...remainingLength(rest)];
}

function packet(type: number, ...parts: readonly (Buffer | readonly number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([type, ...remainingLength(body.length)]), body]);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length >> 8, value.length & 0xff]), Buffer.from(value)]);
}

function command(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

broker.write(packet(0x10, text('MQTT'), [4, 2, 0, 60], text('sockets')));
await once(broker, 'data');
broker.resume();
console.log('ready');

let after = `${Date.now()}-0`;
let messageId = 0;
redis.on('data', (reply) => {
  const ids = reply.toString('latin1').match(/\d{13}-\d+/g);
  const last = ids?.at(-1);
  if (last === undefined) return;
  after = last;
  messageId = (messageId % 65_535) + 1;
  broker.write(packet(0x32, text(topic), [messageId >> 8, messageId & 0xff], reply));
});
setInterval(() => {
  const cursor = command('SET', 'cursor', after);
  const read = command('XRANGE', 'measurement:values', `(${after}`, '+', 'COUNT', '200');
  redis.write(cursor + read);
}, Number(process.env['EVERY_MS']));
