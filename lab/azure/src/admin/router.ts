/** Just enough HTTP for an admin API: routes with parameters, JSON in, JSON or a stream out. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { errorMessage } from '@holdfast/kit';
import { EnrolmentError } from '../dps/index.ts';
import { parseJson } from '../json.ts';
import type { Json } from '../json.ts';
import { HubError } from '../ports.ts';

export interface AdminRequest {
  /** Of the path, decoded. Every parameter of the route is there. */
  param(name: string): string;
  readonly query: URLSearchParams;
  /** undefined = none was sent. */
  readonly body: Json | undefined;
}

export type AdminAnswer =
  | { readonly status?: number; readonly json: unknown }
  | { readonly text: string; readonly contentType: string }
  /** One JSON value a line, until the client leaves. @returns what ends it */
  | { readonly lines: (write: (value: unknown) => void) => () => void };

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Segments; `:name` is a parameter. */
  readonly path: string;
  readonly handle: (request: AdminRequest) => AdminAnswer | Promise<AdminAnswer>;
}

/** A refusal with an HTTP status. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Admin extends AsyncDisposable {
  readonly port: number;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 1_048_576;

export async function serveRoutes(
  routes: readonly Route[],
  listenHost: string,
  port: number,
): Promise<Admin> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    void answer(routes, request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, listenHost, resolve);
  });
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const { port: bound } = server.address() as AddressInfo;
  return { port: bound, close, [Symbol.asyncDispose]: close };
}

async function answer(
  routes: readonly Route[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    send(response, await dispatch(routes, request));
  } catch (error) {
    const { status, faults } = refusal(error);
    send(response, { status, json: { error: { message: errorMessage(error), faults } } });
  }
}

function refusal(error: unknown): { status: number; faults?: readonly string[] } {
  if (error instanceof AdminError || error instanceof HubError) return { status: error.status };
  if (error instanceof EnrolmentError) return { status: 400, faults: error.faults };
  return { status: 500 };
}

async function dispatch(routes: readonly Route[], request: IncomingMessage): Promise<AdminAnswer> {
  const url = new URL(request.url ?? '/', 'http://admin');
  let isKnownPath = false;
  for (const route of routes) {
    const params = match(route.path, url.pathname);
    if (params === undefined) continue;
    isKnownPath = true;
    if (route.method !== request.method) continue;
    const body = await readJson(request);
    return route.handle({ query: url.searchParams, body, param: (name) => params[name] ?? '' });
  }
  if (isKnownPath) throw new AdminError(405, 'this path does not take that method');
  throw new AdminError(404, 'there is no such path; GET / lists them');
}

function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.replace(/(.)\/$/, '$1').split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = given[index] ?? '';
    if (segment.startsWith(':')) params[segment.slice(1)] = decode(value);
    else if (segment !== value) return undefined;
  }
  return params;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AdminError(400, 'the path is not properly encoded');
  }
}

async function readJson(request: IncomingMessage): Promise<Json | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new AdminError(413, 'the body is larger than 1 MB');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8').trim();
  if (text === '') return undefined;
  const json = parseJson(text);
  if (json === undefined) throw new AdminError(400, 'the body is not JSON');
  return json;
}

function send(response: ServerResponse, given: AdminAnswer): void {
  if ('lines' in given) {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    const end = given.lines((value) => response.write(`${JSON.stringify(value)}\n`));
    response.once('close', end);
    return;
  }
  if ('text' in given) {
    response.writeHead(200, { 'content-type': given.contentType }).end(given.text);
    return;
  }
  response.writeHead(given.status ?? 200, { 'content-type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify(given.json, null, 2)}\n`);
}
