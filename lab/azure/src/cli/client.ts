/** Talks to the admin API of a running cloud. */
import { isJsonObject, parseJson } from '../json.ts';
import type { Json, JsonObject } from '../json.ts';

export const DEFAULT_ADMIN = 'http://127.0.0.1:7880';

/** The cloud refused, or is not there; shown without a stack. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
}

export class AdminClient {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base.replace(/\/$/, '');
  }

  /** @throws ClientError with what the cloud said */
  async call(method: string, path: string, body?: Json): Promise<Json> {
    const response = await this.#fetch(path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json = parseJson(await response.text()) ?? null;
    if (response.ok) return json;
    const error = isJsonObject(json) ? json['error'] : undefined;
    const message = isJsonObject(error) ? error['message'] : undefined;
    throw new ClientError(typeof message === 'string' ? message : `HTTP ${response.status}`);
  }

  async list(path: string): Promise<readonly JsonObject[]> {
    const json = await this.call('GET', path);
    return Array.isArray(json) ? (json as readonly JsonObject[]) : [];
  }

  /** One object for each line of a stream, until it ends. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<JsonObject> {
    const response = await this.#fetch(path, { signal });
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of response.body ?? []) {
        const parts = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
        rest = parts.pop() ?? '';
        for (const part of parts) {
          const json = parseJson(part);
          if (isJsonObject(json)) yield json;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw new ClientError('the cloud has ended', { cause: error });
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`${this.#base}${path}`, init);
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new ClientError(
        `no cloud answers on ${this.#base}; "holdfast-cloud start" starts one`,
        {
          cause: error,
        },
      );
    }
  }
}

/** Of one segment of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}
