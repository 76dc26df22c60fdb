/** The built service on a real Redis, asked over HTTP; every answer is held against its document. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { freePort, service, startRedis, until } from '@holdfast/lab/servers';
import type { ManagedProcess, RedisServer } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import type { Row, TableName } from '../../src/core/contract/index.ts';

/** What the image allows the service: tests that pass with more memory prove nothing. */
const DOCKERFILE = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
const NODE_OPTIONS = /NODE_OPTIONS="([^"]+)"/.exec(DOCKERFILE)?.[1];
assert.ok(NODE_OPTIONS, 'the image limits the memory of the service');
const AS_IN_THE_IMAGE = { NODE_OPTIONS };

export interface Reply<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export class Api implements AsyncDisposable {
  readonly url: string;
  readonly process: ManagedProcess;
  readonly #schemas = new Map<string, ValidateFunction>();

  private constructor(port: number, env: Readonly<Record<string, string>>) {
    this.url = `http://127.0.0.1:${port}`;
    const own = { DASHBOARD_PORT: String(port), DASHBOARD_BIND: '127.0.0.1' };
    this.process = service('grafana/api', { ...AS_IN_THE_IMAGE, ...own, ...env });
  }

  /** Starts the service and reads its document. */
  static async start(env: Readonly<Record<string, string>>): Promise<Api> {
    const api = new Api(await freePort(), env);
    api.process.start();
    await api.process.untilLine(/"event":"started"/);
    await api.#readDocument();
    return api;
  }

  async #readDocument(): Promise<void> {
    interface Document {
      readonly paths: Record<
        string,
        Record<
          string,
          { readonly responses: Record<string, { content: Record<string, { schema: object }> }> }
        >
      >;
      readonly components: object;
    }
    const { components, paths } = (await (
      await fetch(`${this.url}/openapi.json`)
    ).json()) as Document;
    const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
    // Where the document keeps what its schemas refer to.
    ajv.addVocabulary(['components']);
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { responses }] of Object.entries(methods)) {
        for (const [status, { content }] of Object.entries(responses)) {
          const schema = content['application/json']?.schema ?? {};
          this.#schemas.set(`${method} ${path} ${status}`, ajv.compile({ ...schema, components }));
        }
      }
    }
  }

  /** Resolves when the service answers from Redis. */
  async untilReady(): Promise<void> {
    await until('the service reaches Redis', async () => {
      const health = (await (await fetch(`${this.url}/healthz`)).json()) as { redis: string };
      return health.redis === 'ready';
    });
  }

  /** One request; an answer that is not as documented fails the test. */
  async ask<T = unknown>(pathAndQuery: string, init: RequestInit = {}): Promise<Reply<T>> {
    const response = await fetch(this.url + pathAndQuery, init);
    const body: unknown = await response.json();
    const [path = ''] = pathAndQuery.split('?');
    const key = `${(init.method ?? 'GET').toLowerCase()} ${path} ${response.status}`;
    const validate = this.#schemas.get(key);
    if (validate !== undefined)
      assert.ok(validate(body), `${key}: ${JSON.stringify(validate.errors)}`);
    else assert.ok(response.status >= 400, `${key} is not documented`);
    return { status: response.status, headers: response.headers, body: body as T };
  }

  /** The rows of a table. */
  async rows(name: TableName, query = ''): Promise<Row[]> {
    const { status, body } = await this.ask<Row[]>(`/api/${name}${query}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.kill();
  }
}

export interface Bed extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly api: Api;
}

export async function startBed(env: Readonly<Record<string, string>> = {}): Promise<Bed> {
  const redis = await startRedis();
  const api = await Api.start({ ...redis.env, ...env });
  await api.untilReady();
  return {
    redis,
    api,
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** Stores entries under their own ids. */
export async function store(redis: RedisServer, entries: readonly StreamEntry[]): Promise<void> {
  for (let first = 0; first < entries.length; first += 5_000) {
    const pipeline = redis.client.pipeline();
    for (const [id, fields] of entries.slice(first, first + 5_000)) {
      pipeline.xadd(KEYS.values.key, id, ...fields);
    }
    await pipeline.exec();
  }
}

/** Calls of a command so far and Redis' own time in them. */
export async function spent(
  redis: RedisServer,
  command: string,
): Promise<{ readonly calls: number; readonly ms: number }> {
  const info = await redis.client.info('commandstats');
  const match = new RegExp(`^cmdstat_${command}:calls=(\\d+),usec=(\\d+)`, 'm').exec(info);
  return { calls: Number(match?.[1] ?? 0), ms: Number(match?.[2] ?? 0) / 1_000 };
}
