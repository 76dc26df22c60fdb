/** Sending answers: headers, compression, errors. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Refusal } from '../core/query.ts';

/** Smaller ones are not worth the work. */
const COMPRESS_FROM_BYTES = 1_024;
const zip = promisify(gzip);
const compressed = new WeakMap<Buffer, Promise<Buffer>>();

/** Nothing from elsewhere, nothing inline, no framing: the page is three files of our own. */
const SECURITY_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
} as const;

export interface Content {
  readonly body: Buffer;
  readonly type: string;
  /** Identity of the content; with it a browser may keep it and asks whether it is still the same. */
  readonly etag?: string;
}

export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  content: Content,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { etag, type } = content;
  for (const [name, value] of Object.entries({ ...SECURITY_HEADERS, ...headers })) {
    response.setHeader(name, value);
  }
  response.setHeader('Cache-Control', etag === undefined ? 'no-store' : 'no-cache');
  if (etag !== undefined) response.setHeader('ETag', etag);
  if (etag !== undefined && request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  response.setHeader('Content-Type', type);
  response.setHeader('Vary', 'Accept-Encoding');
  const body = await encoded(request, response, content.body);
  response.setHeader('Content-Length', body.length);
  response.writeHead(status).end(request.method === 'HEAD' ? undefined : body);
}

/** Compressed once for all who get the same answer. */
async function encoded(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
): Promise<Buffer> {
  const accepts = /\bgzip\b(?!;q=0(\.0+)?\b)/.test(request.headers['accept-encoding'] ?? '');
  if (!accepts || body.length < COMPRESS_FROM_BYTES) return body;
  let packed = compressed.get(body);
  if (packed === undefined) compressed.set(body, (packed = zip(body, { level: 4 })));
  response.setHeader('Content-Encoding', 'gzip');
  return packed;
}

export const JSON_TYPE = 'application/json; charset=utf-8';

export const jsonContent = (value: unknown): Content => ({
  body: Buffer.from(JSON.stringify(value)),
  type: JSON_TYPE,
});

export async function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  { status, code, message, retryAfterSeconds }: Refusal,
): Promise<void> {
  const headers =
    retryAfterSeconds === undefined ? {} : { 'Retry-After': String(Math.ceil(retryAfterSeconds)) };
  const content = jsonContent({ error: { code, message } });
  await send(request, response, status, content, headers);
}
