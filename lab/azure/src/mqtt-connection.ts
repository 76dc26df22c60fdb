/**
 * MQTT at packet level: what DPS and the hubs have in common. A stream is handed, at its CONNECT
 * packet, to the first service that claims it; from then on the service sees parsed packets and
 * decides alone what is answered, when, and whether at all. Nothing here knows sessions, topics or
 * credentials, so every misbehaviour a test wants is possible above it.
 */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import mqttPacket from 'mqtt-packet';
import type { IConnectPacket, Packet } from 'mqtt-packet';
import { peerChain } from './certificates.ts';

/** Takes connections over: a hub, or DPS. */
export interface MqttService {
  /** By the user name, when several services share a port. */
  claims(connect: IConnectPacket): boolean;
  /** The service sets the handlers of `connection` before it returns. */
  accept(connection: MqttConnection, connect: IConnectPacket): void;
}

/** A client that sends no CONNECT is let go after this time. */
const CONNECT_TIMEOUT_MS = 30_000;
/** A client that does not take the last bytes is let go after this time. */
const END_TIMEOUT_MS = 10_000;
/** A client that takes nothing any more is let go when this much waits for it. */
const MAX_WAITING_BYTES = 16 * 2 ** 20;

/** One client, from its CONNECT packet to the end of its socket. */
export class MqttConnection {
  /** What arrives after CONNECT. Set by the service. */
  onPacket: (packet: Packet) => void = () => {};
  /** Called once, when the socket has ended for whatever reason. */
  onClosed: () => void = () => {};
  readonly #stream: Duplex;
  readonly #tls: Duplex;
  #chain: readonly X509Certificate[] | undefined;

  /** @param tls what the stream runs over, when it is not the stream itself */
  constructor(stream: Duplex, tls: Duplex) {
    this.#stream = stream;
    this.#tls = tls;
  }

  /** The client's certificate and its chain as far as sent; empty when it showed none. */
  get chain(): readonly X509Certificate[] {
    this.#chain ??= 'getPeerCertificate' in this.#tls ? peerChain(this.#tls as TLSSocket) : [];
    return this.#chain;
  }

  get closed(): boolean {
    return this.#stream.destroyed || this.#stream.writableEnded;
  }

  /** Without effect once closed: an answer may come too late. */
  write(packet: Packet): void {
    if (this.closed) return;
    mqttPacket.writeToStream(packet, this.#stream);
    if (this.#stream.writableLength > MAX_WAITING_BYTES) this.destroy();
  }

  /** Bytes that are no MQTT, for clients that should be able to take them. */
  writeRaw(bytes: Uint8Array): void {
    if (!this.closed) this.#stream.write(bytes);
  }

  /** Ends after what was written has gone out; what the client still sends is not read. */
  end(): void {
    if (this.closed) return;
    this.onPacket = () => {};
    setSocketTimeout(this.#stream, END_TIMEOUT_MS);
    this.#stream.end(() => this.#stream.destroy());
  }

  /** Ends at once; packets that have already arrived are not looked at either. */
  destroy(): void {
    this.onPacket = () => {};
    this.#stream.destroy();
  }

  /** Reads nothing more: the client's packets stay in the network. */
  freeze(): void {
    this.#stream.pause();
  }
}

/** Serves one stream of MQTT until it ends. @param tls what it runs over, e.g. under a WebSocket */
export function serveMqtt(
  stream: Duplex,
  services: readonly MqttService[],
  tls: Duplex = stream,
): void {
  const connection = new MqttConnection(stream, tls);
  const parser = mqttPacket.parser({ protocolVersion: 4 });
  let accepted = false;
  parser.on('packet', (packet) => {
    if (accepted) return connection.onPacket(packet);
    const service = packet.cmd === 'connect' ? serviceFor(services, packet) : undefined;
    if (packet.cmd !== 'connect' || service === undefined) return connection.destroy();
    accepted = true;
    setSocketTimeout(stream, 0);
    service.accept(connection, packet);
  });
  parser.on('error', () => connection.destroy());
  stream.on('data', (bytes: Buffer) => {
    if (!connection.closed) parser.parse(bytes);
  });
  stream.on('error', () => stream.destroy());
  stream.on('end', () => stream.end());
  stream.on('timeout', () => stream.destroy());
  stream.on('close', () => connection.onClosed());
  setSocketTimeout(stream, CONNECT_TIMEOUT_MS);
}

function serviceFor(
  services: readonly MqttService[],
  connect: IConnectPacket,
): MqttService | undefined {
  // An unknown name is refused by the first in proper form.
  return services.find((one) => one.claims(connect)) ?? services[0];
}

function setSocketTimeout(stream: Duplex, timeoutMs: number): void {
  if ('setTimeout' in stream) (stream as Socket).setTimeout(timeoutMs);
}
