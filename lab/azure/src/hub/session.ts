/**
 * One device's connection to a hub, from CONNACK to the end.
 *
 * What a device may do is little: publish to its events topic, to the twin and method topics, and
 * subscribe to four filters. Everything else ends the connection, as the hub does ("Communicate with
 * an IoT hub using the MQTT protocol", "closes the connection").
 */
import type { Clock } from '@holdfast/kit';
import type { IConnectPacket, IPublishPacket, ISubscribePacket, Packet } from 'mqtt-packet';
import { messageBytes, parsePropertyBag } from '../core/property-bag.ts';
import type { PropertyBag } from '../core/property-bag.ts';
import { parseDeviceTopic, parseFilter } from '../core/topics.ts';
import type { DisconnectReason } from '../events.ts';
import type { FaultAction, FaultPoint, Faults } from '../faults.ts';
import type { MqttConnection } from '../mqtt-connection.ts';
import type { Admitted } from './admission.ts';
import type { CloudToDevice } from './cloud-to-device.ts';
import type { Device } from './device.ts';
import type { Methods } from './methods.ts';
import type { Telemetry } from './telemetry.ts';
import type { TwinAnswer, Twins } from './twins.ts';

/** What a session needs of its hub. */
export interface SessionHost {
  readonly name: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly telemetry: Telemetry;
  readonly twins: Twins;
  readonly methods: Methods;
  readonly cloudToDevice: CloudToDevice;
  /** The hub goes away. */
  readonly closing: AbortSignal;
  /** The connection is over; called once. */
  ended(session: Session, reason: DisconnectReason, detail: string | undefined): void;
}

export const MAX_MESSAGE_BYTES = 262_144;
const MAX_SUBSCRIPTIONS = 5;
/** Ends in which acknowledgements on their way may be lost. */
const ABRUPT: ReadonlySet<DisconnectReason> = new Set([
  'client',
  'dropped',
  'failover',
  'fault',
  'hub_down',
  'keepalive',
]);
/** The hub waits 1.5 times the keepalive, and never longer than this. */
const MAX_SILENCE_MS = 1_767_000;

export class Session {
  readonly device: Device;
  readonly connectedMs: number;
  readonly clean: boolean;
  /** End of the SAS token, unix milliseconds by the cloud's clock; undefined with a certificate. */
  readonly expiresMs: number | undefined;
  /** Longest silence, milliseconds. */
  readonly silenceMs: number;
  /** Monotonic. */
  lastHeardMs: number;
  readonly #host: SessionHost;
  readonly #connection: MqttConnection;
  readonly #will: IConnectPacket['will'];
  #lastPacketId = 0;
  #over = false;

  constructor(
    host: SessionHost,
    connection: MqttConnection,
    connect: IConnectPacket,
    grant: Admitted,
  ) {
    this.#host = host;
    this.#connection = connection;
    this.#will = connect.will;
    this.device = grant.device;
    this.clean = connect.clean ?? true;
    this.expiresMs = grant.attestation === 'sas' ? grant.expiresMs : undefined;
    const keepaliveMs = (connect.keepalive ?? 0) * 1000;
    this.silenceMs = Math.min(
      keepaliveMs === 0 ? MAX_SILENCE_MS : keepaliveMs * 1.5,
      MAX_SILENCE_MS,
    );
    this.connectedMs = host.clock.nowMs();
    this.lastHeardMs = host.clock.monotonicMs();
  }

  /** Accepts the connection. */
  start(sessionPresent: boolean): void {
    this.#connection.onPacket = (packet) => {
      this.lastHeardMs = this.#host.clock.monotonicMs();
      this.#handle(packet);
    };
    this.#connection.onClosed = () => this.end('client');
    this.#connection.write({ cmd: 'connack', returnCode: 0, sessionPresent });
  }

  /** @returns the packet id of a QoS 1 message */
  publish(topic: string, payload: Buffer, qos: 0 | 1): number | undefined {
    const messageId = qos === 1 ? this.#nextPacketId() : undefined;
    this.#connection.write({
      cmd: 'publish',
      topic,
      payload,
      qos,
      dup: false,
      retain: false,
      ...(messageId === undefined ? {} : { messageId }),
    });
    return messageId;
  }

  /** @param flush whether what was written before still goes out; default: as the reason has it */
  end(reason: DisconnectReason, detail?: string, flush = !ABRUPT.has(reason)): void {
    if (this.#over) return;
    this.#over = true;
    if (flush) this.#connection.end();
    else this.#connection.destroy();
    if (this.#will !== undefined && detail !== 'DISCONNECT') this.#sendWill();
    this.#host.ended(this, reason, detail);
  }

  #handle(packet: Packet): void {
    switch (packet.cmd) {
      case 'publish':
        return this.#onPublish(packet);
      case 'subscribe':
        return this.#onSubscribe(packet);
      case 'unsubscribe': {
        for (const filter of packet.unsubscriptions) {
          const subscription = parseFilter(filter, this.device.id);
          if (subscription !== undefined) this.device.subscriptions.delete(subscription);
        }
        return this.#connection.write({
          cmd: 'unsuback',
          messageId: packet.messageId ?? 0,
          granted: [],
        });
      }
      case 'puback':
        return this.#host.cloudToDevice.complete(this.device, packet.messageId ?? 0);
      case 'pingreq':
        return this.#connection.write({ cmd: 'pingresp' });
      case 'disconnect':
        return this.end('client', 'DISCONNECT');
      case 'connect':
      case 'auth':
      case 'connack':
      case 'pingresp':
      case 'pubcomp':
      case 'pubrec':
      case 'pubrel':
      case 'suback':
      case 'unsuback':
        return this.end('rule', `unexpected packet ${packet.cmd}`);
    }
  }

  #onSubscribe(packet: ISubscribePacket): void {
    if (packet.subscriptions.length > MAX_SUBSCRIPTIONS) {
      return this.end('rule', `more than ${MAX_SUBSCRIPTIONS} subscriptions`);
    }
    const wanted = packet.subscriptions.map(({ topic }) => parseFilter(topic, this.device.id));
    if (wanted.includes(undefined)) return this.end('rule', 'subscription to a foreign topic');
    this.#withFault('hub_subscribe', (action) => {
      for (const one of wanted) if (one !== undefined) this.device.subscriptions.add(one);
      if (action === undefined) {
        const granted = packet.subscriptions.map(({ qos }) => Math.min(qos, 1));
        this.#connection.write({ cmd: 'suback', messageId: packet.messageId ?? 0, granted });
      }
      if (wanted.includes('devicebound')) this.#host.cloudToDevice.deliver(this.device);
      if (wanted.includes('methods')) this.#host.methods.arrived(this.device);
    });
  }

  #onPublish(packet: IPublishPacket): void {
    if (packet.qos === 2) return this.end('rule', 'QoS 2');
    const topic = parseDeviceTopic(packet.topic, this.device.id);
    const body = Buffer.from(packet.payload as Uint8Array);
    switch (topic?.kind) {
      case undefined:
        return this.end('rule', 'publish to a foreign topic');
      case 'event':
        return this.#onEvent(packet, topic.bag, body);
      case 'method_answer':
        this.#host.methods.answered(this.device, topic.requestId, topic.status, body);
        return this.#acknowledge(packet);
      case 'twin_get':
        this.#acknowledge(packet);
        return this.#withFault('twin_get', (action) =>
          this.#answerTwin(
            action?.kind === 'status' || action?.kind === 'body'
              ? this.#host.twins.faulty('twin_read', this.device, topic.requestId, action)
              : this.#host.twins.read(this.device, topic.requestId),
            action,
          ),
        );
      case 'twin_patch':
        this.#acknowledge(packet);
        return this.#withFault('twin_patch', (action) =>
          this.#answerTwin(
            action?.kind === 'status' || action?.kind === 'body'
              ? this.#host.twins.faulty('twin_reported', this.device, topic.requestId, action)
              : this.#host.twins.report(this.device, topic.requestId, body),
            action,
          ),
        );
    }
  }

  #onEvent(packet: IPublishPacket, bagText: string, body: Buffer): void {
    const bag = parsePropertyBag(bagText);
    if (bag === undefined) return this.end('rule', 'properties cannot be decoded');
    if (messageBytes(body.length, bag) > MAX_MESSAGE_BYTES) {
      return this.end('rule', 'more than 256 KB');
    }
    this.#withFault('hub_publish', (action) => {
      const marked = packet.retain ? withProperty(bag, 'mqtt-retain', 'true') : bag;
      const acknowledged = action === undefined;
      const { deviceId } = this.device.identity;
      const message = { deviceId, body, bag: marked, duplicate: packet.dup, acknowledged };
      this.#host.telemetry.offer(message, (outcome) => {
        if (outcome !== 'accepted') return this.end(outcome);
        if (action === undefined) return this.#acknowledge(packet);
        if (action.kind === 'process_and_close') this.end('fault', 'after processing');
      });
    });
  }

  /** Runs `work` as a fault rule wants it: late, not at all, or knowing what to do differently. */
  #withFault(at: FaultPoint, work: (action: FaultAction | undefined) => void): void {
    const fault = this.#host.faults.take(at, this.#host.name, this.device.id);
    if (fault === undefined) return work(undefined);
    const strike = () => {
      if (this.#over || fault.action.kind === 'hang') return;
      if (fault.action.kind === 'close') return this.end('fault', 'before processing');
      work(fault.action.kind === 'pass' ? undefined : fault.action);
    };
    if (fault.delayMs === 0) return strike();
    void this.#host.clock.sleepMs(fault.delayMs, this.#host.closing).then(strike);
  }

  #answerTwin(answer: TwinAnswer, action: FaultAction | undefined): void {
    if (action?.kind === 'process_and_close') return this.end('fault', 'after processing');
    if (action?.kind === 'withhold' || !this.device.listens('twin_responses')) return;
    this.publish(answer.topic, answer.body, 0);
  }

  #acknowledge(packet: IPublishPacket): void {
    if (packet.qos !== 1) return;
    this.#connection.write({ cmd: 'puback', messageId: packet.messageId ?? 0 });
  }

  #sendWill(): void {
    const topic = parseDeviceTopic(this.#will?.topic ?? '', this.device.id);
    const bag = topic?.kind === 'event' ? parsePropertyBag(topic.bag) : undefined;
    if (bag === undefined) return;
    const body = Buffer.from(this.#will?.payload ?? '');
    const marked = withProperty(bag, 'iothub-MessageType', 'Will');
    const message = { deviceId: this.device.id, body, bag: marked, duplicate: false };
    this.#host.telemetry.offer({ ...message, acknowledged: false }, () => {});
  }

  #nextPacketId(): number {
    this.#lastPacketId = (this.#lastPacketId % 65_535) + 1;
    return this.#lastPacketId;
  }
}

function withProperty(bag: PropertyBag, name: string, value: string): PropertyBag {
  return { ...bag, user: { ...bag.user, [name]: value } };
}
