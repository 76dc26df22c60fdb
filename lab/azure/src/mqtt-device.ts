/**
 * A small MQTT client at packet level: thousands of devices in one process for load, and any packet
 * in any order for tests of rules. It never retries, never reconnects and hides nothing.
 */
import { once } from 'node:events';
import { connect as connectTls, createSecureContext } from 'node:tls';
import type { SecureContext, TLSSocket } from 'node:tls';
import mqttPacket from 'mqtt-packet';
import type { IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet';
import { createSas } from './sas.ts';

export interface MqttDeviceOptions {
  readonly host?: string;
  readonly port: number;
  /** PEM of the authority of the server; the server's name is not checked. */
  readonly ca: string;
  /** A client certificate and its key, PEM. */
  readonly certificatePem?: string;
  readonly keyPem?: string;
  readonly connect: Pick<IConnectPacket, 'clientId'> & Partial<IConnectPacket>;
  /** For the CONNACK and each acknowledgement; default 15 s. */
  readonly timeoutMs?: number;
}

/** The server refused: MQTT return code 1 to 5. */
export class ConnackError extends Error {
  override readonly name = 'ConnackError';
  readonly code: number;

  constructor(code: number) {
    super(`CONNACK ${code}`);
    this.code = code;
  }
}

interface Waiter {
  readonly resolve: (packet: Packet) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class MqttDevice {
  /** PUBLISH packets of the server; QoS 1 is acknowledged afterwards unless it returns false. */
  onPublish: (packet: IPublishPacket) => boolean | void = () => {};
  /** For the next requests. */
  timeoutMs: number;
  /** From the CONNACK. */
  sessionPresent = false;
  /** Resolves when the socket has ended. */
  readonly closed: Promise<void>;
  readonly #socket: TLSSocket;
  readonly #waiters = new Map<string, Waiter>();
  #lastPacketId = 0;

  /** Use {@link connectMqtt}. */
  constructor(socket: TLSSocket, timeoutMs: number) {
    this.#socket = socket;
    this.timeoutMs = timeoutMs;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const waiter of this.#waiters.values()) waiter.reject(new Error('connection closed'));
        resolve();
      });
    });
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    parser.on('packet', (packet) => this.#handle(packet));
    parser.on('error', () => socket.destroy());
    socket.on('data', (bytes) => parser.parse(bytes));
  }

  /** Any packet, as it is. */
  write(packet: Packet): void {
    mqttPacket.writeToStream(packet, this.#socket);
  }

  /** Bytes that need not be MQTT. */
  writeRaw(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** QoS 1. Resolves with the PUBACK; rejects when none comes or the connection ends. */
  async publish(topic: string, payload: string | Buffer): Promise<void> {
    const messageId = this.#nextPacketId();
    const packet = { cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false } as const;
    await this.request({ ...packet, messageId }, `puback ${messageId}`);
  }

  /** @returns the granted QoS of each */
  async subscribe(...topics: readonly string[]): Promise<readonly number[]> {
    const messageId = this.#nextPacketId();
    const subscriptions = topics.map((topic) => ({ topic, qos: 1 }) as const);
    const packet = { cmd: 'subscribe', messageId, subscriptions } as const;
    const answer = await this.request(packet, `suback ${messageId}`);
    return answer.cmd === 'suback' ? answer.granted.map(Number) : [];
  }

  /** Sends a packet and waits for the one named `<cmd> <packet id>`, e.g. `pingresp 0`. */
  async request(packet: Packet, answer: string): Promise<Packet> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('connection closed'));
      const timer = setTimeout(() => {
        this.#waiters.delete(answer);
        reject(new Error(`no ${answer} within ${this.timeoutMs} ms`));
      }, this.timeoutMs);
      this.#waiters.set(answer, { resolve, reject, timer });
      this.write(packet);
    }).finally(() => {
      clearTimeout(this.#waiters.get(answer)?.timer);
      this.#waiters.delete(answer);
    }) as Promise<Packet>;
  }

  /** DISCONNECT, then the end of the socket. */
  async close(): Promise<void> {
    if (!this.#socket.destroyed) {
      this.write({ cmd: 'disconnect' });
      this.#socket.end();
    }
    await this.closed;
  }

  /** The socket ends without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  #handle(packet: Packet): void {
    if (packet.cmd === 'publish') {
      const acknowledge = this.onPublish(packet) !== false && packet.qos === 1;
      if (acknowledge) this.write({ cmd: 'puback', messageId: packet.messageId ?? 0 });
      return;
    }
    const id = packet.cmd === 'connack' ? 0 : (packet.messageId ?? 0);
    this.#waiters.get(`${packet.cmd} ${id}`)?.resolve(packet);
  }

  #nextPacketId(): number {
    this.#lastPacketId = (this.#lastPacketId % 65_535) + 1;
    return this.#lastPacketId;
  }
}

/**
 * Connects.
 * @throws ConnackError when the server refuses, Error when it closes or says nothing
 */
export async function connectMqtt(options: MqttDeviceOptions): Promise<MqttDevice> {
  const { certificatePem, timeoutMs = 15_000 } = options;
  const socket = connectTls({
    host: options.host ?? '127.0.0.1',
    port: options.port,
    secureContext: certificatePem === undefined ? trusting(options.ca) : ownContext(options),
    checkServerIdentity: () => undefined,
  });
  await once(socket, 'secureConnect');
  const device = new MqttDevice(socket, timeoutMs);
  const packet: IConnectPacket = {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 180,
    ...options.connect,
  };
  const answer = await device.request(packet, 'connack 0').catch((error: unknown) => {
    device.destroy();
    throw error;
  });
  const code = answer.cmd === 'connack' ? (answer.returnCode ?? 0) : 0;
  if (answer.cmd !== 'connack' || code !== 0) {
    device.destroy();
    throw new ConnackError(code);
  }
  device.sessionPresent = answer.sessionPresent;
  return device;
}

/** By authority: reading certificates costs as much as a handshake. */
const contexts = new Map<string, SecureContext>();

function trusting(ca: string): SecureContext {
  const known = contexts.get(ca);
  if (known !== undefined) return known;
  const context = createSecureContext({ ca });
  contexts.set(ca, context);
  return context;
}

function ownContext({ ca, certificatePem, keyPem }: MqttDeviceOptions): SecureContext {
  return createSecureContext({ ca, cert: certificatePem, key: keyPem });
}

export interface HubLogin {
  /** The hub's host, with port where it has one. */
  readonly host: string;
  readonly deviceId: string;
  /** Base64. */
  readonly key: string;
  /** Unix seconds. */
  readonly expiresSeconds: number;
}

/** The CONNECT packet of a device of a hub that signs with a key, as the official client sends it. */
export function hubConnect(
  login: HubLogin,
): Pick<IConnectPacket, 'clientId' | 'clean' | 'username' | 'password'> {
  const { host, deviceId, key, expiresSeconds } = login;
  const resource = encodeURIComponent(`${host}/devices/${deviceId}`);
  return {
    clientId: deviceId,
    clean: false,
    username: `${host}/${deviceId}/?api-version=2021-04-12&DeviceClientType=holdfast-lab`,
    password: Buffer.from(createSas({ resource, key, expiresSeconds })),
  };
}
