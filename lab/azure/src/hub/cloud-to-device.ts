/**
 * Cloud-to-device messages: a queue per device, delivered while the device listens, completed by its
 * PUBACK, delivered again at the next connect where that is missing. Limits: 50 a device, 64 KB
 * each, ten deliveries, one hour unless the sender says otherwise ("Understand cloud-to-device
 * messaging").
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '@holdfast/kit';
import { formatPropertyBag } from '../core/property-bag.ts';
import type { PropertyBag } from '../core/property-bag.ts';
import { deviceboundTopic } from '../core/topics.ts';
import type { EventLog } from '../event-log.ts';
import { HubError } from '../ports.ts';
import type { Device } from './device.ts';

export interface CloudToDeviceMessage {
  readonly body: string | Uint8Array;
  /** Default a UUID. */
  readonly messageId?: string;
  readonly contentType?: string;
  readonly properties?: PropertyBag['user'];
  /** Milliseconds; default one hour. */
  readonly timeToLiveMs?: number;
}

export interface PendingMessage {
  readonly messageId: string;
  readonly body: Buffer;
  readonly bag: PropertyBag;
  /** Wall clock. */
  readonly expiresMs: number;
  deliveries: number;
  /** MQTT packet id of the delivery that waits for its PUBACK. */
  packetId: number | undefined;
}

const MAX_QUEUE = 50;
const MAX_BYTES = 65_536;
const MAX_DELIVERIES = 10;
const TIME_TO_LIVE_MS = 3_600_000;

export class CloudToDevice {
  readonly #hub: string;
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #charge: (bytes: number) => void;

  /** @param charge counts each message in metering blocks */
  constructor(hub: string, clock: Clock, log: EventLog, charge: (bytes: number) => void) {
    this.#hub = hub;
    this.#charge = charge;
    this.#clock = clock;
    this.#log = log;
  }

  /** @returns the message id @throws HubError 403004 when 50 wait already, 413001 above 64 KB */
  send(device: Device, message: CloudToDeviceMessage): string {
    this.#dropExpired(device);
    if (device.queue.length >= MAX_QUEUE)
      throw new HubError(403004, 'DeviceMaximumQueueDepthExceeded');
    const body = Buffer.from(message.body);
    if (body.length > MAX_BYTES) throw new HubError(413001, 'MessageTooLarge');
    this.#charge(body.length);
    const messageId = message.messageId ?? randomUUID();
    const system: Record<string, string> = {
      '$.mid': messageId,
      '$.to': `/devices/${device.id}/messages/devicebound`,
    };
    if (message.contentType !== undefined) system['$.ct'] = message.contentType;
    device.queue.push({
      messageId,
      body,
      bag: { system, user: message.properties ?? {} },
      expiresMs: this.#clock.nowMs() + (message.timeToLiveMs ?? TIME_TO_LIVE_MS),
      deliveries: 0,
      packetId: undefined,
    });
    this.#append('c2d_queued', device, messageId);
    this.deliver(device);
    return messageId;
  }

  /** Sends what waits, when the device listens. */
  deliver(device: Device): void {
    this.#dropExpired(device);
    if (!device.listens('devicebound')) return;
    for (const message of device.queue) {
      if (message.packetId !== undefined) continue;
      message.deliveries += 1;
      const topic = deviceboundTopic(device.id, formatPropertyBag(message.bag));
      message.packetId = device.session?.publish(topic, message.body, 1);
      this.#append('c2d_delivered', device, message.messageId);
    }
  }

  /** The device's PUBACK. */
  complete(device: Device, packetId: number): void {
    const at = device.queue.findIndex((message) => message.packetId === packetId);
    const [message] = at < 0 ? [] : device.queue.splice(at, 1);
    if (message !== undefined) this.#append('c2d_completed', device, message.messageId);
  }

  /** The connection ended: what was not acknowledged waits for the next one. */
  disconnected(device: Device): void {
    for (const message of device.queue) message.packetId = undefined;
  }

  #dropExpired(device: Device): void {
    const nowMs = this.#clock.nowMs();
    const isDead = (message: PendingMessage) =>
      message.packetId === undefined &&
      (message.expiresMs <= nowMs || message.deliveries >= MAX_DELIVERIES);
    const dead = device.queue.filter(isDead);
    if (dead.length === 0) return;
    device.queue.splice(0, Infinity, ...device.queue.filter((message) => !isDead(message)));
    for (const message of dead) this.#append('c2d_dead_lettered', device, message.messageId);
  }

  #append(
    event: 'c2d_queued' | 'c2d_delivered' | 'c2d_completed' | 'c2d_dead_lettered',
    device: Device,
    messageId: string,
  ): void {
    this.#log.append({ event, hub: this.#hub, deviceId: device.id, messageId });
  }
}
