/**
 * What a reading costs where messages are charged by size: Azure IoT Hub counts each message in
 * blocks of 4 KB (Microsoft, "IoT Hub quotas and throttling"). One reading a second, sent at once or
 * gathered for a minute by `mqtt_sender:interval`.
 */
import type { StreamEntry } from '@holdfast/redis';
import { MessagePacker } from '../mqtthandler/src/core/message.ts';
import { bme280Fields, row } from './bed.ts';

const BLOCK_BYTES = 4_096;
const DEVICE = {
  uuid: '6076a30b1f0e4d6c9a52c1d7e3f80b94',
  type: 'raspberrypi4-64',
  appId: '1234567',
  appName: 'greenhouse',
};

export function benchCost(): void {
  console.log('\nReadings per 4 KB block, BME280, one reading a second');
  const packer = new MessagePacker(DEVICE);
  for (const seconds of [1, 10, 60]) {
    const entries = Array.from({ length: seconds }, (_, i): StreamEntry => {
      return [
        `17952946${String(91_940 + i * 1_000).padStart(5, '0')}-0`,
        bme280Fields('59069a2a17de', i),
      ];
    });
    const [message] = packer.pack(entries, { maxBytes: 262_144, maxReadings: 10_000 });
    const bytes = message?.bytes ?? 0;
    const blocks = Math.ceil(bytes / BLOCK_BYTES);
    row(
      `gathered for ${seconds} s`,
      `${(seconds / blocks).toFixed(1)} readings/block, ${(bytes / seconds).toFixed(0)} bytes/reading, ` +
        `${((blocks * 86_400) / seconds).toFixed(0)} blocks/day`,
    );
  }
}
