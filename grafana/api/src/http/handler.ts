/** From a request to an answer: routes, limits, errors. Decides nothing about what is answered. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TransientError, errorMessage } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import { TABLE_NAMES } from '../app.ts';
import type { Answer, Dashboard } from '../app.ts';
import { CURVE_PARAMETERS, TABLE_ROUTES } from '../core/contract/index.ts';
import type { Json } from '../core/contract/index.ts';
import { Refusal, parseQuery } from '../core/query.ts';
import type { RateLimit } from '../core/rate.ts';
import { refusedBecause } from '../core/same-origin.ts';
import type { Control } from '../ports.ts';
import { JSON_TYPE, jsonContent, send, sendRefusal } from './respond.ts';
import type { Content } from './respond.ts';

const MAX_URL_CHARACTERS = 8_192;
const MAX_BODY_BYTES = 1_024;

export interface HandlerOptions {
  readonly dashboard: Dashboard;
  readonly clock: Clock;
  readonly rate: RateLimit;
  readonly assets: ReadonlyMap<string, Content>;
  readonly openapi: Json;
  readonly redisReady: () => boolean;
  /** Undefined: nothing can be switched, the route does not exist. */
  readonly control: Control | undefined;
  readonly onSwitched: (measuring: boolean) => void;
  readonly onBug: (path: string, error: unknown) => void;
}

type Handler = (request: IncomingMessage, url: URL) => Promise<Content>;

export function handlerFor(options: HandlerOptions) {
  const gets = getRoutes(options);
  const posts = new Map<string, Handler>();
  const { control } = options;
  if (control !== undefined) {
    posts.set('/api/measuring', async (request) => switchMeasuring(request, control, options));
  }
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const content = await answer(request, options, gets, posts);
      await send(request, response, 200, content);
    } catch (error) {
      await sendRefusal(request, response, refusalFor(error, request, options));
    }
  };
}

function getRoutes({
  dashboard,
  assets,
  openapi,
  redisReady,
}: HandlerOptions): Map<string, Handler> {
  const routes = new Map<string, Handler>();
  for (const [path, content] of assets) routes.set(path, () => Promise.resolve(content));
  for (const name of TABLE_NAMES) {
    const { path, parameters } = TABLE_ROUTES[name];
    routes.set(path, async (_request, url) => {
      return json(await dashboard.table(name, parseQuery(url.searchParams, parameters)));
    });
  }
  routes.set('/api/overview', async (_request, url) => {
    parseQuery(url.searchParams, []);
    return json(await dashboard.overview());
  });
  routes.set('/api/curves', async (_request, url) => {
    return json(await dashboard.curves(parseQuery(url.searchParams, CURVE_PARAMETERS)));
  });
  const health = () => jsonContent({ status: 'ok', redis: redisReady() ? 'ready' : 'unreachable' });
  routes.set('/healthz', () => Promise.resolve(health()));
  const document = jsonContent(openapi);
  routes.set('/openapi.json', () => Promise.resolve(document));
  return routes;
}

const json = ({ body }: Answer): Content => ({ body, type: JSON_TYPE });

async function answer(
  request: IncomingMessage,
  { clock, rate }: HandlerOptions,
  gets: ReadonlyMap<string, Handler>,
  posts: ReadonlyMap<string, Handler>,
): Promise<Content> {
  const { method = 'GET', url: raw = '/' } = request;
  if (raw.length > MAX_URL_CHARACTERS) {
    throw new Refusal(414, 'too_long', `an address has ${MAX_URL_CHARACTERS} characters at most`);
  }
  const url = parseUrl(raw);
  const path = url.pathname;
  if (path !== '/healthz') {
    const waitSeconds = rate.take(request.socket.remoteAddress ?? '', clock.monotonicMs());
    if (waitSeconds > 0) {
      throw new Refusal(429, 'too_many_requests', 'slow down', Math.max(1, waitSeconds));
    }
  }
  const reading = method === 'GET' || method === 'HEAD';
  const handler = (reading ? gets : method === 'POST' ? posts : undefined)?.get(path);
  if (handler !== undefined) return handler(request, url);
  if (gets.has(path) || posts.has(path)) {
    throw new Refusal(405, 'method_not_allowed', `${method} is not possible here`);
  }
  throw new Refusal(404, 'not_found', 'there is nothing here; /openapi.json lists what there is');
}

function parseUrl(raw: string): URL {
  try {
    return new URL(raw, 'http://dashboard');
  } catch {
    throw new Refusal(400, 'bad_address', 'this is no address');
  }
}

async function switchMeasuring(
  request: IncomingMessage,
  control: Control,
  { onSwitched }: HandlerOptions,
): Promise<Content> {
  const header = (name: string) => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const refused = refusedBecause({
    host: header('host'),
    origin: header('origin'),
    fetchSite: header('sec-fetch-site'),
    contentType: header('content-type'),
    control: header('x-holdfast-control'),
  });
  if (refused !== undefined) throw new Refusal(403, 'not_allowed', refused);
  const measuring = measuringOf(await bodyOf(request));
  await control.setMeasuring(measuring);
  onSwitched(measuring);
  return jsonContent({ measuring });
}

function measuringOf(body: string): boolean {
  const wrong = new Refusal(400, 'bad_body', 'the body must be {"measuring": true} or false');
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw wrong;
  }
  if (typeof value !== 'object' || value === null || !('measuring' in value)) throw wrong;
  if (typeof value.measuring !== 'boolean') throw wrong;
  return value.measuring;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new Refusal(413, 'too_large', 'the body is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function refusalFor(error: unknown, request: IncomingMessage, options: HandlerOptions): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof TransientError) {
    return new Refusal(503, 'redis_unreachable', `Redis does not answer: ${error.message}`, 1);
  }
  options.onBug(request.url ?? '', error);
  return new Refusal(500, 'bug', `this should not have happened: ${errorMessage(error)}`);
}
