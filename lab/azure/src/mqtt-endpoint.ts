/** MQTT over TLS on a port of its own. */
import { constants } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer } from 'node:tls';
import type { Server, TlsOptions } from 'node:tls';
import type { PemPair } from './certificates.ts';
import { serveMqtt } from './mqtt-connection.ts';
import type { MqttService } from './mqtt-connection.ts';

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
    server.on('secureConnection', (socket) => serveMqtt(socket, this.#options.services));
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
