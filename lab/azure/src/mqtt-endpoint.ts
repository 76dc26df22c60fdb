/**
 * MQTT over TLS at packet level: what DPS and the hubs have in common. An endpoint hands each
 * connection, at its CONNECT packet, to the first service that claims it; from then on the service
 * sees parsed packets and decides alone what is answered, when, and whether at all. Nothing here
 * knows sessions, topics or credentials, so every misbehaviour a test wants is possible above it.
 */
import { constants } from 'node:crypto';
import type { X509Certificate } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer } from 'node:tls';
import type { Server, TLSSocket, TlsOptions } from 'node:tls';
import mqttPacket from 'mqtt-packet';
import type { IConnectPacket, Packet } from 'mqtt-packet';
import { peerChain } from './certificates.ts';
import type { PemPair } from './certificates.ts';

/** Takes connections over: a hub, or DPS. */
export interface MqttService {
  /** By the user name, when several services share a port. */
  claims(connect: IConnectPacket): boolean;
  /** The service sets the handlers of `connection` before it returns. */
  accept(connection: MqttConnection, connect: IConnectPacket): void;
}

export interface MqttEndpointOptions {
  /** 0 = a free one. */
  readonly port: number;
  /** Address to listen on. */
  readonly listenHost: string;
  readonly server: PemPair;
  /** PEM of authorities named to clients; who is let in decides the service. */
  readonly ca: string;
  readonly services: readonly MqttService[];
}

/** A client that sends no CONNECT is let go after this time. */
const CONNECT_TIMEOUT_MS = 30_000;
/** A client that does not take the last bytes is let go after this time. */
const END_TIMEOUT_MS = 10_000;
/** A client that takes nothing any more is let go when this much waits for it. */
const MAX_WAITING_BYTES = 16 * 2 ** 20;

/**
 * TLS as both the MQTT and the HTTPS side serve it: a client certificate is asked for, taken
 * whatever it is, and judged by the service. No session tickets: a resumed session would come
 * without the chain of the certificate.
 */
export function serverTls(server: PemPair, ca: string): TlsOptions {
  return {
    cert: server.certificatePem,
    key: server.keyPem,
    ca,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** One client, from its CONNECT packet to the end of its socket. */
export class MqttConnection {
  /** What arrives after CONNECT. Set by the service. */
  onPacket: (packet: Packet) => void = () => {};
  /** Called once, when the socket has ended for whatever reason. */
  onClosed: () => void = () => {};
  readonly #stream: Duplex;
  #chain: readonly X509Certificate[] | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  /** The client's certificate and its chain as far as sent; empty when it showed none. */
  get chain(): readonly X509Certificate[] {
    this.#chain ??=
      'getPeerCertificate' in this.#stream ? peerChain(this.#stream as TLSSocket) : [];
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

export class MqttEndpoint {
  readonly #options: MqttEndpointOptions;
  readonly #streams = new Set<Duplex>();
  #server: Server | undefined;
  #port: number;

  /** Use {@link startMqttEndpoint}. */
  constructor(options: MqttEndpointOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  /** Stays the same over {@link stop} and {@link start}. */
  get port(): number {
    return this.#port;
  }

  get listening(): boolean {
    return this.#server !== undefined;
  }

  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer(serverTls(this.#options.server, this.#options.ca));
    this.#server = server;
    server.on('connection', (socket) => this.#track(socket));
    server.on('secureConnection', (socket) => this.accept(socket));
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.#options.listenHost, resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Refuses connections and breaks those there are: the machine is gone. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const stream of this.#streams) stream.destroy();
    await closed;
  }

  /** Serves a stream that arrived another way, e.g. as a WebSocket. */
  accept(stream: Duplex): void {
    this.#track(stream);
    const connection = new MqttConnection(stream);
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    let accepted = false;
    parser.on('packet', (packet) => {
      if (accepted) return connection.onPacket(packet);
      const service = packet.cmd === 'connect' ? this.#serviceFor(packet) : undefined;
      if (packet.cmd !== 'connect' || service === undefined) return connection.destroy();
      accepted = true;
      setSocketTimeout(stream, 0);
      service.accept(connection, packet);
    });
    parser.on('error', () => connection.destroy());
    stream.on('data', (bytes: Buffer) => {
      if (!connection.closed) parser.parse(bytes);
    });
    stream.on('end', () => stream.end());
    stream.on('timeout', () => stream.destroy());
    stream.on('close', () => connection.onClosed());
    setSocketTimeout(stream, CONNECT_TIMEOUT_MS);
  }

  #serviceFor(connect: IConnectPacket): MqttService | undefined {
    const { services } = this.#options;
    // An unknown name is refused by the first in proper form.
    return services.find((one) => one.claims(connect)) ?? services[0];
  }

  #track(stream: Duplex): void {
    this.#streams.add(stream);
    stream.on('close', () => this.#streams.delete(stream));
    stream.on('error', () => stream.destroy());
  }
}

/** An endpoint that listens. */
export async function startMqttEndpoint(options: MqttEndpointOptions): Promise<MqttEndpoint> {
  const endpoint = new MqttEndpoint(options);
  await endpoint.start();
  return endpoint;
}

function setSocketTimeout(stream: Duplex, timeoutMs: number): void {
  if ('setTimeout' in stream) (stream as Socket).setTimeout(timeoutMs);
}
