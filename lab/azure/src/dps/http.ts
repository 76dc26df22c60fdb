/**
 * DPS over HTTPS:
 *
 * - `PUT  /{idScope}/registrations/{id}/register?api-version=`
 * - `GET  /{idScope}/registrations/{id}/operations/{operationId}?api-version=`, with a body, too
 * - `POST /{idScope}/registrations/{id}?api-version=`: Device Registration Status Lookup
 *
 * A token comes in the Authorization header; a certificate by TLS.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { peerChain } from '../certificates.ts';
import type { PemPair } from '../certificates.ts';
import { serverTls } from '../mqtt-endpoint.ts';
import { MAX_BODY_BYTES } from './call.ts';
import type { Delivery, DpsCall } from './call.ts';
import { failure, renderRetryAfter } from './core/answer.ts';
import type { DpsAnswer, ErrorName } from './core/answer.ts';
import type { DpsService } from './service.ts';

export interface DpsHttpOptions {
  readonly service: DpsService;
  readonly server: PemPair;
  readonly ca: string;
  readonly listenHost: string;
  /** 0 = a free one. */
  readonly port: number;
  /** MQTT over WebSockets, where it is served. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export interface DpsHttp {
  readonly port: number;
  close(): Promise<void>;
}

export async function startDpsHttp(options: DpsHttpOptions): Promise<DpsHttp> {
  const sockets = new Set<Duplex>();
  const server = createServer(serverTls(options.server, options.ca), (request, response) => {
    void serve(options.service, request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  if (options.onUpgrade !== undefined) server.on('upgrade', options.onUpgrade);
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function listen(server: Server, { port, listenHost }: DpsHttpOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, listenHost, resolve);
  });
}

async function serve(
  service: DpsService,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readText(request);
  if (body === undefined) return answer(service, response, failure('too_large'));
  const call = parseCall(request, body);
  if (typeof call === 'string') return answer(service, response, failure(call));
  deliver(service, response, call, await service.handle(call));
}

/** undefined = more than any call may bring. */
async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES * 2) chunks.push(chunk);
    }
  } catch {
    return ''; // The client left: nobody will read the answer.
  }
  return bytes > MAX_BODY_BYTES * 2 ? undefined : Buffer.concat(chunks).toString('utf8');
}

const PATH = /^\/([^/]+)\/registrations\/([^/]+)(?:\/(register)|\/operations\/([^/]+))?\/?$/i;

function parseCall(request: IncomingMessage, body: string): DpsCall | ErrorName {
  const url = parseUrl(request.url ?? '/');
  if (url === undefined) return 'unknown_path';
  const found = PATH.exec(url.pathname);
  const [idScope, id, operationId] = [found?.[1], found?.[2], found?.[4]].map(decoded);
  if (idScope === undefined || id === undefined) return 'unknown_path';
  const common = {
    transport: 'http',
    idScope,
    registrationId: id,
    apiVersion: url.searchParams.get('api-version') ?? '',
    presented: {
      sas: request.headers.authorization,
      chain: peerChain(request.socket as TLSSocket),
    },
    body,
  } as const;
  if (operationId !== undefined) {
    return request.method === 'GET'
      ? { ...common, operation: 'poll', operationId }
      : 'wrong_method';
  }
  const isRegister = found?.[3] !== undefined;
  if (request.method !== (isRegister ? 'PUT' : 'POST')) return 'wrong_method';
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    return 'wrong_media_type';
  }
  return { ...common, operation: isRegister ? 'register' : 'lookup' };
}

/** `//` and the like are no address. */
function parseUrl(target: string): URL | undefined {
  try {
    return new URL(target, 'https://dps');
  } catch {
    return undefined;
  }
}

function decoded(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function deliver(
  service: DpsService,
  response: ServerResponse,
  call: DpsCall,
  delivery: Delivery,
): void {
  switch (delivery.kind) {
    case 'hang':
      return;
    case 'close':
      response.socket?.destroy();
      return;
    case 'answer': {
      const { operationId } = delivery.answer.kind === 'ok' ? delivery.answer : {};
      if (operationId !== undefined) {
        const path = `/${call.idScope}/registrations/${call.registrationId}/operations`;
        const query = `api-version=${call.apiVersion}`;
        const host = response.req.headers.host ?? 'localhost';
        response.setHeader('location', `https://${host}${path}/${operationId}?${query}`);
      }
      answer(service, response, delivery.answer, delivery.text);
    }
  }
}

function answer(
  service: DpsService,
  response: ServerResponse,
  given: DpsAnswer,
  text?: string,
): void {
  const { nowMs } = service;
  // The device may judge its own clock by this.
  response.setHeader('date', httpDate(nowMs));
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.setHeader('x-ms-request-id', randomUUID());
  if (given.retryAfter !== undefined) {
    response.setHeader('retry-after', renderRetryAfter(given.retryAfter, nowMs, httpDate));
  }
  if (given.kind === 'failure') {
    response.setHeader('x-ms-error-code', String(given.errorCode));
  }
  response.writeHead(given.status);
  response.end(text ?? JSON.stringify(bodyOf(given, nowMs)));
}

/** The JSON of an answer; of a failure with a tracking id of its own. */
export function bodyOf(given: DpsAnswer, nowMs: number): object {
  if (given.kind === 'ok') return given.body;
  const { errorCode, message } = given;
  const timestampUtc = new Date(nowMs).toISOString();
  return { errorCode, trackingId: randomUUID(), message, timestampUtc };
}

export function httpDate(unixMs: number): string {
  return new Date(unixMs).toUTCString();
}
